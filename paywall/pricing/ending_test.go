package pricing_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall/pricing"
)

// except matches what one matcher does and another does not.
type except struct{ of, not pricing.Matcher }

func (e except) Match(r *http.Request, path string) bool {
	return e.of.Match(r, path) && !e.not.Match(r, path)
}

// TestWhatAnEndingLeavesOutIsAFile: a rule that leaves out files by their ending means
// files; what it names is meant, whatever comes.
func TestWhatAnEndingLeavesOutIsAFile(t *testing.T) {
	table := newTable(t, except{pricing.Paths{"/articles/*", "/one", "/notes/*"}, pricing.Paths{"*.jpg", "*.css", "*.json", "/articles/*/thumb.png"}},
		pricing.Rule{Match: pricing.Paths{"/articles/about.me", "/articles/open/*", "*.pdf"}, Free: true},
		pricing.Rule{Price: euro(20)},
	)
	for path, want := range map[string]bool{
		"/articles/p1/x.jpg":       true,
		"/articles/p1.jpg":         true,
		"/articles/p1.jpg/":        true,
		"/articles/p1.jpg.jpg":     true,
		"/articles/p1/a/b/X.JPG":   true,
		"/articles/p1/.jpg":        true,
		"/articles/p1/thumb.png":   true,
		"/articles/style.css":      true,
		"/articles/p1.json":        true,
		"/articles/p1.pdf":         true,
		"/articles/p1/p1.html.css": true,
		"/one.jpg":                 true,
		"/one.svg":                 true,
		"/one.json":                true,
		"/articles/about.me":       false,
		"/articles/open/x.jpg":     false,
		"/articles/open/x.tar":     false,
		"/static/style.css":        false,
		"/one/x.jpg":               false,
		"/style.css":               false,
		"/articles":                false,
		"/v1.2/x":                  false,
		"/":                        false,
	} {
		if got := table.FreeByEnding(request(), path); got != want {
			t.Errorf("%s: %t, want %t", path, got, want)
		}
		if status, _ := table.Lookup(request(), strings.TrimSuffix(path, "/")); status == pricing.Priced {
			t.Errorf("%s is %s", path, status)
		}
	}
}

// TestADotAnywhereLeavesOutAFile: under a rule for names without a dot, a page's name with
// something after it is free, and the site may have the page there.
func TestADotAnywhereLeavesOutAFile(t *testing.T) {
	noDot := except{pricing.Paths{"/articles/*"}, pricing.Paths{"*.*"}}
	table := newTable(t, noDot, pricing.Rule{Price: euro(20)})
	for path, want := range map[string]bool{
		"/articles/p1.html/y": true, "/articles/p1/x.css/y": true, "/articles/p1/a.b/c": true, "/articles/p1.pdf": true,
		"/articles/p1.md": true, "/articles/p1.aspx": true, "/articles/p1/x.JSP": true,
		"/v1.2/articles": false, "/articles": false, "/static/x.css/y": false,
	} {
		if got := table.FreeByEnding(request(), path); got != want {
			t.Errorf("%s: %t, want %t", path, got, want)
		}
	}
}

// TestAnEndingOfPagesThatARuleNamesIsMeant: whoever leaves out "*.md" has pages there.
func TestAnEndingOfPagesThatARuleNamesIsMeant(t *testing.T) {
	table := newTable(t, except{pricing.Paths{"/articles/*"}, pricing.Paths{"*.md"}}, pricing.Rule{Price: euro(20)})
	if table.FreeByEnding(request(), "/articles/notes.md") {
		t.Error("a page under an ending that a rule names is taken for a file")
	}
}
