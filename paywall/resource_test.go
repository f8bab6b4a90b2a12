package paywall_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/paywall"
)

var canonicalizer = &paywall.Canonicalizer{NFC: norm.NFC.String, NFKC: norm.NFKC.String}

func parse(tb testing.TB, c *paywall.Canonicalizer, raw string) paywall.Target {
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
	var ascii paywall.Canonicalizer
	if _, err := ascii.Parse("/articles/d%C3%BCrer"); paywall.ErrorCode(err) != paywall.CodeMalformed {
		t.Errorf("umlaut: %v", err)
	}
	for _, raw := range []string{"/articles/p1", "/Articles/%70", "/articles/d%25C3%25BCrer"} {
		if _, err := ascii.Parse(raw); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestWhatSitesReadInTwoWaysIsAmbiguous(t *testing.T) {
	for _, raw := range []string{
		"/articles/p1%00", "/articles%00/p1", "/articles/p1%00.css", "/p1%0a", "/p1%0d%0aX-A:1", "/p1%09", "/p1%7f", "/p1%C2%80", // A19
		"/%c0%afarticles/p1", "/articles/\xff", "/%ED%A0%80", "/caf%E9/", // A21
		"/articles%2fp1", "/articles%2Fp1", // A07
		"/free/%2e%2e/articles/p1", "/free/..%2farticles/p1", "/%2e%2e/articles/p1", "/a/%2e", "/a/.%2E/b", // A09
		"/free/..;/articles/p1", "/free/%2e%2e;/articles/p1", "/articles/p1;jsessionid=1", "/articles/p1%3Bx", // A14, A15
		`/articles\p1`, "/articles%5cp1", `/\articles\p1`, // A16
		"/articles./p1", "/articles%20/p1", "/articles/p1.", "/articles/p1%20", "/articles/p1::$DATA", "/articles:$i30:$INDEX_ALLOCATION/p1", "/.../x", // A17
		"/free%23/../articles/p1", "/articles/p1%3fx", "/articles/p1%3Fx", // A20
		"/%2561rticles/p1", "/articles%252fp1", "/%25u0061rticles/p1", "/free%25%32%65", // M2
		"/articles/p1%CD%BEx",                                                                                       // the Greek question mark, whose NFC is ";"
		"/albums/x/%EF%BC%8E%EF%BC%8E/y", "/albums/x/%E2%80%A5/y", "/albums/x/.%E2%80%8B./y", "/albums/x/%20%2e./y", // dots in disguise
	} {
		if !parse(t, canonicalizer, raw).Ambiguous {
			t.Errorf("%q is not ambiguous", raw)
		}
	}
}

func TestOrdinaryNamesAreNotAmbiguous(t *testing.T) {
	for _, raw := range []string{
		"/articles/C%23-intro", "/articles/%C3%9Cn%C3%AFcode", "/articles/Wait%E2%80%A6", "/articles/c++", "/articles/a:b", "/articles/$5",
		"/articles/100%25", "/articles/50%25-off", "/articles/%E6%9D%B1%E4%BA%AC%EF%BC%8F%E5%A4%A7%E9%98%AA", "/articles/v1.2/x.tar.gz", "/.hidden/..x", "/a/b/../c", "//a",
		"/articles/p1?a;b&x=%2f..%2e;\\",
	} {
		if parse(t, canonicalizer, raw).Ambiguous {
			t.Errorf("%q is ambiguous", raw)
		}
	}
}

func TestEveryLenientReadingIsSeen(t *testing.T) {
	for _, tc := range []struct{ row, raw string }{
		{"A05", "/ARTICLES/P1"},
		{"A07", "/articles%2fp1"},
		{"A07", "/x%2fy/../../articles/p1"}, // resolved before it is decoded
		{"A08", "/x/../articles//../p1"},    // RFC 3986 counts the empty segment
		{"A08", "/articles/../p1"},          // "../" deleted
		{"A08", "/articles/p1/../../free"},  // a router that stops at the dots
		{"A09", "/free/%2e%2e/articles/p1"},
		{"A09", "/free/..%2farticles/p1"},
		{"A12", "//host/articles/p1"}, // taken for a URL without its scheme
		{"A12", `/\host/articles/p1`},
		{"A14", "/free/..;/articles/p1"},
		{"A14", "/free/%2e%2e;x=1/articles/p1"},
		{"A15", "/articles/p1;jsessionid=1"},
		{"A15", "/articles;x=1/p1"},
		{"A15", "/;x/articles/p1"},
		{"A16", `/articles\p1`},
		{"A16", "/articles%5Cp1"},
		{"A16", `/\articles\p1`},
		{"A17", "/articles./p1"},
		{"A17", "/free/..%20/articles/p1"},
		{"A17", "/%20articles/p1"},
		{"A17", "/articles%20/p1. ."},
		{"A17", "/articles/p1::$DATA"},
		{"A17", "/articles:$i30:$INDEX_ALLOCATION/p1"},
		{"A19", "/articles/p1%2500.css"},
		{"A19", "/articles/p1%00.css"},
		{"A19", "/arti%01cles/p1"},
		{"A19", "/articles/p1%0d%0aX-A:1"},
		{"A19", "/articles%0a/p1"},
		{"A19", "/arti%C2%80cles/p1"},
		{"A21", "/articles%c0%afp1"},
		{"A21", "/%c0%ae%c0%ae/free/%e0%80%ae%c0%ae/articles/p1"},
		{"A21", "/articles%f0%80%80%afp1"},
		{"A21", "/arti%ffcles/p1"},
		{"A20", "/articles/p1%23x"},
		{"A20", "/articles/p1%2523x"},
		{"A20", "/free%23/../articles/p1"},
		{"A20", "/articles/p1%3fx"},
		{"A21", "/articles%ef%bc%8fp1"},
		{"A21", "/article%C5%BF/p1"},
		{"A21", "/art%C4%B1cles/p1"},
		{"A21", "/art%E2%80%8Bicles/p1"},
		{"A21", "/%EF%BC%A1rticles/p1"},
		{"A26", "/index.php/articles/p1"},
		{"M2", "/%2561rticles/p1"},
		{"M2", "/articles%252fp1"},
		{"M2", "/%25252561rticles/p1"},
		{"M2", "/free/%252e%252e/articles/p1"},
		{"M2", "/%25u0061rticles/p1"},
		{"M2", "/%EF%BC%8561rticles/p1"}, // a full-width percent sign
	} {
		target := parse(t, canonicalizer, tc.raw)
		if target.Path != "/articles/p1" && !slices.Contains(target.Readings, "/articles/p1") {
			t.Errorf("%s %q: path %q, readings %q", tc.row, tc.raw, target.Path, target.Readings)
		}
		if slices.Contains(target.Readings, target.Path) {
			t.Errorf("%s %q: readings repeat the path", tc.row, tc.raw)
		}
	}
}

func TestOrdinaryTargetHasNoOtherReading(t *testing.T) {
	for _, raw := range []string{"/articles/p1", "/articles/p1/?page=2", "/a/v1.2/x_y~z.tar.gz", "/caf%C3%A9", "/d%C3%BCrer/%E6%9D%B1%E4%BA%AC"} {
		if got := parse(t, canonicalizer, raw); len(got.Readings) != 0 {
			t.Errorf("%q: readings %q", raw, got.Readings)
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

func TestPathIsEscapedInOneWay(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	escaped := paywall.EscapePath(string(every))
	const verbatim = "!$&'()*+,-./0123456789:=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
	var kept []byte
	for i := 0; i < len(escaped); i++ {
		if escaped[i] == '%' {
			i += 2
			continue
		}
		kept = append(kept, escaped[i])
	}
	if string(kept) != verbatim {
		t.Errorf("kept %q", kept)
	}
	if got := paywall.EscapePath("/a;b%c\\ü"); got != "/a%3Bb%25c%5C%C3%BC" {
		t.Error(got)
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
	c := &paywall.Canonicalizer{NFC: norm.NFC.String, NFKC: norm.NFKC.String, QueryKeys: []string{"p"}}
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
