package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestNothingPricedIsReachedAroundTheGate: blocks beside and after the
// directive may lead anywhere, not to an article that nobody bought.
func TestNothingPricedIsReachedAroundTheGate(t *testing.T) {
	s := newSite(t, "", `paywall /articles/* 0.20 {
		free /articles/welcome
	}
	handle_path /free/* {
		reverse_proxy UPSTREAM
	}
	handle /today {
		rewrite * /articles/a
		reverse_proxy UPSTREAM
	}
	handle /hello {
		rewrite * /articles/welcome
		reverse_proxy UPSTREAM
	}
	handle /articles/* {
		reverse_proxy UPSTREAM
	}
	handle /side/* {
		uri strip_prefix /side
		reverse_proxy UPSTREAM
	}
	handle {
		reverse_proxy UPSTREAM
	}`, new(articles))
	for _, path := range []string{
		"/free/articles/a", "/today", "/side/articles/a", "/free/ARTICLES/a", "/free/%61rticles/a", "/free//articles/a",
		"/free/articles%2fa", "/side/articles/a;x", "/articles;x/a", "/x/..;/articles/a", "/articles%2fa", "/free/..%2farticles/a",
	} {
		for _, header := range [][]string{nil, {"Range", "bytes=0-99"}, {"Sec-Fetch-Mode", "navigate"}, {"If-None-Match", "*"}} {
			a := s.get(path, header...)
			if strings.Contains(a.body, "canary of /articles/a") || a.StatusCode < 300 {
				t.Errorf("%s %v: %s: %s", path, header, a.Status, a.body)
			}
		}
	}
	for _, path := range []string{"/", "/free/about", "/hello", "/side/about", "/articles/welcome"} {
		if a := s.get(path); a.StatusCode != http.StatusOK {
			t.Errorf("%s, which costs nothing: %s", path, a.Status)
		}
	}
}

// TestE23TokensDoNotCrossSites: two sites in one server share the store and the
// keys; what was bought on one opens nothing on the other.
func TestE23TokensDoNotCrossSites(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	other := freePort(t)
	if err := s.load(fmt.Sprintf("%s\n}\nhttp://localhost:%d {\n\t%s", articlesFor20, other, articlesFor20)); err != nil {
		t.Fatal(err)
	}
	key := s.wallet()
	_, r := s.unlock(key, s.offer("/articles/a"))
	bearer := []string{"Authorization", "Bearer " + r.Token}
	if a := s.get("/articles/a", bearer...); a.StatusCode != http.StatusOK {
		t.Errorf("on its own site: %s", a.Status)
	}
	s.url = fmt.Sprintf("http://localhost:%d", other)
	if a := s.get("/articles/a", bearer...); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("on the other site: %s", a.Status)
	}
	// The wallet is the publisher's, and buys there too.
	if a, r := s.unlock(key, s.offer("/articles/a")); r.Balance != "0.20" || r.AlreadyOwned {
		t.Errorf("buying on the other site: %s: %s", a.Status, a.body)
	}
	if refs, _ := vaults.References(s.dir); refs != 1 {
		t.Errorf("%d references to the store", refs)
	}
	s.verify()
}
