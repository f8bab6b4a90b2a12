package caddymodule

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestWhatAnswersByTheAddressLeavesTheShopOpen: directives before the gate that are
// meant for the site's own pages do not close the purchase pages.
func TestWhatAnswersByTheAddressLeavesTheShopOpen(t *testing.T) {
	folder := files(t, map[string]string{"articles/a.html": pageOf("site"), "index.html": "front", "articles/.draft": "canary"})
	s := newSite(t, "welcome 9.00", "paywall /articles/* 0.20\n\treverse_proxy UPSTREAM", new(articles))
	key := s.wallet()
	route := func(before string) string {
		return "route {\n\t\t" + strings.ReplaceAll(before, "\n", "\n\t\t") + "\n\t\tpaywall /articles/* 0.20\n\t\treverse_proxy UPSTREAM\n\t}"
	}
	const gated, dot = "\n\tpaywall /articles/* 0.20\n\treverse_proxy UPSTREAM", "@dot path */.* .*\n"
	for name, tc := range map[string]struct{ body, closed string }{
		"files or 404":         {"root * " + folder + "\n\ttry_files {path} {path}.html =404\n\tpaywall /articles/* 0.20\n\tfile_server", "/missing"},
		"files or the front":   {"root * " + folder + "\n\ttry_files {path} {path}.html /index.html\n\tpaywall /articles/* 0.20\n\tfile_server", ""},
		"files or PHP":         {"root * " + folder + "\n\ttry_files {path} {path}.html /index.html?{query}\n\tpaywall /articles/* 0.20\n\tfile_server", ""},
		"no such file":         {"root * " + folder + "\n\t@none not file {path} {path}.html\n\tredir @none /\n\ttry_files {path}.html\n\tpaywall /articles/* 0.20\n\tfile_server", "/missing"},
		"dots are forbidden":   {route(dot + "error @dot 403"), "/articles/.draft"},
		"dots are gone":        {route(dot + "respond @dot 404"), "/articles/.draft"},
		"dots are cut off":     {route(dot + "handle @dot {\n\tabort\n}"), ""},
		"dots in a handle":     {route(dot + "handle @dot {\n\theader X-Robots-Tag none\n\trespond 404\n}"), "/articles/.draft"},
		"beside the handle":    {"route {\n\t\t" + dot + "handle @dot {\n\t\t\trespond 404\n\t\t}\n\t\thandle {" + gated + "\n\t\t}\n\t}", "/articles/.draft"},
		"dots by a regex":      {route("@dot path_regexp /\\.\nrespond @dot 404"), "/articles/.draft"},
		"dots by CEL":          {route("@dot `path('*/.*') && method('GET', 'POST')`\nrespond @dot 404"), "/articles/.draft"},
		"dots by a string":     {route("@dot `{path}.contains('/.')`\nrespond @dot 404"), "/articles/.draft"},
		"all but the articles": {route("@rest not path /articles/*\nrespond @rest 404"), "/other"},
		"no forms":             {route("@write not method GET HEAD\nrespond @write 405"), ""},
		"a slash at the end":   {"@bare path_regexp ^(.*/[^./]*[^/])$\n\tredir @bare https://elsewhere.example{re.bare.1}/" + gated, ""},
		"another domain":       {"@rest not path /articles/*\n\tredir @rest https://elsewhere.example{uri}" + gated, "/other"},
		"everything rewritten": {"@rest not path /articles/*\n\trewrite @rest /index.html" + gated, ""},
		"and then refused":     {"rewrite /.* /m{uri}\n\t@m path /m/*\n\troute {\n\t\trespond @m 404\n\t\tpaywall /articles/* 0.20\n\t\treverse_proxy UPSTREAM\n\t}", ""},
		"under a host":         {route("@dot {\n\thost localhost\n\tpath */.*\n}\nerror @dot 403"), "/articles/.draft"},
		"two blocks deep":      {route("route {\n\theader X-A b\n\troute {\n\t\t" + dot + "error @dot 403\n\t}\n}"), "/articles/.draft"},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			if err := s.load(tc.body); err != nil {
				t.Fatal(err)
			}
			path := "/articles/a"
			if name == "a slash at the end" {
				path += "/"
			}
			s.sells(key, path)
			if tc.closed == "" {
				return
			}
			if a := s.get(tc.closed); a.StatusCode < http.StatusFound || a.StatusCode == http.StatusPaymentRequired {
				t.Errorf("%s: %s", tc.closed, a.Status)
			}
		})
	}
	s.t = t
	s.verify()
}

// sells wants everything that a purchase of a page needs, as scripts and browsers do it.
func (s *site) sells(key, path string) {
	s.t.Helper()
	sent := s.get(path, "Sec-Fetch-Mode", "navigate", "Accept", "text/html")
	page := s.get(sent.Header.Get("Location"), "Accept", "text/html")
	if sent.StatusCode != http.StatusSeeOther || page.StatusCode != http.StatusOK || !strings.Contains(page.body, "0.20") {
		s.t.Fatalf("%s to %q, and then %s", sent.Status, sent.Header.Get("Location"), page.Status)
	}
	_, style, _ := strings.Cut(page.body, `<link rel="stylesheet" href="`)
	style, _, _ = strings.Cut(style, `"`)
	if a := s.get(style); a.StatusCode != http.StatusOK {
		s.t.Errorf("the style sheet %q: %s", style, a.Status)
	}
	a, bought := s.unlock(key, s.offer(path))
	if a.StatusCode != http.StatusOK {
		s.t.Fatalf("buying: %s: %s", a.Status, a.body)
	}
	if a := s.get(path, "Authorization", "Bearer "+bought.Token); a.StatusCode != http.StatusOK {
		s.t.Errorf("reading: %s", a.Status)
	}
}

// TestWhatDecidesByWhoAsksGuardsTheShop: and what names its pages is meant for them.
func TestWhatDecidesByWhoAsksGuardsTheShop(t *testing.T) {
	asked := httptest.NewServer(new(authServer))
	defer asked.Close()
	s := newSite(t, "welcome 9.00", articlesFor20, new(articles))
	for name, tc := range map[string]struct {
		before string
		status int
	}{
		"a password":          {"basic_auth {\n\t\t\teditor $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n\t\t}", 401},
		"a password for some": {"@dot path */.*\n\t\tbasic_auth @dot {\n\t\t\teditor $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n\t\t}\n\t\trespond @dot 404", 401},
		"forward_auth":        {"forward_auth " + asked.Listener.Addr().String() + " {\n\t\t\turi /auth\n\t\t}", 401},
		"an address":          {"@out remote_ip 127.0.0.1 ::1\n\t\trespond @out 403", 403},
		"an address and dots": {"@out {\n\t\t\tremote_ip 127.0.0.1 ::1\n\t\t\tpath */.*\n\t\t}\n\t\terror @out 403", 403},
		"an address in a block": {"@dot path */.*\n\t\thandle @dot {\n\t\t\t@out remote_ip 127.0.0.1 ::1\n\t\t\trespond @out 403\n\t\t\trespond 404\n\t\t}",
			403},
		"an address in CEL":     {"@out `path('*/.*') && remote_ip('127.0.0.1', '::1')`\n\t\trespond @out 403", 403},
		"a header":              {"@bot header User-Agent Go*\n\t\trespond @bot 403", 403},
		"a key in the URL":      {"@nokey not query key=s3cret\n\t\trespond @nokey 403", 403},
		"a flag of a file":      {"@closed not file /open\n\t\terror @closed 503", 503},
		"an address, rewritten": {"@out remote_ip 127.0.0.1 ::1\n\t\trewrite @out /denied\n\t\trespond /denied 403", 403},
		"a zone, rewritten":     {"map {remote_host} {zone} {\n\t\t\tdefault out\n\t\t}\n\t\trewrite * /{zone}{uri}\n\t\trespond /out/* 403", 403},
		"everything":            {"@all path *\n\t\trespond @all 503", 503},
		"its own name":          {"respond /.paywall/* 403", 403},
		"its own name, too":     {"@some path_regexp ^/\\.paywall/\n\t\trespond @some 403", 403},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			if err := s.load("route {\n\t\t" + tc.before + "\n\t\tpaywall /articles/* 0.20\n\t\treverse_proxy UPSTREAM\n\t}"); err != nil {
				t.Fatal(err)
			}
			if a := s.get("/.paywall/jwks.json"); a.StatusCode != tc.status {
				t.Errorf("%s: %s", a.Status, a.body)
			}
		})
	}
}

// TestOnlyTheShopIsLetPast: whatever else the address may be read as, and at the hosts
// of a gate alone.
func TestOnlyTheShopIsLetPast(t *testing.T) {
	s := newSite(t, "", articlesFor20, new(articles))
	if err := s.load(articlesFor20 + fmt.Sprintf("\n}\nhttp://:%d {\n\t", s.port) + `route {
		@dot path */.*
		error @dot 403
		@shops host shop.example *.shop.example
		handle @shops {
			paywall /articles/* 0.20
			reverse_proxy UPSTREAM
		}
		@more host more.example
		handle @more {
			paywall /articles/* 0.20
			reverse_proxy UPSTREAM
		}
		reverse_proxy UPSTREAM
	}`); err != nil {
		t.Fatal(err)
	}
	ask := func(host, raw string) int {
		t.Helper()
		resp, err := s.client.Do(&http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Host: strings.TrimPrefix(s.url, "http://"), Opaque: raw}, Host: host})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, raw := range []string{
		"/.git/config", "/.paywall/../.git/config", "/.paywall/%2e%2e/.git/config", "/.paywall//../.git", "/.paywallet", "/.paywall;/../.git", "/.paywall/..%2f.git",
		"/articles/.paywall/wallet", "/.paywall\\..\\.git", "/.paywall/.%2e/.git", "/.paywall/wallet;/../../.git", "/.paywall/wallet%00",
	} {
		if status := ask("shop.example", raw); status != http.StatusForbidden {
			t.Errorf("%s: %d", raw, status)
		}
	}
	for host, want := range map[string]int{"shop.example": 200, "Shop.Example:8080": 200, "a.shop.example": 200, "more.example": 200, "other.example": 403} {
		if status := ask(host, "/.paywall/jwks.json?lang=de"); status != want {
			t.Errorf("at %q: %d, want %d", host, status, want)
		}
	}
}
