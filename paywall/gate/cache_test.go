package gate

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// Area D: caches, conditions and ranges.

// song is a site that serves bytes as net/http does: ranges, conditions, HEAD.
func song(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Etag", `"CANARY"`)
	w.Header().Set("Content-Type", "audio/mpeg")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	http.ServeContent(w, r, "", testNow.Add(-time.Hour), bytes.NewReader(songBytes))
	return nil
}

var songBytes = []byte(strings.Repeat("CANARY--", 1250)) // 10,000 bytes

func TestD01PaidAnswersAreKeptByNobodyElse(t *testing.T) {
	s := newSite(t)
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		for _, name := range []string{
			"CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Vercel-CDN-Cache-Control", "Netlify-CDN-Cache-Control", "Akamai-Cache-Control",
			"Surrogate-Control", "Edge-Control", "X-Accel-Expires", "Expires", "Age", "Pragma",
		} {
			h.Set(name, "max-age=9999")
		}
		h["Vary"] = []string{"Accept-Encoding", "cookie"}
		h.Add("Cache-Control", "s-maxage=9999")
		return article(w, r)
	}
	res := s.do("GET", pagePath, accessCookie(s.access(pagePath, nil)))
	wantPaid(t, res)
	for name, values := range res.Header {
		if slices.Contains(values, "max-age=9999") {
			t.Errorf("%s came through", name)
		}
	}
	if got := res.Header["Vary"]; !slices.Equal(got, []string{"Accept-Encoding, cookie, Authorization"}) {
		t.Errorf("Vary: %q", got)
	}
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Vary", "*")
		return article(w, r)
	}
	if got := s.do("GET", pagePath, accessCookie(s.access(pagePath, nil))).Header["Vary"]; !slices.Equal(got, []string{"*"}) {
		t.Errorf("Vary: %q", got)
	}
}

// TestD02AnOfferTellsNothingOfThePage: neither does what a handler in front of
// the gate said about it.
func TestD02AnOfferTellsNothingOfThePage(t *testing.T) {
	s := newSite(t)
	for _, accept := range []string{"text/html", "*/*"} {
		w := httptest.NewRecorder()
		for name, value := range map[string]string{
			"Etag": `"CANARY"`, "Last-Modified": "x", "Accept-Ranges": "bytes", "Content-Encoding": "gzip", "Content-Range": "bytes 0-9/10",
			"Cache-Control": "public, max-age=60", "Surrogate-Control": "max-age=60", "Expires": "x", "Content-Length": "10000", "Vary": "Accept",
		} {
			w.Header().Set(name, value)
		}
		if err := s.gate.ServeHTTP(w, request(t, "GET", pagePath, "Accept: "+accept), s); err != nil {
			t.Fatal(err)
		}
		res := w.Result()
		if b := wantPaywall(t, res); fmt.Sprint(len(b)) != res.Header.Get("Content-Length") {
			t.Errorf("%d bytes, Content-Length %s", len(b), res.Header.Get("Content-Length"))
		}
		for _, name := range []string{"Content-Encoding", "Content-Range", "Surrogate-Control", "Expires"} {
			if res.Header[name] != nil {
				t.Errorf("%s: %q", name, res.Header[name])
			}
		}
	}
}

func TestD04NothingBelowAnArticleIsForACache(t *testing.T) {
	s := newSite(t)
	owner := accessCookie(s.access(pagePath, nil))
	for _, target := range []string{
		pagePath + "/x.css", pagePath + "%2Fx.css", pagePath + ";x.css", pagePath + ".css", pagePath + "%23.css", pagePath + "%3fx.css",
		pagePath + "%00.css", pagePath + "//x.css", pagePath + "/..%2fx.css", pagePath + "\\x.css",
	} {
		for _, header := range [][]string{{owner}, nil} {
			res := s.do("GET", target, header...)
			wantNoCanary(t, res, body(t, res))
			if got := res.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("%s: %d, Cache-Control: %q", target, res.StatusCode, got)
			}
		}
	}
}

func TestD05OffersCarryNothingOfWhoAskedFirst(t *testing.T) {
	s := newSite(t)
	r := request(t, "GET", pagePath+"?"+strings.Repeat("poison=evil&", 200),
		"X-Forwarded-Host: evil.test", "X-Forwarded-Proto: evil", "X-Forwarded-Port: 6666", "Forwarded: host=evil.test", "User-Agent: evil", "Accept-Language: evil")
	r.Host = "evil.test"
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/html")
		_, err := fmt.Fprintf(w, "<title>%s %s</title>", r.Host, r.URL.RawQuery) // a site that repeats what it is told
		return err
	}
	wantPaywall(t, s.send(r))
	raw := s.offered(pagePath)
	offer, err := s.gate.o.Verifier.Offer(raw, testOrigin, testOrigin)
	if err != nil || strings.Contains(fmt.Sprint(offer), "evil") {
		t.Errorf("%+v, %v", offer, err)
	}
}

// TestD05ATitleIsForThoseWhoCalledTheSiteTheSame: where the origin is fixed,
// the host and its aliases are still what the site gets and may repeat.
func TestD05ATitleIsForThoseWhoCalledTheSiteTheSame(t *testing.T) {
	for _, name := range []string{"Host", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Forwarded"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.upstream = func(w http.ResponseWriter, r *http.Request) error {
				w.Header().Set("Content-Type", "text/html")
				_, err := fmt.Fprintf(w, "<title>%s %v</title>", r.Host, r.Header)
				return err
			}
			r := request(t, "GET", pagePath, name+": evil")
			if name == "Host" {
				r.Host = "evil"
			}
			wantPaywall(t, s.send(r))
			offer, err := s.gate.o.Verifier.Offer(s.offered(pagePath), testOrigin, testOrigin)
			if err != nil || strings.Contains(fmt.Sprint(offer), "evil") {
				t.Errorf("%+v, %v", offer, err)
			}
		})
	}
}

// TestD11AnOfferIsNotThePageInAnotherEncoding: neither for who asks for one,
// nor from a site that encodes for everybody.
func TestD11AnOfferIsNotThePageInAnotherEncoding(t *testing.T) {
	for _, encoding := range []string{"gzip", "br", "zstd", "deflate", "gzip, br", "*", "identity;q=0"} {
		for _, stubborn := range []bool{false, true} {
			for _, accept := range []string{"text/html", "*/*"} {
				s := newSite(t)
				s.upstream = func(w http.ResponseWriter, r *http.Request) error {
					if stubborn || r.Header["Accept-Encoding"] != nil {
						w.Header().Set("Content-Encoding", "gzip")
						w.Header().Add("Vary", "Accept-Encoding")
						w.Header().Set("Content-Type", "text/html")
						z := gzip.NewWriter(w)
						_, _ = io.WriteString(z, "<title>CANARY</title>")
						return z.Close()
					}
					return article(w, r)
				}
				res := s.do("GET", pagePath, "Accept-Encoding: "+encoding, "Accept: "+accept)
				if b := wantPaywall(t, res); res.Header["Content-Encoding"] != nil || accept == "*/*" && decodeProblem(t, b)["offer"] == "" {
					t.Errorf("%q: %v", encoding, res.Header)
				}
				if s.last().Header.Get("Accept-Encoding") != "identity" {
					t.Errorf("the site was asked for %q", s.last().Header["Accept-Encoding"])
				}
			}
		}
	}
}

func TestD07D08ConditionsAndRangesMeanNothingUnpaid(t *testing.T) {
	s := newSite(t)
	s.upstream = song
	for _, header := range [][]string{
		{"If-Match: *"},
		{"If-Match: \"other\""},
		{"If-None-Match: *"},
		{"If-None-Match: \"CANARY\""},
		{"If-Modified-Since: Sun, 22 Nov 2026 12:00:00 GMT"},
		{"If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT"},
		{"Range: bytes=0-99"},
		{"Range: bytes=0-99", "If-Range: \"CANARY\""},
		{"Range: bytes=99999-"},
		{"Range: bytes=0-0,-1"},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			for _, target := range []string{pagePath, "/articles/p2?" + method + fmt.Sprint(len(s.asked))} { // known and not yet
				wantPaywall(t, s.do(method, target, header...))
			}
		}
	}
}

func TestD07D08ConditionsAndRangesPassPaid(t *testing.T) {
	s := newSite(t)
	s.upstream = song
	owner := accessCookie(s.access(pagePath, nil))
	for header, status := range map[string]int{
		"If-Match: \"other\"": 412, "If-None-Match: \"CANARY\"": 304, "Range: bytes=0-99": 206, "Range: bytes=99999-": 416, "Accept: */*": 200,
	} {
		res := s.do("GET", pagePath, owner, header)
		wantStatus(t, res, status)
		if got := res.Header["Cache-Control"]; !slices.Equal(got, []string{"private, no-store"}) {
			t.Errorf("%s: Cache-Control: %q", header, got)
		}
	}
}

func TestD09APlayerPaysOnce(t *testing.T) {
	s := newSite(t)
	s.upstream = song
	const track = "/albums/x/1.mp3"
	key := paywall.NewWalletKey()
	s.ledger.give(key, testOrigin, paywall.Unlock{ID: "u", Resource: "/albums/x"})
	res := s.do("GET", track, "Cookie: __Host-paywall_wallet="+string(key), "Range: bytes=0-99")
	wantStatus(t, res, 206)
	cookies := res.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%v", res.Header)
	}
	for i := range 50 {
		res := s.do("GET", track, "Cookie: "+cookies[0].Name+"="+cookies[0].Value, fmt.Sprintf("Range: bytes=%d-%d", 100*i, 100*i+99))
		if b := wantStatus(t, res, 206); len(b) != 100 {
			t.Errorf("%d bytes", len(b))
		}
		if res.Header.Get("Cache-Control") != "private, no-store" || res.Header["Set-Cookie"] != nil || res.Header.Get("Content-Range") == "" {
			t.Errorf("%v", res.Header)
		}
	}
	if s.ledger.asked != 1 || len(s.probes()) != 0 || len(s.asked) != 51 {
		t.Errorf("the ledger was asked %d times, the site %d times", s.ledger.asked, len(s.asked))
	}
}

func TestD10ManyRangesDoNotMultiplyAPage(t *testing.T) {
	s := newSite(t)
	s.upstream = song
	ranges := "Range: bytes=" + strings.TrimSuffix(strings.Repeat("0-,", 1000), ",")
	res := s.do("GET", pagePath, accessCookie(s.access(pagePath, nil)), ranges)
	if b := body(t, res); res.StatusCode != 200 && res.StatusCode != 206 && res.StatusCode != 416 || len(b) > 2*len(songBytes) {
		t.Errorf("%d with %d bytes", res.StatusCode, len(b))
	}
	wantPaywall(t, s.do("GET", pagePath, ranges))
}

func TestD15AFailingSiteCostsAnOwnerNothing(t *testing.T) {
	for _, code := range []int{404, 500, 502} {
		s := newSite(t)
		s.upstream = func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Cache-Control", "public, max-age=60")
			return status(code)(w, r)
		}
		key := paywall.NewWalletKey()
		s.ledger.give(key, testOrigin, paywall.Unlock{ID: "u", Resource: pagePath})
		for _, credential := range []string{accessCookie(s.access(pagePath, nil)), "Cookie: __Host-paywall_wallet=" + string(key)} {
			res := s.do("GET", pagePath, credential)
			wantStatus(t, res, code)
			if got := res.Header.Get("Cache-Control"); got != "private, no-store" {
				t.Errorf("%d: Cache-Control: %q", code, got)
			}
		}
		s.upstream = article
		wantPaid(t, s.do("GET", pagePath, "Cookie: __Host-paywall_wallet="+string(key)))
	}
}

// TestD15WhatAPricedPathSaysUnpaidIsForNoCache: whatever the site wants, a 404
// that a cache kept would meet the readers of tomorrow's article.
func TestD15WhatAPricedPathSaysUnpaidIsForNoCache(t *testing.T) {
	for _, code := range []int{301, 302, 308, 400, 401, 403, 404, 405, 410, 451, 500, 503} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			s := newSite(t)
			s.upstream = func(w http.ResponseWriter, r *http.Request) error {
				for _, name := range []string{"Cache-Control", "CDN-Cache-Control", "Surrogate-Control", "X-Accel-Expires"} {
					w.Header().Set(name, "max-age=9999")
				}
				w.Header().Set("Expires", "Sun, 22 Nov 2037 10:00:00 GMT")
				w.Header().Set("Vary", "Accept")
				return status(code)(w, r)
			}
			res := s.do(method, pagePath)
			wantStatus(t, res, code)
			if got := res.Header["Cache-Control"]; !slices.Equal(got, []string{"private, no-store"}) || res.Header.Get("Vary") != "Accept, Cookie, Authorization" {
				t.Errorf("%d: %v", code, res.Header)
			}
			for _, name := range []string{"CDN-Cache-Control", "Surrogate-Control", "X-Accel-Expires", "Expires"} {
				if res.Header[name] != nil {
					t.Errorf("%d: %s came through", code, name)
				}
			}
		}
	}
	s := newSite(t) // an error that the server makes a page of
	s.upstream = func(http.ResponseWriter, *http.Request) error { return errSite }
	w := newRecorder()
	if err := s.gate.ServeHTTP(w, request(t, "GET", pagePath), s); err != errSite || w.Header().Get("Cache-Control") != "private, no-store" {
		t.Errorf("%v %v", err, w.Header())
	}
}

// TestNothingIsBufferedOnThePaidWay: a large file goes through as it comes.
func TestNothingIsBufferedOnThePaidWay(t *testing.T) {
	s := newSite(t)
	reader, writer := io.Pipe()
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.Copy(w, reader)
		return err
	}
	inner := &counting{ResponseWriter: httptest.NewRecorder(), got: make(chan int)}
	done := make(chan error)
	go func() {
		done <- s.gate.ServeHTTP(inner, request(t, "GET", pagePath, accessCookie(s.access(pagePath, nil))), s)
	}()
	for range 100 {
		if _, err := writer.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if n := <-inner.got; n != 1000 {
			t.Fatalf("%d bytes arrived of 1000", n)
		}
	}
	_ = writer.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// counting tells of each write.
type counting struct {
	http.ResponseWriter
	got chan int
}

func (w *counting) Write(p []byte) (int, error) {
	w.got <- len(p)
	return len(p), nil
}
