package checkout

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// BenchmarkUnlock is a purchase from a wallet with money, the ledger's part in it, in
// memory, included.
func BenchmarkUnlock(b *testing.B) {
	for name, request := range map[string]func(s *site, key, offer string) *http.Request{
		"json": func(s *site, key, offer string) *http.Request {
			r := httptest.NewRequest(http.MethodPost, testOrigin+"/.paywall/unlock", strings.NewReader(fmt.Sprintf(`{"offer":%q}`, offer)))
			r.Header = http.Header{
				"Accept": {"application/json"}, "Content-Type": {"application/json"}, "Authorization": {"Bearer " + key},
			}
			return r
		},
		"form": func(s *site, key, offer string) *http.Request {
			r := httptest.NewRequest(http.MethodPost, testOrigin+"/.paywall/unlock",
				strings.NewReader(url.Values{"offer": {offer}, "shown": {"0.20"}}.Encode()))
			r.Header = http.Header{
				"Accept":          {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
				"Accept-Language": {"en-GB,en;q=0.5"}, "Content-Type": {"application/x-www-form-urlencoded"},
				"Origin": {testOrigin}, "Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"navigate"},
				"Cookie": {walletCookie + "=" + key},
			}
			return r
		},
	} {
		b.Run(name, func(b *testing.B) {
			s := newSite(b, noWelcome, func(o *Options) { o.Logger, o.LimitFactor = slog.New(slog.DiscardHandler), MaxLimitFactor })
			key, _ := s.opened(1 << 50)
			const batch = 1000 // fewer than the ring remembers
			requests := make([]*http.Request, 0, batch)
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				if len(requests) == 0 {
					b.StopTimer()
					for range batch {
						n++
						requests = append(requests, request(s, string(key), s.offer(resource(fmt.Sprintf("/articles/%d", n)))))
					}
					b.StartTimer()
				}
				r := requests[len(requests)-1]
				requests = requests[:len(requests)-1]
				w := httptest.NewRecorder()
				if s.c.ServeHTTP(w, r); w.Code >= http.StatusBadRequest {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}
