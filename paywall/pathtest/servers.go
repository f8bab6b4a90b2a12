package pathtest

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Ways of servers that find more in a path than names of files.

// program is a segment that Apache runs, with the rest of the path as PATH_INFO.
var program = regexp.MustCompile(`(?i)/[^/]*\.(php|phtml|cgi|fcgi|pl|py|rb|asp|aspx|ashx|jsp|do|cfm|shtml)/`)

// pathInfo is the script that runs.
func pathInfo(target string) string {
	p := clean(decode(pathOf(target)))
	if at := program.FindStringIndex(p); at != nil {
		return p[:at[1]-1]
	}
	return p
}

// frontController is the route of a framework that is installed in a folder: the
// path without the one script that everything goes through.
func frontController(target string) string {
	p := clean(decode(pathOf(target)))
	if at := program.FindStringIndex(p); at != nil {
		return clean(p[:at[0]] + p[at[1]-1:])
	}
	return p
}

// nginxAlias is "location /free { alias /srv/site/free/; }": the slash that the
// location lacks lets the rest climb. The folder for "/x" is laid out alike.
func nginxAlias(target string) string {
	p := clean(decode(pathOf(target)))
	for _, location := range []string{"/free", "/x"} {
		if rest, ok := strings.CutPrefix(p, location); ok {
			return clean(location + "/" + rest)
		}
	}
	return p
}

// session is what ASP.NET keeps in a path for browsers without cookies.
var session = regexp.MustCompile(`/\(([A-Za-z]\([^()/]*\))+\)`)

func aspnet(target string) string {
	return strings.ToLower(windowsName(session.ReplaceAllString(decode(pathOf(target)), "")))
}

// spring drops parameters, decodes once and joins what empty segments keep apart.
func spring(target string) string {
	return mergeSlashes(decode(segments(pathOf(target), dropParameters)))
}

// rails is ActionDispatch::Journey: the path as it stands, slashes squeezed, the
// one at the end gone; segments are decoded when they have been told apart.
func rails(target string) string {
	p := mergeSlashes(pathOf(target))
	if p != "/" {
		p = strings.TrimSuffix(p, "/")
	}
	return decode(p)
}

// python is WSGI's PATH_INFO, which is decoded already, with werkzeug's merged slashes.
func python(target string) string { return mergeSlashes(decode(pathOf(target))) }

// goMux is net/http's ServeMux, which matches the cleaned path after decoding.
func goMux(target string) string {
	p := decode(pathOf(target))
	if cleaned := clean(p); !strings.HasSuffix(p, "/") || cleaned == "/" {
		return cleaned
	} else {
		return cleaned + "/"
	}
}

// overlong is a decoder that takes longer forms of "/" and "." than there should be.
var overlong = strings.NewReplacer("\xc0\xaf", "/", "\xc0\xae", ".", "\xe0\x80\xaf", "/", "\xe0\x80\xae", ".")

// latin1 takes what is no UTF-8 for ISO 8859-1.
func latin1(p string) string {
	if utf8.ValidString(p) {
		return p
	}
	runes := make([]rune, len(p))
	for i := range len(p) {
		runes[i] = rune(p[i])
	}
	return string(runes)
}

func printable(p string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, p)
}

func mergeSlashes(p string) string {
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	return p
}
