package pathtest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// bases are paths on a site that sells what is below /articles/ (with cheap* and
// dear* at prices of their own) and /albums/, and gives away /free/.
var bases = []string{
	"/articles/p1", "/articles/cheap", "/articles/dear", "/articles/welcome", "/articles",
	"/albums/x/1.mp3", "/albums/y/2.mp3", "/albums", "/free/page", "/free/a/b", "/", "/.paywall/unlock",
	"/articles/dürer", "/free/C++ & more", "/articles/script.php", "/free/script.php/a",
}

// Target makes a raw request target: a path of the site, or two of them joined,
// bent by up to four tricks. The same state of rng gives the same target.
func Target(rng *rand.Rand) string {
	target := escapeSome(bases[rng.IntN(len(bases))])
	if rng.IntN(3) == 0 {
		target += escapeSome(bases[rng.IntN(len(bases))])
	}
	for range rng.IntN(5) {
		target = tricks[rng.IntN(len(tricks))](rng, target)
	}
	return target
}

func escapeSome(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if c <= ' ' || c >= 0x7f || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

type trick func(rng *rand.Rand, target string) string

var tricks = []trick{
	// Escapes.
	escapeOne("%%%02X"), escapeOne("%%%02x"), escapeOne("%%25%02x"), escapeOne("%%2525%02X"), escapeOne("%%u00%02x"),
	escapeOne("%%25u00%02x"),
	func(_ *rand.Rand, s string) string { return strings.ReplaceAll(s, "%", "%25") },
	// Another slash.
	swap("/", "//", "///", "%2f", "%2F", "%252f", "%5c", "%255C", `\`, "/./", "/%2e/", "/x/../", "/x//../", "/x%2f../", "/%2e%2e/",
		"/x/%2e%2e/", "/.%2e/", "/..;/", "/..%20/", "/%20", "/;/", "/;a=b/", ";a/", "./", "%20/", " /", "%EF%BC%8F", "/%EF%BC%8E%EF%BC%8E/", "%00/", "%2500/", "%23/", "#/",
		"%3f/", "?/", "/../", "%c0%af", "%e0%80%af", "/%c0%ae%c0%ae/", "%01/", "/%0a", "/%E2%80%A5/", "::$INDEX_ALLOCATION/", ":$i30:$INDEX_ALLOCATION/", "%E2%80%8B/",
		"/index.php/", "/App.PHP/", "/(S(x))/", "/(A(a)F(b))/", "/%28S(x)%29/", "../", ".%2e/", "/x../"),
	// Another letter.
	swap("s", "%C5%BF", "S", "%EF%BD%93", "s%CC%88", "s%E2%80%8D", "s%C2%AD"),
	swap("i", "%C4%B1", "I", "%C4%B0", "%E2%85%B0"),
	swap("k", "%E2%84%AA", "K"),
	swap("a", "A", "%61", "%2561", "%E2%93%90", "%F0%9D%90%9A", "%u0061"),
	swap("e", "E", "e%CC%81", "%C3%A9", "%E9", "e%ff", "e%07"),
	swap("%C3%BC", "%FC", "%fc"),
	swap(".", "%2e", "%252e", "%EF%BC%8E", ".%00", ".."),
	// Before and after.
	front("//h", "///h", "/\\h", "/index.php", "/app.php", "/free/..", "/free/%2e%2e", "/free/..;", "/free%2f..", "/free/x/../..", "/./", "/..",
		"/%2f", "/%5ch", "/.;", "/x/..%2f", "/_next/../", "http://site.test", "/free//..", "/free/a//../..",
		"/free..", "/x..", "/x%2e%2e", "/blog/index.php", "/(S(abc))", "/(F(x)S(y))", "/x/index.php"),
	back("/", "//", "/.", "/..", "/../", "/x/..", "/%2e%2e", ".", "..", "...", "%20", "%2e", "+", ";", ";x=1", "%3Bx", "::$DATA", "%3a%3a$DATA", "%00", "%2500",
		"%00.css", "%23x", "#x", "?", "?x=1", "%3fx", "%3fx/../../free", "%0a", "%7f", "%", "%zz", "%C2%A0", "%E2%80%A6", "%EF%BC%83x", "/..;", "/..%2f", "/%2e%2e%2f..",
		"%ff", "%25ff", "%CD%BEx", "\\", "\\..\\", "/../../free", "/..%2f..%2ffree", "/../cheap", "/..%2fdear", "/%EF%BC%8E%EF%BC%8E/dear",
		"/x.css", "/x", ".php/x", "/.jpg", ";.jpg", "/(S(x))", "/x/(S(x))/../..", "/a.cgi/x"),
	func(_ *rand.Rand, s string) string { return strings.ToUpper(s) },
	func(_ *rand.Rand, s string) string { return escapeSome(norm.NFD.String(decode(s))) },
	func(_ *rand.Rand, s string) string { return norm.NFC.String(decode(s)) },
}

// escapeOne escapes one byte.
func escapeOne(format string) trick {
	return func(rng *rand.Rand, s string) string {
		if len(s) < 2 {
			return s
		}
		i := 1 + rng.IntN(len(s)-1)
		return s[:i] + fmt.Sprintf(format, s[i]) + s[i+1:]
	}
}

// swap replaces one occurrence of a string, the leading slash aside.
func swap(old string, replacements ...string) trick {
	return func(rng *rand.Rand, s string) string {
		n := strings.Count(s[min(1, len(s)):], old)
		if n == 0 {
			return s
		}
		at := 1
		for range rng.IntN(n) {
			at += strings.Index(s[at:], old) + len(old)
		}
		at += strings.Index(s[at:], old)
		return s[:at] + replacements[rng.IntN(len(replacements))] + s[at+len(old):]
	}
}

func front(prefixes ...string) trick {
	return func(rng *rand.Rand, s string) string { return prefixes[rng.IntN(len(prefixes))] + s }
}

func back(suffixes ...string) trick {
	return func(rng *rand.Rand, s string) string { return s + suffixes[rng.IntN(len(suffixes))] }
}
