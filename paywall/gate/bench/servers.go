package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/token"
)

// The servers around a proxy. Each is this program in a process of its own, and
// says on its standard output where it listens.

const (
	siteRole = "site"
	authRole = "auth"
)

// pageSize is that of an article with its markup, in bytes.
const pageSize = 15 << 10

func announce(serve func(net.Listener) error) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Println(listener.Addr()); err != nil {
		return err
	}
	return serve(listener)
}

// serveSite answers every request with the same page. It does not use net/http,
// which costs three times as much: what the upstream takes of the core that it
// shares with the readers must not be what is measured.
func serveSite(listener net.Listener) error {
	answer := []byte(page)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = conn.Close() }()
			in := bufio.NewReader(conn)
			for {
				if skipHead(in) != nil {
					return
				}
				if _, err := conn.Write(answer); err != nil {
					return
				}
			}
		}()
	}
}

// page is the answer, header and all.
var page = func() string {
	const top, end = "<!doctype html><title>The Penny Post</title><article><p>", "</p></article>\n"
	words := strings.Repeat("A letter for one penny, whatever the way. ", pageSize/40)
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: public, max-age=60\r\n"+
		"Etag: \"penny\"\r\nLast-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\nContent-Length: %d\r\n\r\n%s%s%s",
		pageSize, top, words[:pageSize-len(top)-len(end)], end)
}()

// skipHead reads a request that has no body.
func skipHead(in *bufio.Reader) error {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil || len(line) <= len("\r\n") {
			return err
		}
	}
}

// serveAuth is the other way of doing it: a server of its own that a proxy asks
// about each request. It checks the same token with the same verifier, its
// cache of known tokens included, and the resource.
func serveAuth(origin, jwks string) func(net.Listener) error {
	return func(listener net.Listener) error {
		raw, err := os.ReadFile(jwks)
		if err != nil {
			return err
		}
		ring, err := token.NewPublicRing(raw)
		if err != nil {
			return err
		}
		verifier := token.NewVerifier(ring, time.Now)
		return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cookie, err := r.Cookie(paywall.AccessCookie.On(false))
			if err != nil {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			access, err := verifier.Access(cookie.Value, origin, origin)
			asked, unclear := url.ParseRequestURI(r.Header.Get("X-Forwarded-Uri"))
			if err != nil || unclear != nil || !access.Opens(asked.Path) {
				w.WriteHeader(http.StatusUnauthorized)
			}
		}))
	}
}
