package gate

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/teaser"
)

// A site that shows the beginning of its pages, and what is expected of it.

const freeText = "What a bell says is free to hear for all"

// longRead is a page with one free paragraph.
func longRead(path string) string {
	return `<!doctype html><html><head><title>Bells</title><link rel="stylesheet" href="/site.css"><script>var a = "` + canary + `"</script></head>
<body><header>The Penny Post</header><article><p>` + freeText + " at " + path + "</p>\n" +
		strings.Repeat("<p>"+canary+" of "+path+", word after word after word.</p>\n", 20) + "</article><footer>Imprint</footer></body></html>"
}

func writeLongRead(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	for _, name := range []string{
		"Etag", "Last-Modified", "X-Page", "Link", "Digest", "Content-Digest", "Repr-Digest", "Accept-Ranges", "Age", "Set-Cookie", "Expires", "Sourcemap",
		"Content-Location", "Content-Disposition", "Server-Timing", "Refresh",
	} {
		h.Set(name, canary)
	}
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Content-Security-Policy", "style-src 'self'")
	h.Set("Content-Language", "en")
	_, err := io.WriteString(w, longRead(r.URL.RequestURI()))
	return err
}

// newTeasingSite is a site that shows one paragraph.
func newTeasingSite(t testing.TB) *site {
	t.Helper()
	s := newSite(t)
	cutter, err := teaser.NewCutter(teaser.Rule{Selector: "article", Paragraphs: 1})
	if err != nil {
		t.Fatal(err)
	}
	s.gate.o.Teaser = cutter
	s.gate.o.Box = func(_ *http.Request, o *paywall.Offer, raw string, form bool) ([]byte, error) {
		return fmt.Appendf(nil, "<b>%s for %s, %v, %d words, form %v, %s</b>", o.Title, o.Price, o.Access, o.Words, form, raw), nil
	}
	s.upstream = writeLongRead
	return s
}

// look asks as a browser does that is about to show a page.
func (s *site) look(target string, header ...string) *http.Response {
	s.t.Helper()
	return s.do("GET", target, append(header, "Sec-Fetch-Mode: navigate", "Accept: text/html")...)
}

// wantTeaser is the oracle of a page that was cut.
func wantTeaser(t testing.TB, res *http.Response) string {
	t.Helper()
	b := wantStatus(t, res, http.StatusOK)
	for _, want := range []string{freeText, "<header>The Penny Post</header>", `href="/site.css"`, "<b>Bells for 0.20, 0s,", "Imprint"} {
		if !strings.Contains(b, want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	wantNoCanary(t, res, b)
	for name, want := range map[string]string{
		"Cache-Control": "[private, no-store]", "Vary": "[Cookie, Authorization]", "Content-Type": "[text/html; charset=utf-8]", "Content-Language": "[en]",
		"Content-Security-Policy": "[style-src 'self' " + ourPolicy + "]", "Referrer-Policy": "[same-origin]", "Content-Length": fmt.Sprint([]int{len(b)}),
	} {
		if got := fmt.Sprint(res.Header[name]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if len(res.Header) != 8 {
		t.Errorf("headers: %v", res.Header)
	}
	return b
}

// wantRedirect: there is no teaser.
func wantRedirect(t testing.TB, res *http.Response) {
	t.Helper()
	wantPaywall(t, res)
	if res.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", res.StatusCode)
	}
}
