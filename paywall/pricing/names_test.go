package pricing_test

import (
	"slices"
	"testing"

	"github.com/tuppence/tuppence/paywall/pricing"
)

// TestSecondNamesHaveThePriceOfThePage: never less, and nothing is free because
// another name of it is not.
func TestSecondNamesHaveThePriceOfThePage(t *testing.T) {
	table := newTable(t, pricing.Paths{"/posts/*", "/magazine/*", "/one", "/two.html", "/three/index.html", "/open/*"},
		pricing.Rule{Match: pricing.Paths{"/open/welcome"}, Free: true},
		pricing.Rule{Match: pricing.Paths{"/magazine/issue-1"}, Price: euro(500)},
		pricing.Rule{Match: pricing.Paths{"/magazine/issue-2.html"}, Price: euro(400)},
		pricing.Rule{Match: pricing.Paths{"/open/*"}, Price: euro(300)},
		pricing.Rule{Price: euro(20)},
	)
	for target, want := range map[string]string{
		"/magazine/issue-1":             "priced /magazine/issue-1 5.00",
		"/magazine/issue-1/":            "priced /magazine/issue-1 5.00",
		"/magazine/issue-1.html":        "priced /magazine/issue-1.html 5.00",
		"/magazine/issue-1.HTM":         "priced /magazine/issue-1.HTM 5.00",
		"/magazine/issue-1/index.html":  "priced /magazine/issue-1 5.00",
		"/magazine/issue-1/index.htm":   "priced /magazine/issue-1 5.00",
		"/magazine/issue-1/index.html/": "priced /magazine/issue-1/index.html 5.00",
		"/magazine/issue-1/index.php":   "priced /magazine/issue-1 5.00",
		"/magazine/Issue-1/INDEX.html":  "priced /magazine/Issue-1 5.00",
		"/magazine/issue-2":             "priced /magazine/issue-2 4.00",
		"/magazine/issue-2.html":        "priced /magazine/issue-2.html 4.00",
		"/magazine/issue-2/index.html":  "priced /magazine/issue-2 4.00",
		"/magazine/issue-10.html":       "priced /magazine/issue-10.html 0.20",
		"/magazine/issue-1html":         "priced /magazine/issue-1html 0.20",
		"/magazine/issue-1/.html":       "priced /magazine/issue-1/.html 0.20",
		"/magazine":                     "unpriced /magazine",
		"/magazine/index.html":          "priced /magazine/index.html 0.20", // a list that is free keeps its dearer name
		"/one.html":                     "priced /one.html 0.20",
		"/one/index.html":               "priced /one 0.20",
		"/one/index.php":                "priced /one 0.20",
		"/one/x.html":                   "unpriced /one/x.html",
		"/one.php":                      "priced /one.php 0.20",
		"/one.xhtml":                    "priced /one.xhtml 0.20",
		"/one.html.gz":                  "priced /one.html.gz 0.20",
		"/one.HTML.br":                  "priced /one.HTML.br 0.20",
		"/one/index.txt":                "priced /one 0.20",
		"/one/index.html.zst":           "priced /one 0.20",
		"/one.gz":                       "unpriced /one.gz",
		"/one.txt":                      "unpriced /one.txt",
		"/magazine/issue-1.shtml.gz":    "priced /magazine/issue-1.shtml.gz 5.00",
		"/open/welcome.html.gz":         "free /open/welcome.html.gz",
		"/open/welcome.php":             "priced /open/welcome.php 3.00",
		"/two":                          "priced /two 0.20",
		"/two/index.html":               "priced /two 0.20",
		"/three":                        "priced /three 0.20",
		"/three/":                       "priced /three 0.20",
		"/index.html":                   "unpriced /index.html",
		"/open/welcome":                 "free /open/welcome",
		"/open/welcome.html":            "free /open/welcome.html",
		"/open/welcome/index.html":      "free /open/welcome/index.html",
		"/open/welcome/index.php":       "priced /open/welcome/index.php 3.00", // scripts are not free by a folder's name
	} {
		parsed, err := canonicalizer.Parse(target)
		if err != nil {
			t.Fatal(target, err)
		}
		d, err := table.Decide(request(), &parsed)
		if err != nil {
			t.Fatal(target, err)
		}
		got := d.Status.String() + " " + d.Resource
		if d.Status == pricing.Priced {
			got += " " + d.Rule.Price.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

// TestAlternativesAreOfTheSameRuleOnly: other names of a page, and the pages that
// a part lies below; no listing opens an article.
func TestAlternativesAreOfTheSameRuleOnly(t *testing.T) {
	table := newTable(t, nil,
		pricing.Rule{Match: pricing.Paths{"/articles/free/*"}, Free: true},
		pricing.Rule{Match: pricing.Paths{"/articles/dear*"}, Price: euro(500)},
		pricing.Rule{Match: pricing.Paths{"/articles*"}, Price: euro(20)},
		pricing.Rule{Match: pricing.Paths{"/albums/*"}, Price: euro(300), Per: []string{"/albums/*"}},
		pricing.Rule{Match: pricing.Paths{"/files/*"}, Price: euro(50)},
	)
	for target, want := range map[string][]string{
		"/articles/ferry":                 {"/articles/ferry.html", "/articles/ferry/index.html"},
		"/articles/ferry.html":            {"/articles/ferry", "/articles/ferry/index.html"},
		"/articles/ferry/index.html":      {"/articles/ferry/index.html", "/articles/ferry.html"},
		"/articles/ferry/pic.jpg":         {"part /articles/ferry", "part /articles"},
		"/articles/ferry/img/a/pic.WEBP":  {"part /articles/ferry/img/a", "part /articles/ferry/img", "part /articles/ferry", "part /articles"},
		"/articles/ferry/a.css":           {"part /articles/ferry", "part /articles"},
		"/articles/ferry/a.woff2":         {"part /articles/ferry", "part /articles"},
		"/articles/ferry/song.mp3":        nil,
		"/articles/ferry/book.pdf":        nil,
		"/articles/ferry/data.json":       nil,
		"/articles/ferry/all.zip":         nil,
		"/articles/dear/pic.jpg":          {"part /articles/dear"},
		"/albums/x/cover.jpg":             nil,
		"/albums/x":                       nil,
		"/files/pic.jpg":                  nil,
		"/files/a/pic.jpg":                {"part /files/a"},
		"/articles/ferry/img/b/c/d/e.gif": {"part /articles/ferry/img/b/c/d", "part /articles/ferry/img/b/c", "part /articles/ferry/img/b", "part /articles/ferry/img"},
	} {
		parsed, err := canonicalizer.Parse(target)
		if err != nil {
			t.Fatal(target, err)
		}
		d, err := table.Decide(request(), &parsed)
		if err != nil {
			t.Fatal(target, err)
		}
		var got []string
		for _, a := range table.Alternatives(request(), d.Rule, parsed.Path, d.Resource) {
			if a.Part {
				a.Resource = "part " + a.Resource
			}
			got = append(got, a.Resource)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s, sold as %s: %q, want %q", target, d.Resource, got, want)
		}
	}
}
