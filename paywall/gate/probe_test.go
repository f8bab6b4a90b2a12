package gate

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What the gate asks the site before it sells.

// probes are the requests of the gate's own among those that reached the site.
func (s *site) probes() (probes []*http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.asked {
		if r.Header.Get("Paywall-Status") == "probe" {
			probes = append(probes, r)
		}
	}
	return probes
}

func TestOneProbeForFiftyReadersAtOnce(t *testing.T) {
	s := newSite(t)
	release := make(chan struct{})
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		<-release
		return article(w, r)
	}
	var wg sync.WaitGroup
	var sold atomic.Int32
	for range 50 {
		wg.Go(func() {
			if res := s.do("GET", pagePath); res.StatusCode == http.StatusPaymentRequired {
				sold.Add(1)
			}
		})
	}
	time.Sleep(20 * time.Millisecond) // so that most of them wait for the first
	close(release)
	wg.Wait()
	if n := len(s.probes()); n != 1 || len(s.asked) != 1 || sold.Load() != 50 {
		t.Errorf("%d probes, %d requests, %d offers", n, len(s.asked), sold.Load())
	}
}

func TestAProbeIsBelievedForAMinute(t *testing.T) {
	s := newSite(t)
	for _, step := range []struct {
		wait   time.Duration
		target string
		probes int
	}{
		{0, pagePath, 1},
		{59 * time.Second, pagePath, 1},
		{0, "/articles/p2", 2},
		{0, pagePath + "?page=2", 2}, // the same thing to sell
		{time.Second, pagePath, 3},
		{0, pagePath, 3},
	} {
		s.wait(step.wait)
		wantPaywall(t, s.do("GET", step.target))
		wantPaywall(t, s.do("HEAD", step.target))
		wantPaywall(t, s.do("POST", step.target))
		if n := len(s.probes()); n != step.probes {
			t.Errorf("%s: %d probes, want %d", step.target, n, step.probes)
		}
	}
}

func TestNewArticlesAreSoldWithinSeconds(t *testing.T) {
	s := newSite(t)
	s.upstream = status(404)
	wantStatus(t, s.do("GET", pagePath), 404)
	s.wait(absentTTL)
	s.upstream = article
	wantPaywall(t, s.do("GET", pagePath))
}

func TestAProbeIsNobodyInParticular(t *testing.T) {
	s := newSite(t)
	r := request(t, "POST", pagePath+"?a=1",
		"Cookie: session=reader; __Host-paywall_wallet=x", "Authorization: Basic QTpC", "Proxy-Authorization: Basic QTpC",
		"Range: bytes=0-9", "If-Range: x", "If-None-Match: x", "If-Match: *", "If-Modified-Since: x", "If-Unmodified-Since: x",
		"Accept-Encoding: gzip", "Accept: application/json", "Content-Type: text/plain", "Content-Length: 3", "Expect: 100-continue",
		"Connection: Upgrade", "Upgrade: websocket", "Sec-Websocket-Key: k", "Sec-Fetch-Mode: navigate", "Sec-Purpose: prefetch",
		"Origin: https://site.test", "Referer: https://site.test/", "Early-Data: 1", "Cache-Control: no-cache", "Pragma: no-cache",
		"Accept-Language: de", "User-Agent: reader")
	r.ContentLength, r.Body = 3, io.NopCloser(strings.NewReader("abc"))
	wantPaywall(t, s.send(r))
	probe := s.last()
	if probe.Method != "GET" || probe.RequestURI != pagePath || probe.URL.RawQuery != "" || probe.Host != "site.test" || probe.ContentLength != 0 || probe.Body != http.NoBody {
		t.Errorf("%+v", probe)
	}
	want := http.Header{
		"Accept": {"text/html,application/xhtml+xml,*/*;q=0.8"}, "Accept-Encoding": {"identity"}, "Paywall-Status": {"probe"}, "Paywall-Resource": {pagePath}, "Accept-Language": {"de"}, "User-Agent": {"reader"},
	}
	if fmt.Sprint(probe.Header) != fmt.Sprint(want) {
		t.Errorf("the site got %v", probe.Header)
	}
}

// failing are sites with nothing to sell.
var failing = map[string]struct {
	upstream func(http.ResponseWriter, *http.Request) error
	status   int // 0: the server's business
}{
	"301": {func(w http.ResponseWriter, r *http.Request) error {
		http.Redirect(w, r, "/articles/p2", http.StatusMovedPermanently)
		return nil
	}, 301},
	"404":   {status(404), 404},
	"410":   {status(410), 410},
	"451":   {status(451), 451},
	"500":   {status(500), 500},
	"503":   {status(503), 503},
	"error": {func(http.ResponseWriter, *http.Request) error { return errSite }, 0},
	"panic": {func(http.ResponseWriter, *http.Request) error { panic("a bug of the site's") }, 0},
	"abort": {func(w http.ResponseWriter, r *http.Request) error { panic(http.ErrAbortHandler) }, 0},
	"abort within a page": {func(w http.ResponseWriter, r *http.Request) error {
		_ = article(w, r)
		panic(http.ErrAbortHandler)
	}, 0},
	"error within a page": {func(w http.ResponseWriter, r *http.Request) error {
		_ = article(w, r)
		return errSite
	}, 0},
}

func TestWhatTheSiteDoesNotDeliverIsNotSold(t *testing.T) {
	for name, tc := range failing {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.upstream = tc.upstream
			for _, method := range []string{"GET", "HEAD", "POST"} {
				w := newRecorder()
				var err error
				var cause any
				func() {
					defer func() { cause = recover() }()
					err = s.gate.ServeHTTP(w, request(t, method, pagePath), s)
				}()
				wantNoCanary(t, w.Result(), w.Body.String())
				if tc.status != 0 && (w.Code != tc.status || err != nil || cause != nil) {
					t.Errorf("%s: %d, %v, %v", method, w.Code, err, cause)
				}
				if tc.status == 0 && (w.Code != 0 || err == nil && cause == nil) {
					t.Errorf("%s: %d, %v, %v", method, w.Code, err, cause)
				}
				if tc.status == 404 && (strings.Contains(w.Body.String(), "own 404") || w.Header().Get("X-Site") != "") {
					t.Errorf("%s: %s %v", method, w.Body, w.Header())
				}
				if got := s.last().Method; got == "POST" {
					t.Errorf("%s reached the site unpaid", got)
				}
			}
		})
	}
}

// TestContentIsNotGivenAwayAfterAProbeThatFailed: the site says 404 to the
// probe and delivers to the request that follows.
func TestContentIsNotGivenAwayAfterAProbeThatFailed(t *testing.T) {
	for what, answer := range answers {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			t.Run(what+", "+method, func(t *testing.T) {
				s := newSite(t)
				s.upstream = func(w http.ResponseWriter, r *http.Request) error {
					if r.Header.Get("Paywall-Status") == "probe" {
						return status(404)(w, r)
					}
					return answer(w, r)
				}
				for range 2 {
					w := httptest.NewRecorder()
					w.Header().Set("Server", "kept")
					err := s.gate.ServeHTTP(w, request(t, method, pagePath), s)
					res := w.Result()
					switch what {
					case "headers only": // nothing was delivered, and nothing is sold
						wantNoCanary(t, res, wantStatus(t, res, 200))
					case "an error after it": // the server's business
						if err != errSite || w.Body.Len() != 0 {
							t.Errorf("%v, %s", err, w.Body)
						}
						err = nil
						wantNoCanary(t, res, "")
					default:
						wantPaywall(t, res)
					}
					if err != nil {
						t.Errorf("%v", err)
					}
					if res.Header.Get("Server") != "kept" || len(res.Trailer) != 0 || res.Header["X-Digest"] != nil {
						t.Errorf("%v, trailer %v", res.Header, res.Trailer)
					}
					for name := range res.Header {
						if strings.HasPrefix(name, http.TrailerPrefix) {
							t.Errorf("%s: %v", name, res.Header[name])
						}
					}
				}
			})
		}
	}
}

// TestASiteThatHangsIsNotSold runs in a time of its own.
func TestASiteThatHangsIsNotSold(t *testing.T) {
	hang := func(r *http.Request) error {
		<-r.Context().Done()
		return r.Context().Err()
	}
	for name, tc := range map[string]struct {
		upstream func(http.ResponseWriter, *http.Request) error
		took     time.Duration
	}{
		"before an answer": {func(w http.ResponseWriter, r *http.Request) error {
			if r.Header.Get("Paywall-Status") != "probe" {
				return errSite
			}
			return hang(r)
		}, probeTimeout},
		"within an answer": {func(w http.ResponseWriter, r *http.Request) error {
			_ = article(w, r)
			_ = hang(r)
			return errSite
		}, 2 * probeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.upstream = tc.upstream
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				w := newRecorder()
				err := s.gate.ServeHTTP(w, request(t, "GET", pagePath).WithContext(t.Context()), s)
				if took := time.Since(start); err != errSite || w.Code != 0 || took != tc.took {
					t.Errorf("%v and %d after %v", err, w.Code, took)
				}
			})
		})
	}
}

func TestAnImpatientReaderDoesNotSpoilTheProbe(t *testing.T) {
	s := newSite(t)
	started, release := make(chan struct{}, 9), make(chan struct{})
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		started <- struct{}{}
		<-release
		if err := r.Context().Err(); err != nil {
			return err
		}
		return article(w, r)
	}
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.gate.ServeHTTP(newRecorder(), request(t, "GET", pagePath).WithContext(ctx), s)
	}()
	<-started
	leave()
	close(release)
	<-done
	wantPaywall(t, s.do("GET", pagePath))
	if n := len(s.probes()); n != 1 || len(s.asked) != 1 {
		t.Errorf("%d probes, %d requests", n, len(s.asked))
	}
}

// endless writes until it is told to stop, and says how much it wrote.
func endless(contentType string, wrote *atomic.Int64) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", contentType)
		part := []byte(strings.Repeat("<p>word CANARY ", 2048))
		for wrote.Load() < 50<<20 {
			n, err := w.Write(part)
			wrote.Add(int64(n))
			if err != nil {
				return err
			}
			if r.Context().Err() != nil {
				return r.Context().Err()
			}
		}
		return nil
	}
}

func TestBigPagesAreNotReadToTheEnd(t *testing.T) {
	for _, contentType := range []string{"text/html", "audio/mpeg", "text/html; charset=utf-16", "application/json", ""} {
		t.Run(contentType, func(t *testing.T) {
			s := newSite(t)
			var wrote atomic.Int64
			s.upstream = endless(contentType, &wrote)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			wantPaywall(t, s.do("GET", pagePath))
			runtime.ReadMemStats(&after)
			if n := wrote.Load(); n > 4<<20 {
				t.Errorf("%d bytes of 50 MiB were read", n)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
				t.Errorf("%d bytes were allocated", used)
			}
		})
	}
}

// TestAProbeHoldsNoPageInMemory: one tag of 50 MB is read as far as the parser's
// bound and no further.
func TestAProbeHoldsNoPageInMemory(t *testing.T) {
	s := newSite(t)
	var peak uint64
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<title>Bells</title><article><img src=\"")
		part := []byte(strings.Repeat("A", 64<<10))
		for range 800 {
			if _, err := w.Write(part); err != nil {
				break
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
		return nil
	}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	wantPaywall(t, s.do("GET", pagePath))
	if peak > before.HeapAlloc+16<<20 {
		t.Errorf("%d MiB were in memory", (peak-before.HeapAlloc)>>20)
	}
}

func TestLargeFilesAreNotStartedForAProbe(t *testing.T) {
	s := newSite(t)
	stopped := false
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "audio/flac")
		w.Header().Set("Content-Length", "30000000")
		w.WriteHeader(http.StatusOK)
		stopped = r.Context().Err() != nil
		_, err := w.Write([]byte("CANARY"))
		return err
	}
	wantPaywall(t, s.do("GET", "/albums/x/1.flac"))
	if !stopped {
		t.Error("the site was not told to stop")
	}
}
