// Package pathtest holds ways in which sites read a request target, and makes
// targets that are meant to be read in more ways than one. Tests use it to prove
// that what the gate gives away or sells is what a site delivers, however lenient
// the site is. The flavours are written from the behaviour of the programs they
// stand for, and share no code with the gate.
package pathtest

import (
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Flavour is one way of reading a raw request target.
type Flavour struct {
	Name string
	// Read is the decoded path of the resource that the site delivers, "" when
	// it refuses the target.
	Read func(rawTarget string) string
	// Undecoded says that names keep their escapes, so that "/%C3%BC" is the
	// site's way to write "/ü".
	Undecoded bool
}

// Flavours are all ways that are known here.
func Flavours() []Flavour { return slices.Clone(flavours) }

var flavours = []Flavour{
	{Name: "literal", Read: func(t string) string { return decode(pathOf(t)) }},
	{Name: "undecoded", Read: pathOf, Undecoded: true},
	{Name: "router", Read: router},
	{Name: "clean", Read: func(t string) string { return clean(decode(pathOf(t))) }},
	{Name: "clean-first", Read: func(t string) string { return decode(clean(pathOf(t))) }},
	{Name: "rfc3986", Read: func(t string) string { return decode(removeDotSegments(pathOf(t))) }},
	{Name: "dec2", Read: func(t string) string { return clean(decode(decode(pathOf(t)))) }},
	{Name: "dec3-clean-between", Read: func(t string) string { return clean(decode(clean(decode(clean(decode(pathOf(t))))))) }},
	{Name: "slash-only", Read: func(t string) string { return clean(encodedSlash.Replace(pathOf(t))) }, Undecoded: true},
	{Name: "tomcat", Read: tomcat},
	{Name: "tomcat-decode-first", Read: func(t string) string { return clean(segments(decode(pathOf(t)), dropParameters)) }},
	{Name: "iis", Read: iis},
	{Name: "windows-files", Read: windowsFiles},
	{Name: "nfc", Read: func(t string) string { return clean(norm.NFC.String(decode(pathOf(t)))) }},
	{Name: "nfkc", Read: func(t string) string { return clean(norm.NFKC.String(decode(pathOf(t)))) }},
	{Name: "nfkc-decode-again", Read: func(t string) string { return clean(decode(norm.NFKC.String(decode(pathOf(t))))) }},
	{Name: "nfkc-casefold", Read: casefold},
	{Name: "lower", Read: func(t string) string { return clean(strings.ToLower(decode(pathOf(t)))) }},
	{Name: "upper-lower", Read: func(t string) string { return clean(strings.ToLower(strings.ToUpper(decode(pathOf(t))))) }},
	{Name: "hfs", Read: func(t string) string { return casefold(visible(t)) }},
	{Name: "nul", Read: func(t string) string { return clean(cut(decode(pathOf(t)), "\x00#")) }},
	{Name: "nul-decode-again", Read: func(t string) string { return clean(cut(decode(decode(pathOf(t))), "\x00#?")) }},
	{Name: "fragment", Read: func(t string) string { return clean(decode(cut(pathOf(t), "#"))) }},
	{Name: "trim", Read: func(t string) string { return clean(segments(decode(pathOf(t)), strings.TrimSpace)) }},
	{Name: "symfony", Read: symfony},
	{Name: "php", Read: php},
	{Name: "node", Read: node},
	{Name: "dot-filter", Read: dotFilter},
	{Name: "apache-path-info", Read: pathInfo},
	{Name: "front-controller", Read: frontController},
	{Name: "nginx-alias", Read: nginxAlias},
	{Name: "aspnet-cookieless", Read: aspnet},
	{Name: "spring", Read: spring},
	{Name: "rails", Read: rails},
	{Name: "python", Read: python},
	{Name: "go", Read: goMux},
	{Name: "overlong", Read: func(t string) string { return clean(overlong.Replace(decode(pathOf(t)))) }},
	{Name: "latin-1", Read: func(t string) string { return clean(latin1(decode(pathOf(t)))) }},
	{Name: "invalid-dropped", Read: func(t string) string { return clean(strings.ToValidUTF8(decode(pathOf(t)), "")) }},
	{Name: "controls-dropped", Read: func(t string) string { return clean(printable(decode(pathOf(t)))) }},
}

// pathOf is the raw path of a target; of an absolute-form one, what a proxy
// makes of it.
func pathOf(target string) string { return cut(origin(target), "?") }

func origin(target string) string {
	if rest, ok := strings.CutPrefix(target, "http://"); ok {
		return rest[len(cut(rest, "/")):]
	}
	return target
}

func cut(s, marks string) string {
	if i := strings.IndexAny(s, marks); i >= 0 {
		return s[:i]
	}
	return s
}

// decode undoes percent-encoding where it is well formed.
func decode(s string) string {
	if d, err := url.PathUnescape(s); err == nil {
		return d
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+3 <= len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func clean(s string) string { return path.Clean("/" + s) }

func segments(s string, change func(string) string) string {
	parts := strings.Split(s, "/")
	for i := range parts {
		parts[i] = change(parts[i])
	}
	return strings.Join(parts, "/")
}

// router matches "/:section/:slug" segment by segment, as routers do that do not
// clean, and overlooks dots, parameters and nothing after it.
func router(target string) string {
	parts := strings.Split(strings.TrimPrefix(pathOf(target), "/"), "/")
	if len(parts) > 2 && strings.Trim(dropParameters(decode(parts[2])), ".") == "" {
		parts = parts[:2]
	}
	return "/" + decode(strings.Join(parts, "/"))
}

// removeDotSegments is RFC 3986 5.2.4, with empty segments counted; the slashes
// are merged afterwards, as Envoy does.
func removeDotSegments(p string) string {
	var out []string
	parts := strings.Split(strings.TrimPrefix(p, "/"), "/")
	for _, part := range parts {
		switch part {
		case ".":
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
		default:
			out = append(out, part)
		}
	}
	return clean(strings.Join(out, "/"))
}

var encodedSlash = strings.NewReplacer("%2f", "/", "%2F", "/")

func dropParameters(segment string) string { return cut(segment, ";") }

// tomcat drops path parameters before it decodes.
func tomcat(target string) string {
	return clean(decode(segments(pathOf(target), dropParameters)))
}

// iis decodes %uXXXX too, as IIS 5 did, and again what it decoded (MS01-026).
func iis(target string) string {
	p := wide(decode(wide(pathOf(target))))
	return strings.ToLower(windowsName(p))
}

// wide decodes %uXXXX up to the first that is not well formed.
func wide(p string) string {
	for {
		i := strings.Index(strings.ToLower(p), "%u")
		if i < 0 || i+6 > len(p) {
			return p
		}
		n, err := strconv.ParseUint(p[i+2:i+6], 16, 16)
		if err != nil {
			return p
		}
		p = p[:i] + string(rune(n)) + p[i+6:]
	}
}

func windowsFiles(target string) string {
	return strings.ToLower(windowsName(norm.NFC.String(decode(pathOf(target)))))
}

// windowsName is what NTFS opens: "\" separates, dots and spaces at the end of
// a name do not count, a stream belongs to its file.
func windowsName(p string) string {
	p = clean(strings.ReplaceAll(p, `\`, "/"))
	return clean(segments(p, func(s string) string {
		s = strings.TrimRight(s, ". ")
		if strings.Contains(s, ":$") {
			s = cut(s, ":")
		}
		return strings.TrimRight(s, ". ")
	}))
}

func casefold(target string) string {
	return clean(cases.Fold(cases.Compact).String(norm.NFKC.String(decode(pathOf(target)))))
}

// visible leaves out what a reader cannot see.
func visible(target string) string {
	return url.PathEscape(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, norm.NFC.String(decode(pathOf(target)))))
}

// symfony strips its front controller from the path before it decodes.
func symfony(target string) string {
	p := pathOf(target)
	if rest, ok := strings.CutPrefix(p, "/index.php"); ok && strings.HasPrefix(rest, "/") {
		p = rest
	}
	return decode(p)
}

// php is parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH), then urldecode.
func php(target string) string {
	p := cut(origin(target), "?#")
	if rest, ok := strings.CutPrefix(p, "//"); ok {
		i := strings.IndexByte(rest, '/')
		if i < 0 {
			return "/"
		}
		p = rest[i:]
	}
	return decode(strings.ReplaceAll(p, "+", "%20"))
}

// node is decodeURIComponent(new URL(req.url, "http://host").pathname).
func node(target string) string {
	p := strings.ReplaceAll(cut(origin(target), "?#"), `\`, "/")
	if strings.HasPrefix(p, "//") {
		rest := strings.TrimLeft(p, "/")
		i := strings.IndexByte(rest, '/')
		if i < 0 {
			return "/"
		}
		p = rest[i:]
	}
	dots := strings.NewReplacer("%2e", ".", "%2E", ".")
	parts := strings.Split(p, "/")
	for i, part := range parts {
		if plain := dots.Replace(part); plain == "." || plain == ".." {
			parts[i] = plain
		}
	}
	return decode(removeDotSegments(strings.Join(parts, "/")))
}

// dotFilter deletes dot segments instead of resolving them, until none is left.
func dotFilter(target string) string {
	p := decode(pathOf(target))
	for {
		filtered := strings.ReplaceAll(strings.ReplaceAll(p, "/../", "/"), "/./", "/")
		if filtered == p {
			return clean(strings.TrimSuffix(strings.TrimSuffix(p, "/.."), "/."))
		}
		p = filtered
	}
}
