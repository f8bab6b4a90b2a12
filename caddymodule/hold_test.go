package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// meddlers are what site blocks do to the headers of their pages.
var meddlers = map[string]string{
	"nothing":    "",
	"set":        `header Cache-Control "public, max-age=600"`,
	"later":      `header >Cache-Control "public, max-age=600"`,
	"deleting":   "header {\n-Vary\n-Set-Cookie\n-Location\n-Cross-Origin-*\n-X-Robots-Tag\nCache-Control \"public, max-age=600\"\n}",
	"all":        "header {\n-*\nCache-Control \"public, max-age=600\"\ndefer\n}",
	"policies":   "header {\nContent-Security-Policy \"default-src 'none'; form-action 'none'; style-src https://cdn.example; sandbox\"\nReferrer-Policy no-referrer\nCross-Origin-Opener-Policy unsafe-none\nClear-Site-Data `\"*\"`\ndefer\n}",
	"set early":  "header {\nContent-Security-Policy \"default-src 'none'; form-action https://pay.example\"\nReferrer-Policy no-referrer\nSet-Cookie paywall_wallet=evil\n}",
	"elsewhere":  "header {\n>Location https://evil.example/\n>Content-Type text/plain\n>Vary Accept\n+Set-Cookie seen=1\n>Access-Control-Allow-Origin *\n>Access-Control-Allow-Credentials true\n}",
	"replacing":  "header {\nCache-Control \"no-store\" public\nLocation \"/.paywall\" /elsewhere\n}",
	"for others": "header ?Cache-Control public",
	"matched":    "header {\nmatch status 2xx 3xx 402\nCache-Control public\n}",
}

// TestWhatTheGateSetsHoldsAgainstTheSiteBlock on every answer of a purchase.
func TestWhatTheGateSetsHoldsAgainstTheSiteBlock(t *testing.T) {
	for name, meddler := range meddlers {
		for _, log := range []string{"", "log {\noutput discard\n}\n"} {
			t.Run(name, func(t *testing.T) {
				body := log + meddler + "\npaywall /articles/* 0.20\nreverse_proxy UPSTREAM"
				s := newSite(t, "welcome 0.60", body, http.HandlerFunc(magazine))
				held(t, s)
			})
		}
	}
}

func held(t *testing.T, s *site) {
	t.Helper()
	nav := []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none", "Accept", "text/html"}
	want := func(what string, a *answer, status int, headers map[string]string) {
		t.Helper()
		if a.StatusCode != status {
			t.Fatalf("%s: %s: %s", what, a.Status, a.body)
		}
		for name, value := range headers {
			if got := strings.Join(a.Header[name], "; "); got != value {
				t.Errorf("%s: %s: %q, want %q", what, name, got, value)
			}
		}
		vary := strings.Join(a.Header["Vary"], ", ")
		if !strings.Contains(vary, "Cookie") || !strings.Contains(vary, "Authorization") {
			t.Errorf("%s: Vary: %q", what, vary)
		}
	}
	offered := s.get("/articles/a", nav...)
	want("the offer", offered, http.StatusSeeOther, map[string]string{"Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin", "Content-Security-Policy": "", "Clear-Site-Data": "", "Set-Cookie": ""})
	unlock := offered.Header.Get("Location")
	if !strings.HasPrefix(unlock, "/.paywall/unlock?offer=") {
		t.Fatalf("Location: %q", unlock)
	}
	want("the offer for a program", s.get("/articles/a"), http.StatusPaymentRequired, map[string]string{
		"Cache-Control": "no-store", "Content-Type": "application/problem+json", "Cross-Origin-Opener-Policy": "same-origin"})
	want("the purchase page", s.get(unlock, nav...), http.StatusOK, map[string]string{
		"Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "same-origin", "Content-Type": "text/html; charset=utf-8",
		"Access-Control-Allow-Origin": "", "X-Robots-Tag": "noindex", "Clear-Site-Data": ""})
	if policy := s.get(unlock, nav...).Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self'") || strings.Contains(policy, "sandbox") {
		t.Errorf("the purchase page's policy: %q", policy)
	}
	key := s.wallet()
	bought := s.do(http.MethodPost, "/.paywall/unlock", url.Values{"offer": {strings.TrimPrefix(unlock, "/.paywall/unlock?offer=")}}.Encode(),
		"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin", "Accept", "text/html", "Cookie", "paywall_wallet="+key)
	want("the purchase", bought, http.StatusSeeOther, map[string]string{"Location": "/articles/a", "Cache-Control": "no-store", "Access-Control-Allow-Origin": ""})
	var access string
	for _, c := range bought.Cookies() {
		if c.Name == "paywall_access" {
			access = c.Value
		}
	}
	if access == "" {
		t.Fatalf("no access cookie: %v", bought.Header)
	}
	for cookie, set := range map[string]int{"paywall_access=" + access: 0, "paywall_wallet=" + key: 1} { // a token, and a wallet that gets a fresh one
		page := s.get("/articles/a", append(nav, "Cookie", cookie)...)
		want("the article", page, http.StatusOK, map[string]string{"Cache-Control": "private, no-store"})
		if opener := page.Header.Get("Cross-Origin-Opener-Policy"); opener != "same-origin" && !strings.Contains(page.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("the article: Cross-Origin-Opener-Policy %q", opener)
		}
		var ours int
		for _, line := range page.Header["Set-Cookie"] {
			if strings.HasPrefix(line, "paywall_access=") {
				ours++
			}
			if strings.Contains(line, "evil") {
				t.Errorf("the article sets %q", line)
			}
		}
		if ours != set {
			t.Errorf("%.20s: %d access cookies: %v", cookie, ours, page.Header["Set-Cookie"])
		}
		if cleared := page.Header.Get("Clear-Site-Data"); strings.Contains(cleared, "cookies") || strings.Contains(cleared, "*") {
			t.Errorf("Clear-Site-Data: %s", cleared)
		}
	}
	if a := s.get("/free", nav...); strings.Contains(fmt.Sprint(a.Header["Set-Cookie"]), "paywall_") || strings.Contains(a.Header.Get("Clear-Site-Data"), "*") {
		t.Errorf("an unpriced page: %v", a.Header)
	}
	s.verify()
}

// TestTheSitesOwnHeadersStay on what is the site's.
func TestTheSitesOwnHeadersStay(t *testing.T) {
	s := newSite(t, "welcome 0.60", "header {\nStrict-Transport-Security max-age=1\nX-Frame-Options DENY\n>Content-Security-Policy \"img-src 'self'\"\n-Server\n}\npaywall /articles/* 0.20\nreverse_proxy UPSTREAM", http.HandlerFunc(magazine))
	key := s.wallet()
	_, bought := s.unlock(key, s.offer("/articles/a"))
	a := s.get("/articles/a", "Authorization", "Bearer "+bought.Token)
	for name, value := range map[string]string{"Strict-Transport-Security": "max-age=1", "X-Frame-Options": "DENY", "Content-Security-Policy": "img-src 'self'", "Server": ""} {
		if got := a.Header.Get(name); got != value {
			t.Errorf("%s: %q", name, got)
		}
	}
	if a := s.get("/articles/b", "Accept", "text/html"); a.Header.Get("Strict-Transport-Security") != "max-age=1" {
		t.Errorf("the offer: %v", a.Header)
	}
}

// TestATeasersButtonWorksUnderTheSitesPolicy, set by whomever.
func TestATeasersButtonWorksUnderTheSitesPolicy(t *testing.T) {
	const policy = "default-src 'none'; form-action 'none'; img-src https://cdn.example; sandbox"
	for name, tc := range map[string]struct{ block, upstream, meta string }{
		"upstream": {upstream: policy}, "at once": {block: `header Content-Security-Policy "` + policy + `"`},
		"later": {block: `header >Content-Security-Policy "` + policy + `"`}, "meta": {meta: `<meta http-equiv="Content-Security-Policy" content="` + policy + `"><meta name=referrer content=no-referrer>`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "welcome 0.60", tc.block+"\npaywall /articles/* 0.20 {\nteaser article {\nparagraphs 1\n}\n}\nreverse_proxy UPSTREAM", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				if tc.upstream != "" {
					w.Header().Set("Content-Security-Policy", tc.upstream)
				}
				_, _ = io.WriteString(w, strings.Replace(pageOf("site"), "<article>", tc.meta+"<article>", 1))
			}))
			a := s.get("/articles/a", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin", "Cookie", "paywall_wallet="+s.wallet())
			policies := a.Header["Content-Security-Policy"]
			all := strings.Join(policies, "\n")
			if a.StatusCode != 200 || !strings.Contains(a.body, "<form") || strings.Contains(a.body, "no-referrer") || strings.Contains(a.body, "form-action") || a.Header.Get("Referrer-Policy") != "same-origin" {
				t.Errorf("%s %v: %.400s", a.Status, a.Header, a.body)
			}
			if strings.Contains(all, "sandbox") || !strings.Contains(all, "script-src 'none'") || strings.Contains(all, "form-action 'none'") || tc.meta == "" && !strings.Contains(all, "form-action 'self'") {
				t.Errorf("policies %q", policies)
			}
			if tc.meta == "" && (!strings.Contains(all, "style-src "+s.url+"/.paywall/static/") || !strings.Contains(all, "img-src https://cdn.example")) {
				t.Errorf("policies %q", policies)
			}
		})
	}
}

// trailing is a site that says something after its body, announced and not.
func trailing(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", "Paywall-Status, X-Digest, PAYWALL_Resource")
	w.Header().Set("Content-Type", "text/plain")
	if strings.Contains(r.URL.Path, "none") {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = io.WriteString(w, strings.Repeat("canary ", 1000))
	w.(http.Flusher).Flush()
	w.Header().Set("Paywall-Status", "free")
	w.Header().Set("X-Digest", "d")
	w.Header().Set(http.TrailerPrefix+"Paywall-Late", "free")
	w.Header().Set(http.TrailerPrefix+"X-Late", "l")
}

// TestNoTrailerIsInOurName, announced or not.
func TestNoTrailerIsInOurName(t *testing.T) {
	s := newSite(t, "welcome 0.60", "paywall /articles/* 0.20\nreverse_proxy UPSTREAM", http.HandlerFunc(trailing))
	_, bought := s.unlock(s.wallet(), s.offer("/articles/a"))
	for path, own := range map[string]bool{"/articles/a": true, "/free": true, "/articles/none": false} {
		a := s.get(path, "Authorization", "Bearer "+bought.Token)
		if path == "/articles/none" {
			a = s.get(path)
		}
		for name := range a.Trailer {
			if strings.HasPrefix(strings.ToLower(name), "paywall") {
				t.Errorf("%s: the trailer %s", path, name)
			}
		}
		if got := a.Trailer.Get("X-Digest") == "d" && a.Trailer.Get("X-Late") == "l"; got != own {
			t.Errorf("%s: %s, trailers %v", path, a.Status, a.Trailer)
		}
	}
}
