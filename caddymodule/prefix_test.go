package caddymodule

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestASiteBelowAPrefixSells: where the prefix is taken away before the gate, readers
// buy at the address that they asked for and come back to it.
func TestASiteBelowAPrefixSells(t *testing.T) {
	const gated = "paywall /articles/* 0.20\n\treverse_proxy UPSTREAM"
	s := newSite(t, "welcome 1.00", gated, new(articles))
	inner := freePort(t)
	for name, body := range map[string]string{
		"by a directive": "uri strip_prefix /blog\n\t" + gated,
		"in a route":     "route {\n\t\turi strip_prefix /blog\n\t\t" + gated + "\n\t}",
		"behind a proxy": fmt.Sprintf("@blog path /blog /blog/* /.paywall/*\n\treverse_proxy @blog localhost:%d\n}\nhttp://:%d {\n\turi strip_prefix /blog\n\t%s", inner, inner, gated),
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			if err := s.load(body); err != nil {
				t.Fatal(err)
			}
			a := s.get("/blog/articles/a", "Sec-Fetch-Mode", "navigate", "Accept", "text/html")
			offer, err := url.Parse(a.Header.Get("Location"))
			if err != nil || a.StatusCode != http.StatusSeeOther || offer.Path != "/.paywall/unlock" {
				t.Fatalf("%s to %s", a.Status, a.Header.Get("Location"))
			}
			if page := s.get(a.Header.Get("Location"), "Accept", "text/html"); page.StatusCode != http.StatusOK || !strings.Contains(page.body, "0.20") {
				t.Errorf("the purchase page: %s", page.Status)
			}
			key := s.wallet()
			a = s.do(http.MethodPost, "/.paywall/unlock", "offer="+url.QueryEscape(offer.Query().Get("offer")),
				"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Origin", s.url, "Cookie", "paywall_wallet="+key)
			if to := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || to != "/blog/articles/a" {
				t.Fatalf("bought: %s to %q: %s", a.Status, to, a.body)
			}
			var access string
			for _, c := range a.Cookies() {
				if c.Name == "paywall_access" && c.Path == "/blog/articles/a" {
					access = c.Name + "=" + c.Value
				}
			}
			if a := s.get("/blog/articles/a", "Cookie", access); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "canary of /articles/a") {
				t.Errorf("reading: %s: %s", a.Status, a.body)
			}
			if a := s.get("/blog/articles/b", "Cookie", access); a.StatusCode != http.StatusPaymentRequired {
				t.Errorf("reading another: %s", a.Status)
			}
		})
	}
	s.t = t
	s.verify()
}

// TestASiteBelowAPrefixThatAnotherTookAwayIsRefused: where the config shows it.
func TestASiteBelowAPrefixThatAnotherTookAwayIsRefused(t *testing.T) {
	const refused = "uri strip_prefix /blog"
	for name, tc := range map[string]struct{ outer, inner, want string }{
		"handle_path":         {"handle_path /blog/* {\n\t\treverse_proxy localhost:8081\n\t}", "http://:8081", refused},
		"strip_prefix":        {"handle /blog/* {\n\t\turi strip_prefix /blog\n\t\treverse_proxy 127.0.0.1:8081\n\t}", "http://:8081", refused},
		"for its host":        {"handle_path /blog/* {\n\t\treverse_proxy localhost:8081\n\t}", "http://a.example:8081", refused},
		"as they are":         {"reverse_proxy /blog/* localhost:8081", "http://:8081", ""},
		"another port":        {"handle_path /blog/* {\n\t\treverse_proxy localhost:8082\n\t}", "http://:8081", ""},
		"another host":        {"handle_path /blog/* {\n\t\treverse_proxy localhost:8081\n\t}", "http://b.example:8081", ""},
		"another machine":     {"handle_path /blog/* {\n\t\treverse_proxy 192.0.2.1:8081\n\t}", "http://:8081", ""},
		"beside another path": {"handle_path /api/* {\n\t\treverse_proxy localhost:8082\n\t}\n\thandle {\n\t\treverse_proxy localhost:8081\n\t}", "http://:8081", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for range 3 { // servers are loaded in no fixed order
				expectRefusal(t, block("http://a.example", tc.outer)+block(tc.inner, sells), tc.want)
			}
		})
	}
}
