package target

import (
	"regexp"
	"strings"
)

// Readings of sites that find a script, or a session, in the middle of a path.

// isScript reports whether a segment names a program that its server hands what
// follows in the path (CGI's PATH_INFO, RFC 3875, 4.1.5).
func isScript(segment string) bool {
	dot := strings.LastIndexByte(segment, '.')
	return dot >= 0 && isScriptExtension(segment[dot+1:])
}

// maxScriptExtension is the length of the longest extension of a script.
const maxScriptExtension = len("action")

func isScriptExtension(extension string) bool {
	if len(extension) > maxScriptExtension {
		return false
	}
	switch strings.ToLower(extension) {
	case "php", "php3", "php4", "php5", "php7", "php8", "phtml", "phar", "hh", // PHP
		"cgi", "fcgi", "pl", "py", "wsgi", "rb", "lua", "tcl", "sh", "exe", "dll", "shtml", // CGI and its successors
		"asp", "aspx", "ashx", "asmx", "axd", "svc", // IIS
		"jsp", "jspx", "jsf", "faces", "do", "action", // servlets
		"cfm", "cfml", "cfc", "nsf": // ColdFusion, Domino
		return true
	}
	return false
}

// dropFrontController takes "/blog/index.php/articles" for "/blog/articles", as
// frameworks do that are reached through one script.
func dropFrontController(path string) string {
	if at, end := firstScript(path); end > 0 {
		return path[:at] + path[end:]
	}
	return path
}

// dropPathInfo takes "/article.php/x" for "/article.php", as servers do that run
// the script and leave the rest of the path to it.
func dropPathInfo(path string) string {
	if _, end := firstScript(path); end > 0 {
		return path[:end]
	}
	return path
}

// firstScript finds the first script that has something after it: path[at:end]
// is its name with the slash before. end is 0 when there is none.
func firstScript(path string) (at, end int) {
	for start := 0; start < len(path); {
		length := strings.IndexByte(path[start+1:], '/')
		if length < 0 {
			return 0, 0
		}
		next := start + 1 + length
		if isScript(path[start+1 : next]) {
			return start, next
		}
		start = next
	}
	return 0, 0
}

// splitDots takes "/static../x" for "/static/../x", as nginx does where a
// location without a slash at its end has an alias with one.
func splitDots(segment string) string {
	if name, ok := strings.CutSuffix(segment, ".."); ok && name != "" && !strings.HasSuffix(name, ".") {
		return name + "/.."
	}
	return segment
}

// cookieless is a session in the path: "/(S(lit3py55t21z5v55vlm25s55))". ASP.NET
// takes it out wherever it stands, and what is before and after becomes one
// (CVE-2023-36899).
var cookieless = regexp.MustCompile(`/\((?:[A-Za-z]\([^()/]*\))+\)`)

func dropCookieless(path string) string {
	if !strings.Contains(path, "/(") {
		return path
	}
	return cookieless.ReplaceAllString(path, "")
}
