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

// The probe under attack: it must not be a way to hammer the site, to fill the
// gate's memory, or to keep others from buying.

// slow is a site that answers one request when it is told to, and counts those
// that wait for that.
type slow struct {
	release       chan struct{}
	waiting, most atomic.Int32
}

func newSlow() *slow { return &slow{release: make(chan struct{})} }

func (u *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	n := u.waiting.Add(1)
	defer u.waiting.Add(-1)
	for most := u.most.Load(); n > most && !u.most.CompareAndSwap(most, n); most = u.most.Load() {
	}
	select {
	case <-u.release:
		return article(w, r)
	case <-r.Context().Done():
		return r.Context().Err()
	}
}

// crowd sends n requests at once and returns when they wait for something.
// What they are answered is counted by status, 0 for none.
func (s *site) crowd(ctx context.Context, t *testing.T, n int, next Handler, target func(i int) string) (answers func() map[int]int) {
	var mu sync.Mutex
	var done sync.WaitGroup
	got := make(map[int]int)
	for i := range n {
		done.Go(func() {
			w := newRecorder()
			_ = s.gate.ServeHTTP(w, request(t, "GET", target(i)).WithContext(ctx), next)
			mu.Lock()
			defer mu.Unlock()
			got[w.Code]++
			if strings.Contains(w.Body.String(), "CANARY") {
				t.Error("the page leaked")
			}
		})
	}
	synctest.Wait()
	return func() map[int]int {
		done.Wait()
		return got
	}
}

func TestSlowPagesAreAskedForAFewAtATime(t *testing.T) {
	const readers = 2000
	for name, tc := range map[string]struct {
		target string
		most   int32
		sold   int // the others are told to come back
	}{
		"many resources":            {"/articles/%d", maxProbes, readers},
		"one resource, any query":   {"/articles/p1?%d", 1, readers},
		"one album, all its tracks": {"/albums/x/%d.mp3", probesOfResource, probesOfResource + waitersOfResource},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, up := newSite(t), newSlow()
				answers := s.crowd(t.Context(), t, readers, up, func(i int) string { return fmt.Sprintf(tc.target, i) })
				if n := up.waiting.Load(); n != tc.most {
					t.Errorf("the site answers %d probes at once", n)
				}
				other := s.crowd(t.Context(), t, 1, up, func(int) string { return "/articles/other" })
				if n := up.waiting.Load(); tc.most < maxProbes && n != tc.most+1 {
					t.Errorf("another article waits for it: %d probes", n)
				}
				close(up.release)
				if got := other(); got[http.StatusPaymentRequired] != 1 {
					t.Errorf("another article: %v", got)
				}
				if got := answers(); got[http.StatusPaymentRequired] != tc.sold || got[http.StatusServiceUnavailable] != readers-tc.sold || up.most.Load() > tc.most+1 {
					t.Errorf("answers %v, at most %d probes at once", got, up.most.Load())
				}
				s.wantNoLanes(t)
			})
		})
	}
}

// TestReadersWithoutAPlaceAreToldToComeBack: a site that hangs keeps nobody
// waiting for longer than a probe, nor anything of them when that is over.
func TestReadersWithoutAPlaceAreToldToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, up := newSite(t), newSlow()
		ctx, leave := context.WithTimeout(t.Context(), 3*probeTimeout)
		defer leave()
		start := time.Now()
		answers := s.crowd(ctx, t, 100, up, func(i int) string { return fmt.Sprintf("/albums/x/%d.mp3", i) })
		got := answers()
		// The first four were tried, and then handed to the site as they are.
		if got[http.StatusServiceUnavailable] < 90 || time.Since(start) > 3*probeTimeout {
			t.Errorf("%v after %v", got, time.Since(start))
		}
		s.wantNoLanes(t)
	})
}

// TestACrowdThatHangsUpLeavesNothingBehind: those who wait for a place go when
// they go, and only what runs already runs on, for the time of a probe.
func TestACrowdThatHangsUpLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, up := newSite(t), newSlow()
		before := runtime.NumGoroutine()
		ctx, leave := context.WithCancel(t.Context())
		answers := s.crowd(ctx, t, 5000, up, func(i int) string { return fmt.Sprint("/articles/", i) })
		leave()
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n > maxProbes+64 {
			t.Errorf("%d goroutines for nobody", n)
		}
		time.Sleep(probeTimeout)
		synctest.Wait()
		if n := up.waiting.Load(); n != 0 {
			t.Errorf("the site still answers %d probes", n)
		}
		answers()
		s.wantNoLanes(t)
	})
}

func (s *site) wantNoLanes(t *testing.T) {
	t.Helper()
	if len(s.gate.semaphores.of) != 0 || len(s.gate.semaphores.all) != 0 {
		t.Errorf("%d semaphores are left, %d probes run", len(s.gate.semaphores.of), len(s.gate.semaphores.all))
	}
}

// TestAReaderWhoLeavesTheQueueTakesNobodyWithHim: who waited for the same page
// gets his offer.
func TestAReaderWhoLeavesTheQueueTakesNobodyWithHim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, up := newSite(t), newSlow()
		busy := s.crowd(t.Context(), t, probesOfResource, up, func(i int) string { return fmt.Sprint(pagePath, "?", i) })
		ctx, leave := context.WithCancel(t.Context())
		first := s.crowd(ctx, t, 1, up, func(int) string { return pagePath })
		others := s.crowd(t.Context(), t, 20, up, func(int) string { return pagePath })
		leave()
		if got := first(); got[http.StatusServiceUnavailable] != 1 {
			t.Errorf("who left: %v", got)
		}
		close(up.release)
		if got := others(); got[http.StatusPaymentRequired] != 20 {
			t.Errorf("who stayed: %v", got)
		}
		busy()
	})
}

// TestTenThousandPathsFillNoMemory, and do not push out the page that
// everybody reads.
func TestTenThousandPathsFillNoMemory(t *testing.T) {
	for name, upstream := range map[string]func(http.ResponseWriter, *http.Request) error{
		"sold": func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "text/html")
			_, err := io.WriteString(w, "<title>"+strings.Repeat("é", 500)+"</title>")
			return err
		},
		"absent": func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Path == pagePath {
				return article(w, r)
			}
			return status(404)(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			asked := make(map[string]int)
			next := handlerFunc(func(w http.ResponseWriter, r *http.Request) error {
				asked[r.URL.Path]++
				return upstream(w, r)
			})
			ask := func(target string) {
				if err := s.gate.ServeHTTP(httptest.NewRecorder(), request(t, "GET", target), next); err != nil {
					t.Fatal(err)
				}
			}
			ask(pagePath)
			before := held()
			for i := range 10_000 {
				ask(fmt.Sprintf("/articles/%d/%s?%s", i, strings.Repeat("a", 300), strings.Repeat("b", 500)))
				if i%50 == 0 {
					ask(pagePath)
				}
			}
			if asked[pagePath] > 2 {
				t.Errorf("the page that everybody reads was asked for %d times", asked[pagePath])
			}
			clear(asked)
			now := held()
			t.Logf("%d KiB are held", (int64(now)-int64(before))>>10)
			if now > before+16<<20 {
				t.Errorf("%d KiB are held", (now-before)>>10)
			}
			runtime.KeepAlive(s)
		})
	}
}

type handlerFunc func(http.ResponseWriter, *http.Request) error

func (f handlerFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) error { return f(w, r) }

// TestStreamsWithoutAnEndAreSold: a radio station, and events that come now and then.
func TestStreamsWithoutAnEndAreSold(t *testing.T) {
	for name, stream := range map[string]func(http.ResponseWriter, *http.Request) error{
		"audio/mpeg": func(w http.ResponseWriter, r *http.Request) error {
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte("CANARY")); err != nil {
					return err
				}
				time.Sleep(100 * time.Millisecond)
			}
			return r.Context().Err()
		},
		"text/event-stream": func(w http.ResponseWriter, r *http.Request) error {
			if err := http.NewResponseController(w).Flush(); err != nil {
				return err
			}
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		},
	} {
		for _, late := range []bool{false, true} { // the probe saw it, or got a 404
			t.Run(fmt.Sprint(name, late), func(t *testing.T) {
				upstream := func(w http.ResponseWriter, r *http.Request) error {
					if late && r.Header.Get("Paywall-Status") == "probe" {
						return status(404)(w, r)
					}
					w.Header().Set("Content-Type", name)
					return stream(w, r)
				}
				synctest.Test(t, func(t *testing.T) {
					s, start, w := newSite(t), time.Now(), newRecorder()
					s.upstream = upstream
					err := s.gate.ServeHTTP(w, request(t, "GET", pagePath), s)
					if took := time.Since(start); err != nil || w.Code != http.StatusPaymentRequired || took > 2*listenTime {
						t.Errorf("%d, %v after %v", w.Code, err, took)
					}
					wantNoCanary(t, w.Result(), w.Body.String())
				})
			})
		}
	}
}

func TestHugeHeadersOfThePageAreNotKept(t *testing.T) {
	s := newSite(t)
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		for i := range 1000 {
			w.Header().Set(fmt.Sprint("X-Page-", i), strings.Repeat("CANARY ", 1000))
		}
		w.Header().Set("Content-Type", "text/html; charset="+strings.Repeat("x", 1<<20))
		return article(w, r)
	}
	before := held()
	for i := range 20 {
		wantPaywall(t, s.do("GET", fmt.Sprint("/articles/", i)))
		s.asked = nil
	}
	if now := held(); now > before+4<<20 {
		t.Errorf("%d KiB are held", (now-before)>>10)
	}
	runtime.KeepAlive(s)
}

// TestASiteThatKnowsOnlyHead: what GET does not deliver is not sold to GET, and
// what HEAD would tell is not told.
func TestASiteThatKnowsOnlyHead(t *testing.T) {
	s := newSite(t)
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodHead {
			w.Header().Set("Allow", "HEAD")
			return status(http.StatusMethodNotAllowed)(w, r)
		}
		return song(w, r)
	}
	wantNoCanary(t, s.do("GET", pagePath), "")
	wantStatus(t, s.do("GET", pagePath), http.StatusMethodNotAllowed)
	wantPaywall(t, s.do("HEAD", pagePath))
}

// TestWhatIsAbsentIsProbedOnceInAWhile: the rest of the requests go to the site
// as they would without a gate, one for one.
func TestWhatIsAbsentIsProbedOnceInAWhile(t *testing.T) {
	s := newSite(t)
	s.upstream = status(404)
	for range 100 {
		wantStatus(t, s.do("GET", pagePath), 404)
	}
	if n := len(s.probes()); n != 1 || len(s.asked) != 101 {
		t.Errorf("%d probes, %d requests", n, len(s.asked))
	}
}

// held is what is in use on the heap, in bytes.
func held() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers and weak pointers held on to
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
