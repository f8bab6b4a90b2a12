package gate

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

func TestRememberedPagesAreBounded(t *testing.T) {
	p, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * maxPages {
		if _, err := p.load(t.Context(), keyOf("https://site.test", fmt.Sprint("/articles/", i), ""), testNow, func() (*page, error) {
			return &page{sellable: true, until: testNow.Add(pageTTL)}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	p.cache.CleanUp()
	if n := p.cache.EstimatedSize(); n > maxPages {
		t.Errorf("%d pages are remembered", n)
	}
}

// TestLongAddressesAreNotKeptInMemory: an address may have 8 KB, and thousands
// of pages are remembered.
func TestLongAddressesAreNotKeptInMemory(t *testing.T) {
	s := newSite(t)
	const n, length = 1000, 8000
	before := held()
	for i := range n {
		target := fmt.Sprint("/articles/p", i, "?q=", strings.Repeat("x", length))
		w := httptest.NewRecorder()
		if err := s.gate.ServeHTTP(w, request(t, "GET", target), siteOnly{s}); err != nil || w.Code != http.StatusPaymentRequired {
			t.Fatal(w.Code, err)
		}
	}
	if now := held(); now > before+n*length/2 {
		t.Errorf("%d pages hold %d KiB", n, (now-before)>>10)
	}
	runtime.KeepAlive(s)
}

// TestPagesAreToldApart: by the site, its host, by what was asked for, and by what
// the server made of it.
func TestPagesAreToldApart(t *testing.T) {
	seen := map[pageKey]bool{}
	for _, parts := range [][4]string{
		{"https://a.test", "a.test", "/x", "/x"}, {"http://a.test", "a.test", "/x", "/x"}, {"https://a.test", "a.test", "/x", "/y"},
		{"https://a.test", "a.test", "/y", "/x"}, {"https://a.test", "b.test", "/x", "/x"}, {"https://a.test", "", "a.test/x", "/x"},
		{"https://a.test", "a.test", "/x?a", "/x"}, {"https://a.test", "a.test", "/x/x", ""},
	} {
		seen[testKey(parts[0], parts[1], parts[2], parts[3])] = true
	}
	if len(seen) != 8 {
		t.Errorf("%d keys of 8 targets", len(seen))
	}
}

// TestD05EveryLineOfAForwardedHostCounts: sites read the first, the last or all.
func TestD05EveryLineOfAForwardedHostCounts(t *testing.T) {
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"} {
		s := newSite(t)
		s.upstream = func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "text/html")
			_, err := io.WriteString(w, "<title>The Penny Post"+strings.Join(r.Header[name], "")+"</title>")
			return err
		}
		_ = s.do("GET", pagePath, name+": ", name+": evil")
		offer, err := s.gate.o.Verifier.Offer(s.offered(pagePath), testOrigin, testOrigin)
		if err != nil || offer.Title != "The Penny Post" {
			t.Errorf("%s: the title %q, %v", name, offer.Title, err)
		}
	}
}

func testKey(origin, host, raw, rewritten string) pageKey {
	return keyOfPage(&http.Request{Host: host, RequestURI: rewritten}, &ticket{origin: origin, raw: raw})
}
