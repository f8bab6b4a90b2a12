package target_test

import (
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/target"
)

var canonicalizer = &target.Canonicalizer{NFC: norm.NFC.String, NFKC: norm.NFKC.String}

func parse(tb testing.TB, c *target.Canonicalizer, raw string) target.Target {
	tb.Helper()
	target, err := c.Parse(raw)
	if err != nil {
		tb.Fatalf("%q: %v", raw, err)
	}
	return target
}

func TestOneResourceHasOneName(t *testing.T) {
	for _, tc := range []struct {
		row, raw, resource, location string
		canonical                    bool
	}{
		{"A01", "/articles/p1", "/articles/p1", "/articles/p1", true},
		{"A05", "/Articles/p1", "/Articles/p1", "/Articles/p1", true},
		{"A06", "/%61rticles/p1", "/articles/p1", "/articles/p1", false},
		{"A06", "/articles/%70%31", "/articles/p1", "/articles/p1", false},
		{"A06", "/articles/a%3Ab%28c%29", "/articles/a:b(c)", "/articles/a:b(c)", false},
		{"A06", "/articles/d%c3%bcrer", "/articles/dürer", "/articles/d%c3%bcrer", true}, // RFC 3986, 6.2.2.1
		{"A06", "/articles/d%c3%BCrer/%5bx%5D/", "/articles/dürer/[x]", "/articles/d%c3%BCrer/%5bx%5D/", true},
		{"A06", "/%61rticles/d%c3%bcrer", "/articles/dürer", "/articles/d%C3%BCrer", false},
		{"A06", "/articles/d%C3%BCrer", "/articles/dürer", "/articles/d%C3%BCrer", true},
		{"A06", "/articles/dürer", "/articles/dürer", "/articles/d%C3%BCrer", false},
		{"A06", "/articles/du%CC%88rer", "/articles/dürer", "/articles/d%C3%BCrer", false},
		{"A08", "/free/../articles/p1", "/articles/p1", "/articles/p1", false},
		{"A08", "/./articles/p1", "/articles/p1", "/articles/p1", false},
		{"A08", "/articles/../articles/p1", "/articles/p1", "/articles/p1", false},
		{"A08", "/../../articles/p1", "/articles/p1", "/articles/p1", false},
		{"A08", "/articles/p1/..", "/articles", "/articles/", false},
		{"A12", "//articles/p1", "/articles/p1", "/articles/p1", false},
		{"A12", "/articles//p1", "/articles/p1", "/articles/p1", false},
		{"A12", "/articles/p1//", "/articles/p1", "/articles/p1/", false},
		{"A12", "///articles/p1", "/articles/p1", "/articles/p1", false},
		{"A16", `//\evil.test/x`, `/\evil.test/x`, "/%5Cevil.test/x", false},
		{"A23", "http://site.test/articles/p1?x=1", "/articles/p1", "/articles/p1?x=1", true},
		{"A23", "HTTPS://site.test", "/", "/", true},
		{"A23", "http://site.test?x", "/", "/?x", true},
		{"A25", "/articles/p1?utm=1&%zz;", "/articles/p1", "/articles/p1?utm=1&%zz;", true},
		{"A25", "/articles/p1?", "/articles/p1", "/articles/p1?", true},
		{"A25", "/a//b?u=//x/../y", "/a/b", "/a/b?u=//x/../y", false},
		{"A27", "/articles/p1/", "/articles/p1", "/articles/p1/", true},
		{"A27", "/articles/", "/articles", "/articles/", true},
		{"A27", "/articles?/p1", "/articles", "/articles?/p1", true},
		{"-", "/", "/", "/", true},
		{"-", "/.well-known/acme", "/.well-known/acme", "/.well-known/acme", true},
		{"-", "/100%25%20cotton", "/100% cotton", "/100%25%20cotton", true},
		{"-", "/articles/Wait%E2%80%A6", "/articles/Wait…", "/articles/Wait%E2%80%A6", true},
		{"-", "/articles/C%23-intro", "/articles/C#-intro", "/articles/C%23-intro", true},
		{"-", "/articles/a+b", "/articles/a+b", "/articles/a+b", true},
	} {
		t.Run(tc.row+" "+tc.raw, func(t *testing.T) {
			got := parse(t, canonicalizer, tc.raw)
			if got.Resource != tc.resource || got.Location() != tc.location || got.Canonical != tc.canonical {
				t.Errorf("resource %q, location %q, canonical %v", got.Resource, got.Location(), got.Canonical)
			}
			again := parse(t, canonicalizer, got.Location())
			if !again.Canonical || again.Resource != got.Resource || again.Location() != got.Location() {
				t.Errorf("its location is read as %q, canonical %v", again.Resource, again.Canonical)
			}
		})
	}
}

func TestWhatIsNoPathIsMalformed(t *testing.T) {
	for _, raw := range []string{
		"", "*", "articles/p1", "site.test:443", "ftp://site.test/x", "http:///x", "http://h?/articles/p1", "http:/x", `http://site.test\@evil/x`, "?x",
		"/p1\x00", "/p1\n", "/p1\x7f", "/p1?x=\n", "/p1?\x00",
		"/free#/articles/p1", "/articles/p1#x", "/articles/p1?a#b", "/#", // A20
		"/%", "/%z", "/%zz", "/%u0070", "/a%2", "/100% cotton",
		"/" + strings.Repeat("a", 8<<10),
		strings.Repeat("/%252e%255C//..;%23x%EF%BC%8F", 200),
	} {
		if target, err := canonicalizer.Parse(raw); paywall.ErrorCode(err) != paywall.CodeMalformed {
			t.Errorf("%.40q: read as %q, error %v", raw, target.Resource, err)
		}
	}
}

// TestTricksOfMoreThan2KBAreRefused: following them would cost a stranger nothing
// and us a hundred ordinary requests. What has one reading may be longer.
func TestTricksOfMoreThan2KBAreRefused(t *testing.T) {
	long := func(unit string, size int) string { return "/" + strings.Repeat(unit, size/len(unit)) }
	for _, unit := range []string{";a/", "..;/", "%2e%2e/", "a/../", "%25", "%EF%BC%8F", "(S(a))/", "x.php/", "a./", "%00"} {
		if _, err := canonicalizer.Parse(long(unit, 4<<10)); paywall.ErrorCode(err) != paywall.CodeMalformed {
			t.Errorf("4 KB of %s: %v", unit, err)
		}
	}
	for _, unit := range []string{"a/b-c/", "%E0%B8%81", "%E6%BC%A2", "%C3%A9"} {
		target, err := canonicalizer.Parse(long(unit, 4<<10))
		if err != nil || !target.Canonical && unit != "a/b-c/" {
			t.Errorf("4 KB of %s: canonical %v, error %v", unit, target.Canonical, err)
		}
	}
}

func TestWithoutUnicodeTablesOnlyASCIIIsRead(t *testing.T) {
	var ascii target.Canonicalizer
	if _, err := ascii.Parse("/articles/d%C3%BCrer"); paywall.ErrorCode(err) != paywall.CodeMalformed {
		t.Errorf("umlaut: %v", err)
	}
	for _, raw := range []string{"/articles/p1", "/Articles/%70", "/articles/d%25C3%25BCrer"} {
		if _, err := ascii.Parse(raw); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestReservedPrefixIsKnownInEverySpelling(t *testing.T) {
	for _, raw := range []string{
		"/.paywall", "/.paywall/", "/.paywall/unlock?offer=x", "/.PAYWALL/unlock", "/%2epaywall/x", "/.pay%77all/x", "//.paywall/x", "/a/../.paywall/x",
		"/.paywall%2funlock", "/.paywall;x/unlock", `/.paywall\unlock`, "/.paywall./x", "/.paywall%20/x", "/.paywall%252fx", "/%252epaywall/x", "/.paywall%23/x",
		"/%EF%BC%8Epaywall/x", "/.p%C2%ADaywall/x", "//h/.paywall/x", "http://h/.paywall/x", "/x/..;/.paywall/x", "/index.php/.paywall/x",
	} {
		target := parse(t, canonicalizer, raw)
		if !target.Reserved() {
			t.Errorf("%q is not reserved: %q", raw, target.Readings)
		}
	}
	for _, raw := range []string{"/", "/.paywallet", "/paywall/x", "/a/.paywall/x", "/.well-known/.paywall", "/articles/p1?x=/.paywall/"} {
		target := parse(t, canonicalizer, raw)
		if target.Reserved() {
			t.Errorf("%q is reserved", raw)
		}
	}
}

func TestNamedQueryKeysBelongToTheResource(t *testing.T) {
	c := *canonicalizer
	c.QueryKeys = []string{"p", "lang"}
	for raw, resource := range map[string]string{
		"/?p=123":                   "/?p=123",
		"/?utm=1&p=123&x":           "/?p=123",
		"/a/?p=1&lang=de":           "/a?lang=de&p=1",
		"/a?lang=de&p=1":            "/a?lang=de&p=1",
		"/a?p=a+b%2F%C3%BC":         "/a?p=a+b%2F%C3%BC",
		"/a?p=a%20b%2fu%CC%88":      "/a?p=a+b%2F%C3%BC",
		"/a?p":                      "/a?p=",
		"/a?q=p&pp=1&page=2&%zz=%a": "/a",
		"/a":                        "/a",
		"/a?":                       "/a",
	} {
		if got := parse(t, &c, raw); got.Resource != resource || got.Ambiguous {
			t.Errorf("%q: resource %q, ambiguous %v", raw, got.Resource, got.Ambiguous)
		}
	}
	for _, raw := range []string{
		"/?p=1&p=2", "/?p=1;p=2", "/?x;p=1", "/?%70=1", "/?P=1", "/?p[]=1", "/?p%5B%5D=1", "/?p[x]=1", "/?+p=1", "/?%2570=1", "/?p=%zz", "/?p=%ff", "/?p=%00", "/?p=1&lang=a&LANG=b",
	} {
		if got := parse(t, &c, raw); !got.Ambiguous {
			t.Errorf("%q is not ambiguous: %q", raw, got.Resource)
		}
	}
}

func TestOrdinaryTargetIsParsedWithoutAllocation(t *testing.T) {
	for _, raw := range []string{"/articles/p1", "/articles/2026/11/a-long-name.html/?utm_source=x"} {
		if n := testing.AllocsPerRun(100, func() { _, _ = canonicalizer.Parse(raw) }); n != 0 {
			t.Errorf("%q: %v allocations", raw, n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for name, raw := range map[string]string{
		"plain":    "/articles/2026/11/22/a-long-name-of-an-article",
		"capitals": "/articles/2026/11/22/A-Long-Name-of-an-Article",
		"umlauts":  "/articles/2026/11/22/%C3%9Cber-den-W%C3%B6rthersee",
		"tricks":   "/free/..;/%2561rticles%5cp1./x%23y",
		// What a stranger can have followed at most.
		"2 KB of tricks": strings.Repeat("/%252e%255C//..;%23x%EF%BC%8F", 70),
		"2 KB of dots":   "/" + strings.Repeat("a/%2e%2e/x;y/", 150),
		"2 KB of bytes":  "/" + strings.Repeat("%c0%af%01a", 200),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = canonicalizer.Parse(raw)
			}
		})
	}
}

func TestBareIsWhatTheNameAloneAsksFor(t *testing.T) {
	c := &target.Canonicalizer{NFC: norm.NFC.String, NFKC: norm.NFKC.String, QueryKeys: []string{"p"}}
	for raw, want := range map[string]string{
		"/a":               "/a",
		"/a?utm=x&page=2":  "/a",
		"/a/?x":            "/a/",
		"/":                "/",
		"/?x&p=7":          "/?p=7",
		"/a?p=a%20b&x=1":   "/a?p=a+b",
		"/caf%C3%A9?page=": "/caf%C3%A9",
		"/a%3Fp=7":         "/a%3Fp=7",
	} {
		target := parse(t, c, raw)
		if got := target.Bare(); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}
