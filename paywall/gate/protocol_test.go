package gate

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Area C: methods and protocol. What must pass the gate runs over real connections.

// serve puts the site behind a real server.
func (s *site) serve(t *testing.T, start func(*httptest.Server)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.gate.ServeHTTP(w, r, siteOnly{s}); err != nil {
			panic(http.ErrAbortHandler)
		}
	}))
	start(server)
	t.Cleanup(server.Close)
	return server
}

func plain(server *httptest.Server) { server.Start() }

func http2(server *httptest.Server) {
	server.EnableHTTP2 = true
	server.StartTLS()
}

// raw sends bytes and reads until the server closes.
func raw(t *testing.T, server *httptest.Server, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, net.ErrClosed) && len(answer) == 0 {
		t.Fatal(err)
	}
	return string(answer)
}

func TestC01HeadTellsNothingOfThePage(t *testing.T) {
	s := newSite(t)
	for _, header := range []string{"Accept: */*", "Accept: text/html", "Range: bytes=0-0"} {
		res := s.do("HEAD", pagePath, header)
		wantPaywall(t, res)
	}
	wantStatus(t, s.do("HEAD", pagePath, accessCookie(s.access(pagePath, nil))), 200)
	if s.last().Method != "HEAD" {
		t.Errorf("the site got %s", s.last().Method)
	}
}

func TestC03C04EveryMethodIsGated(t *testing.T) {
	s := newSite(t)
	paid := accessCookie(s.access(pagePath, nil))
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "get", "FOO", "PURGE", "QUERY"} {
		s.asked = nil
		res := s.do(method, pagePath, "Origin: https://evil.test", "Access-Control-Request-Method: GET")
		wantPaywall(t, res)
		if res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", method, res.Header)
		}
		for _, r := range s.asked {
			if r.Method != "GET" {
				t.Errorf("%s reached the site unpaid", r.Method)
			}
		}
		wantPaid(t, s.do(method, pagePath, paid))
		if s.last().Method != method {
			t.Errorf("%s became %s", method, s.last().Method)
		}
	}
}

// unread fails the test when anybody reads it.
type unread struct {
	t    *testing.T
	sent string
}

func (u unread) Read([]byte) (int, error) {
	u.t.Errorf("the body of %s was read", u.sent)
	return 0, io.EOF
}
func (unread) Close() error { return nil }

func TestC05BodiesOfTheUnpaidAreNotRead(t *testing.T) {
	for _, upstream := range []func(http.ResponseWriter, *http.Request) error{article, status(404)} {
		s := newSite(t)
		s.upstream = func(w http.ResponseWriter, r *http.Request) error {
			_, _ = io.Copy(io.Discard, r.Body)
			return upstream(w, r)
		}
		for _, method := range []string{"GET", "POST", "PUT"} {
			r := request(t, method, pagePath, "Expect: 100-continue", "Content-Type: text/plain", "Content-Length: 10000000")
			r.Body, r.ContentLength, r.TransferEncoding = unread{t, method}, 10_000_000, nil
			s.send(r)
			for _, asked := range s.asked {
				if asked.Method != "GET" || asked.ContentLength != 0 || asked.Header.Get("Content-Type") != "" || asked.Header.Get("Expect") != "" {
					t.Errorf("%s %v", asked.Method, asked.Header)
				}
			}
		}
	}
}

func TestC05NoContinueForTheUnpaid(t *testing.T) {
	s := newSite(t)
	server := s.serve(t, plain)
	answer := raw(t, server, "POST "+pagePath+" HTTP/1.1\r\nHost: site.test\r\nContent-Length: 1000\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 402") {
		t.Errorf("%.100s", answer)
	}
}

func TestC07RequestsOnOneConnectionAreJudgedAlone(t *testing.T) {
	s := newSite(t)
	server := s.serve(t, plain)
	answer := raw(t, server, "GET "+pagePath+" HTTP/1.1\r\nHost: site.test\r\nCookie: paywall_access="+s.access(pagePath, nil)+"\r\n\r\n"+
		"GET /articles/p2 HTTP/1.1\r\nHost: site.test\r\n\r\n"+
		"GET "+pagePath+" HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n")
	var got []string
	reader := bufio.NewReader(strings.NewReader(answer))
	for range 3 {
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		b := body(t, res)
		got = append(got, res.Status[:3]+map[bool]string{true: "+page"}[strings.Contains(b, "CANARY")])
	}
	if !slices.Equal(got, []string{"200+page", "402", "402"}) {
		t.Errorf("%v", got)
	}
}

func TestC09WebsocketNeedsPaymentFirst(t *testing.T) {
	for name, upstream := range map[string]func(http.ResponseWriter, *http.Request) error{
		"a page without the upgrade":  switching(article),
		"nothing without the upgrade": switching(status(426)),
		"an upgrade nobody asked for": func(w http.ResponseWriter, r *http.Request) error { return hijack(w) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.upstream = upstream
			server := s.serve(t, plain)
			ask := func(header string) string {
				return raw(t, server, "GET "+pagePath+" HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
					"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"+header+"\r\nHELLO")
			}
			if answer := ask("Cookie: paywall_access=" + s.access(pagePath, nil) + "\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 101") || !strings.HasSuffix(answer, "CANARY") {
				t.Errorf("paid: %q", answer)
			}
			if answer := ask("Connection: close\r\n"); strings.HasPrefix(answer, "HTTP/1.1 101") || strings.Contains(answer, "CANARY") {
				t.Errorf("unpaid: %q", answer)
			}
		})
	}
}

// switching answers a websocket handshake, and everything else with other.
func switching(other func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			return other(w, r)
		}
		return hijack(w)
	}
}

func hijack(w http.ResponseWriter) error {
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", "websocket")
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil // as reverse_proxy does
	}
	defer conn.Close()
	if _, err := buffer.WriteString("CANARY"); err != nil {
		return err
	}
	return buffer.Flush()
}

func TestUpgradesOtherThanWebsocketAreNotForwarded(t *testing.T) {
	s := newSite(t)
	paid := accessCookie(s.access(pagePath, nil))
	for _, upgrade := range []string{"h2c", "TLS/1.0", "websocket, h2c", "HTTP/3.0", ""} {
		wantPaid(t, s.do("GET", pagePath, paid, "Connection: Upgrade, HTTP2-Settings", "Upgrade: "+upgrade, "Http2-Settings: AAMAAABkAAQAAP__"))
		if h := s.last().Header; h["Upgrade"] != nil || h["Http2-Settings"] != nil || h["Connection"] != nil {
			t.Errorf("%s: the site got %v", upgrade, h)
		}
	}
	s.do("GET", pagePath, paid, "Connection: keep-alive, Upgrade", "Upgrade: WebSocket")
	if h := s.last().Header; h.Get("Upgrade") != "WebSocket" || h.Get("Connection") != "Upgrade" {
		t.Errorf("websocket: the site got %v", h)
	}
}

func TestPaidAnswersStreamAsTheSiteWritesThem(t *testing.T) {
	for name, start := range map[string]func(*httptest.Server){"HTTP/1.1": plain, "HTTP/2": http2} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			more := make(chan struct{})
			s.upstream = func(w http.ResponseWriter, r *http.Request) error {
				w.Header().Set("Content-Type", "text/event-stream")
				w.Header().Set("Trailer", "X-Sum")
				_, _ = io.WriteString(w, "first\n")
				if err := http.NewResponseController(w).Flush(); err != nil {
					return err
				}
				<-more
				w.(http.Flusher).Flush()
				_, _ = io.WriteString(w, "second\n")
				w.Header().Set("X-Sum", "1")
				w.Header().Set(http.TrailerPrefix+"X-Late", "2")
				return nil
			}
			server := s.serve(t, start)
			req, err := http.NewRequest("GET", server.URL+pagePath, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+s.access(pagePath, nil))
			res, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			reader := bufio.NewReader(res.Body)
			if line, err := reader.ReadString('\n'); line != "first\n" || err != nil {
				t.Fatalf("%q %v", line, err)
			}
			close(more)
			rest, err := io.ReadAll(reader)
			if string(rest) != "second\n" || err != nil {
				t.Errorf("%q %v", rest, err)
			}
			if res.Trailer.Get("X-Sum") != "1" || res.Trailer.Get("X-Late") != "2" {
				t.Errorf("trailers %v", res.Trailer)
			}
			if got := res.Header.Get("Cache-Control"); got != "private, no-store" {
				t.Errorf("Cache-Control: %s", got)
			}
		})
	}
}

func TestC14ConcurrentStreamsAreNotMixedUp(t *testing.T) {
	s := newSite(t)
	server := s.serve(t, http2)
	owner := "__Secure-paywall_access=" + s.access(pagePath, nil)
	var wrong atomic.Int32
	done := make(chan struct{})
	for worker := range 8 {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 50 {
				req, _ := http.NewRequest("GET", server.URL+pagePath, nil)
				want := http.StatusPaymentRequired
				if (i+worker)%2 == 0 {
					req.Header.Set("Cookie", owner)
					want = http.StatusOK
				}
				res, err := server.Client().Do(req)
				if err != nil {
					wrong.Add(1)
					continue
				}
				b, _ := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if res.StatusCode != want || strings.Contains(string(b), "CANARY") != (want == http.StatusOK) {
					wrong.Add(1)
				}
			}
		}()
	}
	for range 8 {
		<-done
	}
	if n := wrong.Load(); n != 0 {
		t.Errorf("%d answers were another's", n)
	}
}

func TestEarlyHintsPassWhenPaidOnly(t *testing.T) {
	s := newSite(t)
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Link", "</style-CANARY.css>; rel=preload")
		w.Header().Set("Set-Cookie", "paywall_wallet=evil")
		w.WriteHeader(http.StatusEarlyHints)
		return article(w, r)
	}
	server := s.serve(t, plain)
	for _, tc := range []struct {
		token string
		hints int
	}{{"Bearer " + s.access(pagePath, nil), 1}, {"", 0}} {
		hints := 0
		req, _ := http.NewRequest("GET", server.URL+pagePath, nil)
		if tc.token != "" {
			req.Header.Set("Authorization", tc.token)
		}
		req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				hints++
				if h.Get("Link") == "" || h.Get("Set-Cookie") != "" {
					t.Errorf("hints %v", h)
				}
				return nil
			},
		}))
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if hints != tc.hints {
			t.Errorf("%d early hints, want %d", hints, tc.hints)
		}
	}
}

// TestSendfileStaysReachable: a wrapper that hides ReadFrom halves the speed of
// large files (caddy#6546).
func TestSendfileStaysReachable(t *testing.T) {
	inner := &readerFrom{ResponseWriter: httptest.NewRecorder()}
	w := &response{ResponseWriter: inner, paid: true}
	if n, err := io.Copy(w, onlyReader{strings.NewReader("page")}); n != 4 || err != nil || !inner.used {
		t.Errorf("%d bytes, %v, ReadFrom used: %v", n, err, inner.used)
	}
	if w.Header().Get("Cache-Control") != "private, no-store" {
		t.Errorf("%v", w.Header())
	}
	rec := httptest.NewRecorder()
	w = &response{ResponseWriter: rec}
	if n, err := io.Copy(w, onlyReader{strings.NewReader("page")}); n != 4 || err != nil || rec.Body.String() != "page" {
		t.Errorf("%d bytes, %v, %s", n, err, rec.Body)
	}
}

type onlyReader struct{ io.Reader }

type readerFrom struct {
	http.ResponseWriter
	used bool
}

func (w *readerFrom) ReadFrom(r io.Reader) (int64, error) {
	w.used = true
	return io.Copy(io.Discard, r)
}

// newRecorder is a recorder that knows whether anything was written.
func newRecorder() *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	w.Code = 0
	return w
}
