package gate

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

// TestC05UnpaidIsAnsweredBeforeItsBodyArrives: a server that waited for the body
// would hold a connection for everyone who promises a large one.
func TestC05UnpaidIsAnsweredBeforeItsBodyArrives(t *testing.T) {
	s := newSite(t)
	s.origin = "http://site.test"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = s.gate.ServeHTTP(w, r, s)
	}))
	defer server.Close()
	for name, promise := range map[string]string{
		"length":  "Content-Length: 10000000\r\n\r\nabc",
		"chunked": "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		"expect":  "Content-Length: 10000000\r\nExpect: 100-continue\r\n\r\n",
	} {
		for path, want := range map[string]int{pagePath: http.StatusPaymentRequired, "/articles%2fp1": http.StatusBadRequest} {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: site.test\r\n%s", path, promise)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Errorf("%s, %s: no answer: %v", name, path, err)
			} else if res.StatusCode != want || !strings.EqualFold(res.Header.Get("Connection"), "close") && !res.Close {
				t.Errorf("%s, %s: %s, %v", name, path, res.Status, res.Header)
			}
			conn.Close()
		}
	}
}
