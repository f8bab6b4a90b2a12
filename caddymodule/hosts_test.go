package caddymodule

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestA28A29NoHostIsUngated: however a client spells the host, and however many
// hosts a site has, the article is sold or refused.
func TestA28A29NoHostIsUngated(t *testing.T) {
	s := newSite(t, "", articlesFor20, new(articles))
	hosts := make([]string, 150)
	for i := range hosts {
		hosts[i] = fmt.Sprintf("http://Host%d.test:%d", i, s.port)
	}
	for name, site := range map[string]string{
		"one host":  fmt.Sprintf("http://site.test:%d", s.port),
		"150 hosts": strings.Join(hosts, ", "),
		"any host":  fmt.Sprintf("http://:%d", s.port),
	} {
		config := fmt.Sprintf("%s\n}\n%s {\n\t%s", "respond elsewhere", site, articlesFor20)
		if err := s.load(config); err != nil {
			t.Fatal(name, err)
		}
		for _, host := range []string{
			"site.test", "SITE.test", "site.test.", fmt.Sprintf("site.test:%d", s.port), "127.0.0.1", "site.test,evil.test", "site.test evil",
			"host7.test", "HOST149.Test", "host149.test:80", "[::1]", "localhost@site.test", "",
		} {
			for _, version := range []string{"1.1", "1.0"} {
				status, body := s.raw(host, version)
				if name == "one host" && host == "site.test" && version == "1.1" && status != http.StatusPaymentRequired {
					t.Errorf("the site's own host: %d", status)
				}
				if status == http.StatusOK && strings.Contains(body, "canary") {
					t.Errorf("%s, Host %q over HTTP/%s: the article came for nothing", name, host, version)
				}
			}
		}
	}
}

// TestD05ABadHostSpoilsNoCache: a cache that knows pages by path alone must not
// keep the refusal in the article's place.
func TestD05ABadHostSpoilsNoCache(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/articles/a", nil)
	r.Host = "localhost,evil.test"
	w := httptest.NewRecorder()
	if err := new(Handler).ServeHTTP(w, r, nil); err == nil || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%v, %v", err, w.Header())
	}
}

// TestAHealthCheckWithoutAHostIsPassedOn: HAProxy sends "OPTIONS / HTTP/1.0". What has
// a price, and the pages of the checkout, need to know the site.
func TestAHealthCheckWithoutAHostIsPassedOn(t *testing.T) {
	s := newSite(t, "", articlesFor20, new(articles))
	if err := s.load(fmt.Sprintf("respond elsewhere\n}\nhttp://:%d {\n\t%s", s.port, strings.Replace(articlesFor20, "0.20", "0.20 {\n\t\tfree /articles/health\n\t}", 1))); err != nil {
		t.Fatal(err)
	}
	for head, want := range map[string]int{
		"OPTIONS / HTTP/1.0":                http.StatusOK,
		"GET /health HTTP/1.0":              http.StatusOK,
		"HEAD / HTTP/1.0":                   http.StatusOK,
		"GET /articles/health HTTP/1.0":     http.StatusOK,
		"GET /articles/a HTTP/1.0":          http.StatusBadRequest,
		"GET /ARTICLES/a HTTP/1.0":          http.StatusBadRequest,
		"GET /x/..;/articles/a HTTP/1.0":    http.StatusBadRequest,
		"GET /.paywall/wallet HTTP/1.0":     http.StatusBadRequest,
		"GET / HTTP/1.1":                    http.StatusBadRequest,
		"OPTIONS / HTTP/1.0\r\nHost: a,b.c": http.StatusBadRequest,
	} {
		res := s.send(head)
		if res.StatusCode != want {
			t.Errorf("%s: %s", head, res.Status)
		}
	}
}

// send sends the head of a request as it is written.
func (s *site) send(head string) *http.Response {
	s.t.Helper()
	for attempt := 1; ; attempt++ {
		conn, err := net.Dial("tcp", fmt.Sprintf("localhost:%d", s.port))
		if err != nil {
			s.t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(conn, "%s\r\nConnection: close\r\n\r\n", head)
		res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: strings.Fields(head)[0]})
		conn.Close()
		if err == nil {
			return res
		}
		if attempt == 5 { // the listener is being handed over
			s.t.Fatal(head, err)
		}
	}
}

// raw asks for an article with a Host header as it is written, none if empty.
func (s *site) raw(host, version string) (status int, body string) {
	s.t.Helper()
	for attempt := 1; ; attempt++ {
		conn, err := net.Dial("tcp", fmt.Sprintf("localhost:%d", s.port))
		if err != nil {
			s.t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		line := ""
		if host != "" {
			line = "Host: " + host + "\r\n"
		}
		fmt.Fprintf(conn, "GET /articles/a HTTP/%s\r\n%sConnection: close\r\n\r\n", version, line)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil && attempt < 5 { // the listener is being handed over
			conn.Close()
			continue
		}
		if err != nil {
			s.t.Fatalf("Host %q: %v", host, err)
		}
		var b strings.Builder
		_, _ = bufio.NewReader(res.Body).WriteTo(&b)
		conn.Close()
		return res.StatusCode, b.String()
	}
}
