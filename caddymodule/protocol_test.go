package caddymodule

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Rows of areas B and C that depend on the server in front of the gate: bytes on
// a socket, to a real Caddy.

// asked is an upstream of articles that keeps what it was asked, probes aside.
type asked struct {
	articles
	mu    sync.Mutex
	paths []string
	seen  []http.Header
}

func (u *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	if r.Header.Get("Paywall-Status") != "probe" {
		u.paths = append(u.paths, r.URL.Path)
		u.seen = append(u.seen, r.Header.Clone())
	}
	u.mu.Unlock()
	u.articles.ServeHTTP(w, r)
}

// reset answers what was asked since the last call.
func (u *asked) reset() (paths []string, seen []http.Header) {
	u.mu.Lock()
	defer u.mu.Unlock()
	paths, seen, u.paths, u.seen = u.paths, u.seen, nil, nil
	return paths, seen
}

// wire sends bytes on one connection and reads the answers until the server
// closes it. Unless a request asks for that, the client does after the first
// answer: earlier, the server would take it for a reader who has left.
func (s *site) wire(sent string) []*answer {
	s.t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("localhost:%d", s.port))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, sent); err != nil {
		s.t.Fatal(err)
	}
	var all []*answer
	for reader := bufio.NewReader(conn); ; {
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			return all // closed; what is not an answer is none
		}
		read, _ := io.ReadAll(res.Body)
		if all = append(all, &answer{res, string(read)}); !strings.Contains(sent, "Connection: close") {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
	}
}

func statuses(all []*answer) (codes []int) {
	for _, a := range all {
		codes = append(codes, a.StatusCode)
	}
	return codes
}

// TestB08TheSocketIsTheVisitorUnlessAProxyIsTrusted: a guesser who invents a
// sender for each guess is stopped all the same.
func TestB08TheSocketIsTheVisitorUnlessAProxyIsTrusted(t *testing.T) {
	s := newSite(t, "welcome 1.00", articlesFor20, new(articles))
	key := s.wallet()
	guess := func(i int) int {
		visitor := fmt.Sprintf("203.0.113.%d", i)
		return s.do(http.MethodPost, "/.paywall/topup/voucher", `{"code":"AAAAA-AAAAA-AAAAA-AAAAA"}`, "Content-Type", "application/json",
			"Authorization", "Bearer "+key, "X-Forwarded-For", visitor, "X-Real-Ip", visitor, "Forwarded", "for="+visitor, "Client-Ip", visitor).StatusCode
	}
	limited := func() int {
		for i := range 100 {
			if status := guess(i); status == http.StatusTooManyRequests {
				return i
			} else if status != http.StatusUnprocessableEntity {
				t.Fatalf("guess %d: %d", i, status)
			}
		}
		return 100
	}
	if n := limited(); n > 20 {
		t.Errorf("%d guesses under invented addresses", n)
	}
	// The same words of a proxy that is trusted count.
	s.global = "welcome 1.00\n}\nservers {\n\ttrusted_proxies static private_ranges"
	if err := s.load(articlesFor20); err != nil {
		t.Fatal(err)
	}
	s.reloading.Store(true)
	if n := limited(); n != 100 {
		t.Errorf("visitors behind a trusted proxy share a budget of %d", n)
	}
}

// TestB14MalformedFieldsAreRefused: whatever two servers read differently is an
// error. Go reads a folded line as RFC 9112, 5.2 allows, as one value; then the
// site gets that one value, too.
func TestB14MalformedFieldsAreRefused(t *testing.T) {
	up := new(asked)
	s := newSite(t, "welcome 1.00", articlesFor20, up)
	_, r := s.unlock(s.wallet(), s.offer("/articles/a"))
	for name, field := range map[string]string{
		"space before the colon":   "Authorization : Bearer " + r.Token + "\r\n",
		"tab before the colon":     "Authorization\t: Bearer " + r.Token + "\r\n",
		"no colon":                 "Authorization Bearer " + r.Token + "\r\n",
		"no name":                  ": Bearer " + r.Token + "\r\n",
		"NUL in the value":         "Authorization: Bearer " + r.Token + "\x00\r\n",
		"NUL in the name":          "Author\x00ization: Bearer " + r.Token + "\r\n",
		"CR alone":                 "X-A: b\rAuthorization: Bearer " + r.Token + "\r\n",
		"CR alone at the end":      "Authorization: Bearer " + r.Token + "\r\r\n",
		"a control in the value":   "Authorization: Bearer \x01" + r.Token + "\r\n",
		"not ASCII in the name":    "Aüthorization: Bearer " + r.Token + "\r\n",
		"two Host":                 "Host: localhost\r\nAuthorization: Bearer " + r.Token + "\r\n",
		"folded right at the top":  " Authorization: Bearer " + r.Token + "\r\n",
		"bracket in the name":      "Auth(orization: Bearer " + r.Token + "\r\n",
		"slash in the name":        "Authorization/x: Bearer " + r.Token + "\r\n",
		"separator U+2028 in name": "Authorization\u2028: Bearer " + r.Token + "\r\n",
	} {
		host := fmt.Sprintf("Host: localhost:%d\r\n", s.port)
		if name == "folded right at the top" {
			host, field = field, host
		}
		got := s.wire("GET /articles/a HTTP/1.1\r\n" + host + field + "Connection: close\r\n\r\n")
		if len(got) != 1 || got[0].StatusCode != http.StatusBadRequest || strings.Contains(got[0].body, "canary") {
			t.Errorf("%s: %v", name, statuses(got))
		}
		if paths, _ := up.reset(); len(paths) > 0 {
			t.Errorf("%s: the site was asked for %v", name, paths)
		}
	}
	folded := s.wire(fmt.Sprintf("GET /articles/a HTTP/1.1\r\nHost: localhost:%d\r\nX-Folded: one\r\n two\r\nAuthorization: Bearer\r\n %s\r\nConnection: close\r\n\r\n", s.port, r.Token))
	paths, seen := up.reset()
	if len(folded) != 1 || folded[0].StatusCode != http.StatusOK || len(paths) != 1 || seen[0].Get("X-Folded") != "one two" || seen[0]["Authorization"] != nil {
		t.Errorf("folded: %v, the site got %v", statuses(folded), seen)
	}
}

// TestC06NoRequestIsSmuggled: the second request stands where one reading of the
// first's length sees a body.
func TestC06NoRequestIsSmuggled(t *testing.T) {
	up := new(asked)
	s := newSite(t, "welcome 1.00", articlesFor20, up)
	host := fmt.Sprintf("Host: localhost:%d\r\n", s.port)
	hidden := "GET /articles/hidden HTTP/1.1\r\n" + host + "X: y\r\n\r\n"
	chunks := "0\r\n\r\n" + hidden
	for name, rest := range map[string]string{
		"TE and CL":                 fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n%s", len(chunks), chunks),
		"CL and TE":                 fmt.Sprintf("Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n%s", len(chunks), chunks),
		"CL shorter, TE longer":     "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden),
		"two CL":                    fmt.Sprintf("Content-Length: 0\r\nContent-Length: %d\r\n\r\n%s", len(hidden), hidden),
		"a list of CL":              fmt.Sprintf("Content-Length: 0, %d\r\n\r\n%s", len(hidden), hidden),
		"CL with a sign":            "Content-Length: +0\r\n\r\n" + hidden,
		"CL in hex":                 "Content-Length: 0x0\r\n\r\n" + hidden,
		"CL below zero":             "Content-Length: -1\r\n\r\n" + hidden,
		"xchunked":                  "Transfer-Encoding: xchunked\r\n\r\n" + chunks,
		"chunked twice":             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
		"chunked, identity":         "Transfer-Encoding: chunked, identity\r\n\r\n" + chunks,
		"identity":                  "Transfer-Encoding: identity\r\n\r\n" + chunks,
		"space before the colon":    "Transfer-Encoding : chunked\r\n\r\n" + chunks,
		"vertical tab":              "Transfer-Encoding: \x0bchunked\r\n\r\n" + chunks,
		"folded chunked":            "Transfer-Encoding:\r\n chunked, x\r\n\r\n" + chunks,
		"LF in a chunk's extension": "Transfer-Encoding: chunked\r\n\r\n0;\n\r\n\r\n" + hidden,
		"LF after a chunk's size":   "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\n\n" + hidden,
		"CR after a chunk's size":   "Transfer-Encoding: chunked\r\n\r\n5\rhello\r\n0\r\n\r\n" + hidden,
		"a chunk longer than said":  "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n" + hidden,
		"size beyond 64 bits":       "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n0\r\n\r\n" + hidden,
		"size with a sign":          "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + hidden,
		"size of 0x":                "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + hidden,
	} {
		for _, path := range []string{"/about", "/articles/a"} {
			got := s.wire("POST " + path + " HTTP/1.1\r\n" + host + rest)
			for i, a := range got {
				if i > 0 || strings.Contains(a.body, "hidden") {
					t.Errorf("%s on %s: answers %v", name, path, statuses(got))
				}
			}
			if paths, _ := up.reset(); strings.Contains(fmt.Sprint(paths), "hidden") {
				t.Errorf("%s on %s: the site was asked for %v", name, path, paths)
			}
		}
	}
}

// TestC07PipelinedRequestsAreJudgedAlone: credentials of one are not the next one's.
func TestC07PipelinedRequestsAreJudgedAlone(t *testing.T) {
	s := newSite(t, "welcome 1.00", articlesFor20, new(articles))
	key := s.wallet()
	_, r := s.unlock(key, s.offer("/articles/a"))
	host := fmt.Sprintf("Host: localhost:%d\r\n", s.port)
	body := fmt.Sprintf(`{"offer":%q}`, s.offer("/articles/b"))
	got := s.wire("GET /about HTTP/1.1\r\n" + host + "Authorization: Bearer " + r.Token + "\r\n\r\n" +
		"GET /articles/a HTTP/1.1\r\n" + host + "Authorization: Bearer " + r.Token + "\r\n\r\n" +
		"GET /articles/a HTTP/1.1\r\n" + host + "\r\n" +
		"POST /.paywall/unlock HTTP/1.1\r\n" + host + "Content-Type: application/json\r\nAccept: application/json\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body) +
		"GET /articles/b HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n")
	if fmt.Sprint(statuses(got)) != "[200 200 402 401 402]" || strings.Contains(got[2].body+got[4].body, "canary") {
		t.Errorf("%v", statuses(got))
	}
	s.wantBalance(key, "0.80")
}

// TestA24TargetsThatAreNoPathGoNowhere: "*" and an authority (RFC 9112, 3.2).
// Another host's is no site of ours; Caddy answers with nothing then.
func TestA24TargetsThatAreNoPathGoNowhere(t *testing.T) {
	upstream := new(asked)
	s := newSite(t, "", articlesFor20, upstream)
	host := fmt.Sprintf("localhost:%d", s.port)
	for _, line := range []string{"OPTIONS *", "GET *", "CONNECT " + host, "CONNECT site.test:443", "CONNECT /articles/a", "GET " + host} {
		all := s.wire(line + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
		for _, a := range all {
			if a.StatusCode < 400 && a.body != "" {
				t.Errorf("%s: %s %s", line, a.Status, a.body)
			}
		}
		if paths, _ := upstream.reset(); len(all) == 0 || len(paths) > 0 {
			t.Errorf("%s: %d answers, and the site was asked for %q", line, len(all), paths)
		}
	}
}
