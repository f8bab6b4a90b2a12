package gate

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall/pricing"
)

// What handlers after the gate do to the path.

// rewriters change a request as handlers after the gate do.
var rewriters = map[string]func(*http.Request, string) *http.Request{
	"in place": func(r *http.Request, target string) *http.Request {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			panic(err)
		}
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI = u.Path, u.RawPath, u.RawQuery, target
		return r
	},
	"the target only": func(r *http.Request, target string) *http.Request {
		r.RequestURI = target
		return r
	},
	"the path only": func(r *http.Request, target string) *http.Request {
		r.URL.Path = target
		return r
	},
	"a shallow copy": func(r *http.Request, target string) *http.Request {
		r = r.WithContext(context.Background())
		r.URL.Path, r.RequestURI = target, target
		return r
	},
	"a new URL": func(r *http.Request, target string) *http.Request {
		r.URL, r.RequestURI = &url.URL{Path: target}, target
		return r
	},
}

// answers are ways to deliver a page.
var answers = map[string]func(http.ResponseWriter, *http.Request) error{
	"a page": article,
	"a part": func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Range", "bytes 0-9/CANARY")
		w.WriteHeader(http.StatusPartialContent)
		_, err := io.WriteString(w, canary)
		return err
	},
	"not modified": func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Etag", canary)
		w.WriteHeader(http.StatusNotModified)
		return nil
	},
	"headers only": func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("X-Page", canary)
		return nil
	},
	"hints first": func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Link", "</CANARY.css>")
		w.WriteHeader(http.StatusEarlyHints)
		return article(w, r)
	},
	"a flush first": func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("X-Page", canary)
		w.(http.Flusher).Flush()
		return article(w, r)
	},
	"a file": func(w http.ResponseWriter, r *http.Request) error {
		n, err := io.Copy(w, onlyReader{strings.NewReader(canary)})
		if n != int64(len(canary)) {
			panic("the site noticed")
		}
		return err
	},
	"trailers": func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Trailer", "X-Digest")
		_ = article(w, r)
		w.Header().Set("X-Digest", canary)
		w.Header().Set(http.TrailerPrefix+"X-Late", canary)
		return nil
	},
	"an error after it": func(w http.ResponseWriter, r *http.Request) error {
		_ = article(w, r)
		return errSite
	},
}

func TestWhatIsRewrittenBehindTheGateIsNotGivenAway(t *testing.T) {
	s := newSite(t)
	for how, rewrite := range rewriters {
		for what, answer := range answers {
			for _, method := range []string{"GET", "HEAD", "POST"} {
				t.Run(how+", "+what+", "+method, func(t *testing.T) {
					s.upstream = func(w http.ResponseWriter, r *http.Request) error {
						return answer(w, rewrite(r, strings.TrimPrefix(r.RequestURI, "/free")))
					}
					for _, prefix := range []string{"/free/articles/p1", "/free/unpriced/x", "/free/albums/x/1.mp3"} {
						s.logs.Reset()
						r := request(t, method, prefix, "Range: bytes=0-9", "If-None-Match: x")
						w := httptest.NewRecorder()
						w.Header().Set("Server", "kept")
						if err := s.gate.ServeHTTP(w, r, s); err != nil {
							t.Fatal(err)
						}
						res := w.Result()
						b := wantStatus(t, res, 403)
						wantNoCanary(t, res, b)
						if decodeProblem(t, b)["type"] != "urn:paywall:misconfigured" || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Server") != "kept" {
							t.Errorf("%s %v", b, res.Header)
						}
						if len(res.Trailer) != 0 || res.Header["Trailer"] != nil || res.Header["Content-Range"] != nil || res.Header["Link"] != nil {
							t.Errorf("%v, trailer %v", res.Header, res.Trailer)
						}
						if log := s.logs.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "write free") || !strings.Contains(log, prefix) {
							t.Errorf("log: %s", log)
						}
					}
				})
			}
		}
	}
}

func TestARewriteToSomethingDoubtfulIsNotGivenAway(t *testing.T) {
	s := newSite(t)
	for _, target := range []string{"/articles%2fp1", "/free/..%2farticles/p1", "/articles/p1;x", "/ARTICLES/p1", "/articles/%2570", "/articles/x%00", "/arti%E9cles/p1", "*", ""} {
		s.upstream = func(w http.ResponseWriter, r *http.Request) error {
			return article(w, rewriters["the target only"](r, target))
		}
		res := s.do("GET", "/free/page")
		wantNoCanary(t, res, wantStatus(t, res, 403))
	}
}

func TestARewriteToSomethingUnpricedPasses(t *testing.T) {
	for how, rewrite := range rewriters {
		t.Run(how, func(t *testing.T) {
			s := newSite(t)
			for target, to := range map[string]string{"/": "/index.html", "/blog/x": "/index.php?q=/articles/p1", "/free/x": "/articles/welcome", "/y": "/z"} {
				s.upstream = func(w http.ResponseWriter, r *http.Request) error { return article(w, rewrite(r, to)) }
				if b := wantStatus(t, s.do("GET", target), 200); !strings.Contains(b, canary) {
					t.Errorf("%s: %.100s", target, b)
				}
			}
			if s.logs.String() != "" {
				t.Errorf("log: %s", &s.logs)
			}
		})
	}
}

func TestRefusalsOfARewrittenPathPass(t *testing.T) {
	s := newSite(t)
	for _, code := range []int{301, 404, 416, 500} {
		s.upstream = func(w http.ResponseWriter, r *http.Request) error {
			return status(code)(w, rewriters["in place"](r, pagePath))
		}
		if b := wantStatus(t, s.do("GET", "/free/page"), code); !strings.HasPrefix(b, "the site's own") {
			t.Errorf("%d: %s", code, b)
		}
	}
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		rewriters["in place"](r, pagePath)
		return errSite
	}
	w := newRecorder()
	if err := s.gate.ServeHTTP(w, request(t, "GET", "/free/page"), s); err != errSite || w.Code != 0 {
		t.Errorf("%v, and %d was written", err, w.Code)
	}
}

func TestAWrittenFreeOverridesWhatIsBehindTheGate(t *testing.T) {
	table, err := pricing.NewTable(pricing.Paths{"/articles/*", "/sample/*"}, []pricing.Rule{
		{Match: pricing.Paths{"/sample/*"}, Free: true}, {Price: price("0.20")},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	s.gate.o.Table = table
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		return article(w, rewriters["in place"](r, strings.TrimPrefix(r.RequestURI, "/sample")))
	}
	for _, method := range []string{"GET", "HEAD"} {
		wantStatus(t, s.do(method, "/sample/articles/p1", "Range: bytes=0-9"), 200)
	}
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		return article(w, rewriters["in place"](r, "/articles/p2"))
	}
	wantPaid(t, s.do("GET", pagePath, accessCookie(s.access(pagePath, nil))))
}

func TestAWebsocketIsNotGivenAwayBehindARewrite(t *testing.T) {
	s := newSite(t)
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		rewriters["in place"](r, pagePath)
		if _, _, err := w.(http.Hijacker).Hijack(); err == nil {
			t.Error("the connection was given away")
		}
		return hijack(w)
	}
	server := s.serve(t, plain)
	answer := raw(t, server, "GET /free/x HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 403") || strings.Contains(answer, "CANARY") {
		t.Errorf("%q", answer)
	}
}

// TestAnAnswerAfterAFailedHijackIsPrivate: HTTP/2 has no connection to give
// away, and what is written instead is as private as everything else.
func TestAnAnswerAfterAFailedHijackIsPrivate(t *testing.T) {
	s := newSite(t)
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		if _, _, err := w.(http.Hijacker).Hijack(); err == nil {
			t.Error("a recorder was hijacked")
		}
		return article(w, r)
	}
	wantPaid(t, s.do("GET", pagePath, accessCookie(s.access(pagePath, nil))))
}
