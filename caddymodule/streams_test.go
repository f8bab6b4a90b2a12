package caddymodule

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// streams is an upstream whose pages do not end: a WebSocket that says back what
// it is told, and events that come when the test sends them.
type streams struct {
	articles
	events chan string
}

func (u *streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Paywall-Status") == "probe":
		u.articles.ServeHTTP(w, r)
	case strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		conn, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = buffer.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = buffer.Flush()
		for { // lines, not frames: nobody in between reads them
			line, err := buffer.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = buffer.WriteString(line)
			_ = buffer.Flush()
		}
	case strings.Contains(r.URL.Path, "events"):
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		for {
			select {
			case event := <-u.events:
				fmt.Fprintln(w, event)
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	default:
		u.articles.ServeHTTP(w, r)
	}
}

// stream is one that a reader has open.
type stream struct {
	t      *testing.T
	conn   net.Conn
	reader *bufio.Reader
}

// open asks for a stream with a token and reads the head of the answer.
func (s *site) open(path, token, upgrade string) *stream {
	s.t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("localhost:%d", s.port))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer %s\r\n%s\r\n", path, s.port, token, upgrade)
	st := &stream{s.t, conn, bufio.NewReader(conn)}
	st.want("HTTP/1.1 ")
	for {
		line, err := st.reader.ReadString('\n')
		if err != nil {
			s.t.Fatal(err)
		}
		if line == "\r\n" {
			return st
		}
	}
}

// want reads lines until one contains the text.
func (st *stream) want(text string) {
	st.t.Helper()
	for {
		line, err := st.reader.ReadString('\n')
		if err != nil {
			st.t.Fatalf("no %q: %v", text, err)
		}
		if strings.Contains(line, text) {
			return
		}
	}
}

func (st *stream) echo(text string) {
	st.t.Helper()
	if _, err := io.WriteString(st.conn, text+"\n"); err != nil {
		st.t.Fatal(err)
	}
	st.want(text)
}

// ends waits until the server ends the stream.
func (st *stream) ends() {
	st.t.Helper()
	if _, err := io.Copy(io.Discard, st.reader); err != nil && strings.Contains(err.Error(), "timeout") {
		st.t.Error("the stream goes on")
	}
}

const websocket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// TestC10StreamsThatWereBoughtGoOn: what the handler's comment says of streams,
// for a refund and for a reload.
func TestC10StreamsThatWereBoughtGoOn(t *testing.T) {
	up := &streams{events: make(chan string)}
	const kept = "paywall /articles/* 0.20\n\treverse_proxy UPSTREAM {\n\t\tstream_close_delay 1h\n\t}"
	s := newSite(t, "welcome 1.00", articlesFor20, up)
	key := s.wallet()
	_, socket := s.unlock(key, s.offer("/articles/socket"))
	_, events := s.unlock(key, s.offer("/articles/events"))
	refund := func(id string) {
		t.Helper()
		a := s.do(http.MethodPost, "/.paywall/refund", `{"unlock_id":"`+id+`"}`, "Content-Type", "application/json", "Authorization", "Bearer "+key)
		if a.StatusCode != http.StatusOK {
			t.Fatalf("refund: %s: %s", a.Status, a.body)
		}
	}
	chat, news := s.open("/articles/socket", socket.Token, websocket), s.open("/articles/events", events.Token, "")
	chat.echo("hello")
	up.events <- "first"
	news.want("first")

	// A refund ends what the token opens from now on, not what is open.
	refund(socket.UnlockID)
	refund(events.UnlockID)
	chat.echo("after the refund")
	up.events <- "second"
	news.want("second")
	for path, token := range map[string]string{"/articles/socket": socket.Token, "/articles/events": events.Token} {
		if a := s.get(path, "Authorization", "Bearer "+token); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s again: %s", path, a.Status)
		}
	}

	// A reload ends WebSockets at once, unless reverse_proxy is told to wait, and
	// leaves other streams alone.
	if err := s.load(kept); err != nil {
		t.Fatal(err)
	}
	chat.ends()
	up.events <- "third"
	news.want("third")
	_, socket = s.unlock(key, s.offer("/articles/another"))
	chat = s.open("/articles/another", socket.Token, websocket)
	chat.echo("hello")
	if err := s.load(articlesFor20); err != nil {
		t.Fatal(err)
	}
	chat.echo("after a reload that waits")
	refund(socket.UnlockID)
	chat.echo("after the refund")
	_ = chat.conn.Close()
	s.wantBalance(key, "1.00")
	s.verify()
}
