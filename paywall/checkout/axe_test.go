package checkout

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// axe is axe-core, as .ci/run installs it. Where it is missing the test fails.
func axe(t *testing.T) string {
	t.Helper()
	notShort(t, "axe-core")
	source, err := os.ReadFile("testdata/axe/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("this test needs axe-core; get it with: npm ci --prefix paywall/checkout/testdata/axe: %v", err)
	}
	return string(source)
}

// violations runs every rule of WCAG 2.2 A and AA and of good practice, and
// tells what is wrong and where. What axe could not decide is a violation too,
// but for texts over an image, of which there are none.
const violations = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations", "incomplete"]})
	.then(r => [...r.violations, ...r.incomplete].flatMap(v => v.nodes.map(n => v.id + " at " + n.target.join(" ") + ": " + (n.failureSummary || v.help))))`

// media makes Chromium take part in a media feature, "prefers-color-scheme: dark".
func media(features ...string) chromedp.Action[chromedp.Void] {
	var p emulation.SetEmulatedMediaParams
	for _, f := range features {
		name, value, _ := strings.Cut(f, ": ")
		p.Features = append(p.Features, &emulation.MediaFeature{Name: name, Value: value})
	}
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, p)
		return err
	})
}

// served are pages at addresses of their own, with what they load. None sends its
// form by itself, or there would be another page before this one is looked at.
func (s *site) served(pages map[string]*httptest.ResponseRecorder) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := pages[strings.TrimPrefix(r.URL.Path, "/")]
		if r.URL.Path == page.AutoScript.URL() {
			http.NotFound(w, r)
			return
		}
		if sent == nil {
			s.c.ServeHTTP(w, r)
			return
		}
		maps.Copy(w.Header(), sent.Header())
		w.Header().Del("Clear-Site-Data") // would empty the browser between two pages
		_, _ = w.Write(sent.Body.Bytes())
	}))
	s.t.Cleanup(server.Close)
	return server.URL
}

// colorful are the pages that show all that an accent colors.
var colorful = []string{"purchase", "wallet", "wrong code", "erase", "box", "box of a stranger"}

// TestAxeFindsNothing: on every page and in the offer within an article, in both
// themes and both directions, at 320 pixels, with an accent that is hard to read.
func TestAxeFindsNothing(t *testing.T) {
	source := axe(t)
	ctx := chromium(t, 320)
	for name, options := range map[string]struct {
		tag  string
		look page.Options
	}{
		"ours in English":             {"en", page.Options{}},
		"ours in Arabic":              {"ar", page.Options{}},
		"a pale accent, in Hebrew":    {"he", page.Options{Name: "המעבורת", Logo: page.Icon.URL(), Accent: "#ffd400"}},
		"a middling accent, in Dutch": {"nl", page.Options{Name: "De Veerpont", Accent: "#c0527a"}},
	} {
		s := newSite(t, inLanguages(firstOf(options.tag)...), lookOf(t, options.look))
		pages := s.allPages()
		pages["box"], pages["box of a stranger"] = s.inArticle(true), s.inArticle(false)
		pages["bar"] = s.underBar()
		url := s.served(pages)
		for _, page := range slices.Sorted(maps.Keys(pages)) {
			if options.look.Accent != "" && !slices.Contains(colorful, page) {
				continue
			}
			if err := chromedp.Do(ctx, chromedp.Navigate(url+"/"+page)); err != nil {
				t.Fatal(err)
			}
			if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll("details").forEach(d => d.open = true);`+source+`;1`)); err != nil {
				t.Fatal(err)
			}
			for _, theme := range []string{"light", "dark"} {
				if err := chromedp.Do(ctx, media("prefers-color-scheme: "+theme)); err != nil {
					t.Fatal(err)
				}
				found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](violations, chromedp.EvalAwaitPromise))
				if err != nil {
					t.Fatal(err)
				}
				for _, violation := range found {
					t.Errorf("%s, %s, page %q: %s", name, theme, page, violation)
				}
			}
		}
	}
}

// underBar is an article of the site that was bought, with everything that its bar
// may have.
func (s *site) underBar() *httptest.ResponseRecorder {
	s.t.Helper()
	key, _ := s.opened(5_000_000)
	var u *paywall.Unlock
	for i := range suggestAfter {
		u = s.unlock(key, resource(fmt.Sprintf("/articles/bar/%d", i)))
	}
	return s.article(s.bar(u) + `<main><h1>Tea</h1><p>The text.</p></main>`)
}

// inArticle is an article of the site with an offer in it.
func (s *site) inArticle(form bool) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.article(`<main><h1>Tea</h1><p>The beginning.</p>` + s.box(s.offer(), form) + `</main>`)
}

// article is a page of the site itself.
func (s *site) article(content string) *httptest.ResponseRecorder {
	text := s.c.languages.Accepted("")
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.WriteString(`<!doctype html><html lang="` + text.Tag + `" dir="` + text.Dir + `"><head><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Tea</title><style>@media (prefers-color-scheme: dark) { body { background: #121212; color: #eee } }</style></head>` +
		`<body>` + content + `</body></html>`)
	return w
}

// printing shows a page as it is printed.
var printing = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
	_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	return err
})
