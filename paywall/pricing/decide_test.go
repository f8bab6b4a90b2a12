package pricing_test

import (
	"testing"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pricing"
)

// decide says what the gate does with a raw target: the status and the resource,
// "moved" for what is redirected to its canonical spelling, or "refused".
func decide(tb testing.TB, table *pricing.Table, raw string) string {
	tb.Helper()
	target, err := canonicalizer.Parse(raw)
	var decision pricing.Decision
	if err == nil {
		decision, err = table.Decide(request(), &target)
	}
	switch {
	case paywall.ErrorCode(err) == paywall.CodeMalformed:
		return "refused"
	case err != nil:
		tb.Fatal(err)
	case decision.Status == pricing.Priced && !target.Canonical:
		return "moved"
	}
	return decision.Status.String() + " " + decision.Resource
}

func TestTargetsOfTheAttackCatalogue(t *testing.T) {
	news := sites(t)["news"]
	for _, tc := range []struct{ row, raw, want string }{
		{"A01", "/articles/p1", "priced /articles/p1"},
		{"A03", "/articles/dear", "priced /articles/dear"},
		{"A04", "/articles/p10", "priced /articles/p10"},
		{"A04", "/articles/p1/extra", "priced /articles/p1/extra"},
		{"A05", "/Articles/p1", "priced /Articles/p1"},
		{"A05", "/articles/DEAR", "priced /articles/DEAR"},
		{"A06", "/%61rticles/p1", "moved"},
		{"A06", "/articles/%70%31", "moved"},
		{"A07", "/articles%2fp1", "refused"},
		{"A07", "/articles%2Fp1", "refused"},
		{"A08", "/free/../articles/p1", "moved"},
		{"A08", "/./articles/p1", "moved"},
		{"A08", "/articles/../articles/p1", "moved"},
		{"A08", "/articles/cheap/../dear", "refused"},
		{"A08", "/articles/p1/../../free", "refused"},
		{"A09", "/free/%2e%2e/articles/p1", "refused"},
		{"A09", "/free/..%2farticles/p1", "refused"},
		{"A09", "/%2e%2e/articles/p1", "refused"},
		{"A12", "//articles/p1", "moved"},
		{"A12", "/articles//p1", "moved"},
		{"A12", "/articles/p1//", "moved"},
		{"A12", "//host/articles/p1", "refused"},
		{"A14", "/free/..;/articles/p1", "refused"},
		{"A14", "/free/%2e%2e;/articles/p1", "refused"},
		{"A14", "/articles/..;/articles/p1", "refused"},
		{"A15", "/articles/p1;jsessionid=1", "refused"},
		{"A15", "/articles;x/p1", "refused"},
		{"A16", `/articles\p1`, "refused"},
		{"A16", "/articles%5cp1", "refused"},
		{"A17", "/articles./p1", "refused"},
		{"A17", "/articles%20/p1", "refused"},
		{"A17", "/articles/p1.", "refused"},
		{"A17", "/articles/p1%20", "refused"},
		{"A17", "/articles/p1::$DATA", "refused"},
		{"A20", "/free#/articles/p1", "refused"},
		{"A20", "/free%23/../articles/p1", "refused"},
		{"A20", "/articles/p1#x", "refused"},
		{"A20", "/articles%23/p1", "unpriced /articles#/p1"}, // cut: the index
		{"A21", "/articles%ef%bc%8fp1", "refused"},
		{"A21", "/article%C5%BF/p1", "refused"},
		{"A21", "/art%C4%B1cles/p1", "refused"},
		{"A21", "/%E2%80%AEarticles/p1", "refused"},
		{"A23", "http://site.test/articles/p1", "priced /articles/p1"},
		{"A25", "/articles/p1?utm=1", "priced /articles/p1"},
		{"A25", "/articles/p1?amp=1&format=json", "priced /articles/p1"},
		{"A26", "/articles/p1.json", "priced /articles/p1.json"},
		{"A26", "/articles/p1/feed", "priced /articles/p1/feed"},
		{"A26", "/feed.xml", "unpriced /feed.xml"},
		{"A26", "/index.php/articles/p1", "refused"},
		{"A26", "/blog/index.php/articles/p1", "unpriced /blog/index.php/articles/p1"},
		{"A26", "/articles/index.php/p1", "priced /articles/index.php/p1"},
		{"A26", "/free../articles/p1", "refused"},
		{"A26", "/free.%2e/articles/p1", "refused"},
		{"A26", "/(S(lit3py55t21z5v55vlm25s55))/articles/p1", "refused"},
		{"A26", "/(A(x)F(y))/articles/p1", "refused"},
		{"A26", "/art(x)/icles/(S(x))p1", "unpriced /art(x)/icles/(S(x))p1"},
		{"A26", "/arti/(s(x))cles/p1", "refused"},
		{"A26", "/articles/(Sic)/p1", "priced /articles/(Sic)/p1"},
		{"A27", "/articles/p1/", "priced /articles/p1"},
		{"A27", "/articles", "unpriced /articles"},
		{"A27", "/articles?/p1", "unpriced /articles"},
		{"M2", "/articles/p1/..", "refused"}, // the index is free, and a literal site has an article there
		{"M2", "/%2561rticles/p1", "refused"},
		{"M2", "/articles%252fp1", "refused"},
	} {
		t.Run(tc.row+" "+tc.raw, func(t *testing.T) {
			if got := decide(t, news, tc.raw); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

func TestWhatNoReadingPricesPassesInAnySpelling(t *testing.T) {
	news := sites(t)["news"]
	for raw, want := range map[string]string{
		"/free%2fpage;x=1":         "unpriced /free/page;x=1",
		`/free\..\x.`:              `unpriced /free\..\x.`,
		"/img/https%3A%2F%2Fh%2Fa": "unpriced /img/https:/h/a",
		"//free//page":             "unpriced /free/page",
		"/articles/welcome":        "free /articles/welcome",
		"/articles//welcome":       "free /articles/welcome",
		"/articles/welcome-%C3%A9": "free /articles/welcome-é",
		"/articles/welcome%23x":    "free /articles/welcome#x",
		"/articles/welcome;x":      "free /articles/welcome;x",
		"/caf%E9/":                 "unpriced /caf\xe9",
		"/caf%e9/x%00%0a.css":      "unpriced /caf\xe9/x\x00\n.css",
		"/articles/welcome-%E9":    "free /articles/welcome-\xe9",
	} {
		if got := decide(t, news, raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

// TestMangledBytesAreRefusedWhereThereIsAPrice: what a site makes of them is its
// own business elsewhere.
func TestMangledBytesAreRefusedWhereThereIsAPrice(t *testing.T) {
	table := newTable(t, pricing.Paths{"/café/*", "/articles/p1"}, pricing.Rule{Price: euro(50)})
	for raw, want := range map[string]string{
		"/caf%E9/x": "refused", "/caf%C3%A9/x%E9": "refused", "/caf%C3%A9/x%00": "refused", "/articles/p1%00": "refused", "/articles/p1%0a": "refused",
		"/articles/p1%ff": "refused", "/arti%E9cles/p1": "refused", "/articles%c0%afp1": "refused", "/articles/%01p1": "refused", "/articles/%E0%80%E9p1": "refused",
		"/caf%E9": "unpriced /caf\xe9", "/articles/p2%00": "unpriced /articles/p2\x00", "/t%E9l%E9": "unpriced /t\xe9l\xe9",
	} {
		if got := decide(t, table, raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func TestOddNamesAreSoldAsWhatTheyAre(t *testing.T) {
	news := sites(t)["news"]
	for raw, resource := range map[string]string{
		"/articles/C%23-intro":                         "/articles/C#-intro",
		"/articles/%C3%9Cn%C3%AFcode":                  "/articles/Ünïcode",
		"/articles/Wait%E2%80%A6":                      "/articles/Wait…",
		"/articles/c++":                                "/articles/c++",
		"/articles/100%25":                             "/articles/100%",
		"/articles/%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB":  "/articles/👩\u200d💻",
		"/articles/%E6%9D%B1%EF%BC%8F%E5%A4%A7":        "/articles/東／大",
		"/articles/%D9%85%DB%8C%E2%80%8C%D8%AE%D9%88":  "/articles/می\u200cخو",
		"/articles/What%20is%20%22x%22%20-%20%5Bpart]": "moved",
	} {
		want := "priced " + resource
		if resource == "moved" {
			want = resource
		}
		if got := decide(t, news, raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func TestReadingAtAnotherPriceIsRefused(t *testing.T) {
	news := sites(t)["news"]
	for raw, want := range map[string]string{
		"/articles/%EF%BD%84ear":    "refused", // full-width d: 0.50 by name, 5.00 by NFKC
		"/articles/%EF%BD%83heap":   "refused",
		"/articles/d%E2%80%8Bear":   "refused",
		"/articles/DEAR%23":         "priced /articles/DEAR#",
		"/articles/dear/../p1":      "refused",
		"/articles/welcome/../p1":   "moved", // its other readings are free
		"/articles/p1/../welcome":   "refused",
		"/articles/p1/../../free/a": "refused",
	} {
		if got := decide(t, news, raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func TestFreeReadingOfWhatIsPricedDoesNoHarm(t *testing.T) {
	table := newTable(t, nil,
		pricing.Rule{Match: pricing.Paths{"/articles/c"}, Free: true},
		pricing.Rule{Price: euro(50)})
	if got := decide(t, table, "/articles/c%23"); got != "priced /articles/c#" {
		t.Error(got)
	}
}

// TestAPathBehindAScriptIsTheScripts: servers run it and hand it the rest.
func TestAPathBehindAScriptIsTheScripts(t *testing.T) {
	table := newTable(t, pricing.Paths{"/index.php", "/blog/articles/*", "/cgi-bin/read.pl"}, pricing.Rule{Price: euro(50)})
	for raw, want := range map[string]string{
		"/index.php":                    "priced /index.php",
		"/index.php/":                   "priced /index.php",
		"/index.php/x?p=7":              "refused",
		"/INDEX.PHP/x":                  "refused",
		"/index%2ephp/x":                "refused",
		"/index.php/x.css":              "refused",
		"/cgi-bin/read.pl/a/b":          "refused",
		"/blog/index.php/articles/p1":   "refused",
		"/blog/index.php5/articles/p1":  "refused",
		"/blog/app.cfm/articles/p1":     "refused",
		"/blog/articles/x.php/p1":       "priced /blog/articles/x.php/p1",
		"/other.php/x":                  "unpriced /other.php/x",
		"/index.phps/x":                 "unpriced /index.phps/x",
		"/index.txt/x":                  "unpriced /index.txt/x",
		"/v1.2/index.php-notes/x.y.z/a": "unpriced /v1.2/index.php-notes/x.y.z/a",
	} {
		if got := decide(t, table, raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func TestMisconfiguredCountsLikeAPrice(t *testing.T) {
	table := newTable(t, pricing.Paths{"/a/*", "/lost/*"}, pricing.Rule{Match: pricing.Paths{"/a/*"}, Price: euro(50)})
	for raw, want := range map[string]string{
		"/lost/x":                    "misconfigured /lost/x",
		"/lost/x;y":                  "refused",
		"/%EF%BD%8Cost/x":            "refused",
		"/free/..;/lost/x":           "refused",
		"/a/%EF%BC%8F..%2f../lost/x": "refused",
	} {
		if got := decide(t, table, raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func TestAnAlbumIsOneResource(t *testing.T) {
	table := newTable(t, nil,
		pricing.Rule{Match: pricing.Paths{"/albums/*", "/box/*"}, Price: euro(300), Per: []string{"/albums/*", "/Box/Dürer/*"}},
		pricing.Rule{Price: euro(50)})
	for raw, want := range map[string]string{
		"/albums/x":                        "priced /albums/x",
		"/albums/x/":                       "priced /albums/x",
		"/albums/x/1.mp3":                  "priced /albums/x",
		"/albums/x/cd/2/1.mp3?t=1":         "priced /albums/x",
		"/ALBUMS/x/1.mp3":                  "priced /ALBUMS/x",
		"/albums/y/1.mp3":                  "priced /albums/y",
		"/albums/":                         "priced /albums",
		"/albums":                          "priced /albums",
		"/albums2/x/1":                     "priced /albums2/x/1",
		"/box/d%C3%BCrer/a/b":              "priced /box/dürer/a",
		"/box/other/a/b":                   "priced /box/other/a/b",
		"/albums/x/%EF%BC%8E%EF%BC%8E/y/1": "refused",
		"/albums/x/%EF%BC%8E%2e/y/1":       "refused",
		"/albums/x/../y/1.mp3":             "moved",
		"/albums/x/.%E2%80%8B./y/1.mp3":    "refused",
		// Without the script, or the session, what follows names the album.
		"/albums/index.php/x/1.mp3": "refused",
		"/albums/(S(x))/y/1.mp3":    "refused",
		"/albums/x/play.php/1.mp3":  "priced /albums/x",
	} {
		if got := decide(t, table, raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func TestNamedQueryKeyIsPartOfWhatIsSold(t *testing.T) {
	c := *canonicalizer
	c.QueryKeys = []string{"p"}
	table := newTable(t, nil,
		pricing.Rule{Match: pricing.Paths{"/albums/*"}, Price: euro(300), Per: []string{"/albums/*"}},
		pricing.Rule{Price: euro(50)})
	for raw, want := range map[string]string{"/?p=1&x=2": "/?p=1", "/albums/x?p=1": "/albums/x", "/albums/x/1?p=1": "/albums/x"} {
		target, err := c.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		decision, err := table.Decide(request(), &target)
		if err != nil || decision.Resource != want {
			t.Errorf("%s: %q, %v", raw, decision.Resource, err)
		}
	}
	target, err := c.Parse("/?p=1&p=2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Decide(request(), &target); paywall.ErrorCode(err) != paywall.CodeMalformed {
		t.Errorf("key given twice: %v", err)
	}
}

func TestDecisionDoesNotAllocate(t *testing.T) {
	table, r := sites(t)["news"], request()
	for _, raw := range []string{"/articles/p1", "/albums/x/1.mp3", "/free/page"} {
		target, err := canonicalizer.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = table.Decide(r, &target) }); n != 0 {
			t.Errorf("%s: %v allocations", raw, n)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	table, r := sites(b)["news"], request()
	for _, raw := range []string{"/articles/a-long-name", "/albums/x/1.mp3", "/Articles/A-Long-Name"} {
		b.Run(raw[1:], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				target, _ := canonicalizer.Parse(raw)
				_, _ = table.Decide(r, &target)
			}
		})
	}
}
