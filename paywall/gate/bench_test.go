package gate

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// blank is a writer that costs nothing, so that what is measured is the gate.
type blank struct{ header http.Header }

func (w *blank) Header() http.Header         { return w.header }
func (w *blank) WriteHeader(int)             {}
func (w *blank) Write(p []byte) (int, error) { return len(p), nil }

// empty is a site that costs nothing.
type empty struct{ contentType, cacheControl []string }

func (e *empty) ServeHTTP(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = e.contentType, e.cacheControl
	w.WriteHeader(http.StatusOK)
	return nil
}

// BenchmarkPaid, BenchmarkUnpaid and BenchmarkFree measure what the gate adds to
// one request of a browser.
func BenchmarkPaid(b *testing.B) {
	s := newSite(b)
	good := accessCookie(s.access(pagePath, nil))
	b.Run("cookie", func(b *testing.B) { s.bench(b, 0, pagePath, good) })
	b.Run("reader", func(b *testing.B) {
		s.bench(b, 0, pagePath, good+"; session=abc; __Host-paywall_wallet="+string(paywall.NewWalletKey()))
	})
	b.Run("bearer", func(b *testing.B) { s.bench(b, 0, pagePath, "Authorization: Bearer "+s.access(pagePath, nil)) })
	b.Run("accents", func(b *testing.B) { s.bench(b, 0, "/articles/%C3%A9", accessCookie(s.access("/articles/é", nil))) })
}

// In a crowd the offers of one second are shared; otherwise one is signed each time.
func BenchmarkUnpaid(b *testing.B) {
	s := newSite(b)
	b.Run("crowd", func(b *testing.B) { s.bench(b, 0, pagePath, "Cookie: session=abc") })
	b.Run("program", func(b *testing.B) { s.bench(b, 0, pagePath, "Sec-Fetch-Mode: cors") })
	b.Run("alone", func(b *testing.B) { s.bench(b, time.Second, pagePath, "Cookie: session=abc") })
}

func BenchmarkFree(b *testing.B) {
	s := newSite(b)
	b.Run("free", func(b *testing.B) { s.bench(b, 0, "/articles/welcome", "Cookie: session=abc") })
	b.Run("unpriced", func(b *testing.B) { s.bench(b, 0, "/assets/site.css", "Cookie: session=abc") })
}

// bench sends one request again and again, some time apart. The gate takes
// headers from it, which are put back.
func (s *site) bench(b *testing.B, apart time.Duration, target, header string) {
	r := request(b, "GET", target,
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Accept-Language: en-GB,en;q=0.5", "Accept-Encoding: gzip, deflate, br, zstd",
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate",
		"Sec-Fetch-Site: same-origin", "Upgrade-Insecure-Requests: 1", "Connection: keep-alive", "Priority: u=0, i")
	name, line, _ := strings.Cut(header, ": ")
	values := []string{line}
	w := &blank{make(http.Header)}
	next := &empty{[]string{"text/html"}, []string{"public, max-age=60"}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		values[0] = line
		r.Header[name] = values
		if apart > 0 {
			s.wait(apart)
		}
		if err := s.gate.ServeHTTP(w, r, next); err != nil {
			b.Fatal(err)
		}
	}
}
