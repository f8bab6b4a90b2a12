package gate

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// redirecting is a site that answers with a redirect to location.
func redirecting(location string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Set("Location", location)
		h.Set("Link", "<"+location+">; rel=canonical")
		h.Set("X-Accel-Redirect", "/internal")
		w.WriteHeader(http.StatusFound)
		_, err := io.WriteString(w, `<a href="`+location+`">CANARY</a>`)
		return err
	}
}

// TestARedirectToTheContentIsSold, and goes to whoever paid.
func TestARedirectToTheContentIsSold(t *testing.T) {
	for _, location := range []string{
		"https://bucket.s3.amazonaws.com/a.mp3?X-Amz-Signature=CANARY", "https://cdn.example/CANARY", "//cdn.example/CANARY", `\\cdn.example\CANARY`, "https://site.test:9000/CANARY",
		"https://site.test.evil/CANARY", "https://user@site.test/CANARY", "javascript:CANARY", "data:text/html,CANARY", "/download?sig=CANARY", "/download?file=p1&expires=1795348800",
		"/media/CANARY.mp3", "/files/CANARY.pdf", "/rails/active_storage/blobs/redirect/eyJfcmFpbHMiOnsiZGF0YSI6MX19--CANARY0123/track.mp3",
		"/dl/9f8e7d6c5b4a39281706f5e4d3c2b1a0/CANARY", "/read/eyJhbGciOiJIUzI1NiJ9.eyJhIjoxMjN9.CANARYCANARY1234", "/go?to=https://cdn.example/CANARY", "/x?a=1%&b=CANARY", "?sig=CANARY&x=1;",
		"/s/550e8400-e29b-41d4-a716-446655440000?CANARY", "/articles/welcome?X-Amz-Signature=CANARY",
	} {
		s := newSite(t)
		if strings.HasPrefix(location, "?") {
			location = "/unprotected" + location
		}
		s.upstream = redirecting(location)
		for _, method := range []string{"GET", "HEAD", "POST"} {
			for _, mode := range []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: cors"} {
				res := s.do(method, pagePath, mode)
				wantPaywall(t, res)
				if res.StatusCode != 303 && res.StatusCode != 402 {
					t.Errorf("%s: %s", location, res.Status)
				}
			}
		}
		if n := strings.Count(s.logs.String(), "redirects out of the site's pages"); n != 1 {
			t.Errorf("%s: told %d times: %s", location, n, s.logs.String())
		}
		if strings.Contains(s.logs.String(), "CANARY") {
			t.Errorf("the log: %s", s.logs.String())
		}
		paid := s.do("GET", pagePath, accessCookie(s.access(pagePath, nil)))
		if paid.StatusCode != http.StatusFound || paid.Header.Get("Location") != location {
			t.Errorf("%s, paid: %d %v", location, paid.StatusCode, paid.Header)
		}
	}
}

// TestARedirectToAnotherPageOfTheSitePasses, with nothing else of the answer.
func TestARedirectToAnotherPageOfTheSitePasses(t *testing.T) {
	for _, location := range []string{
		"/articles/p1/", "p1/", "https://site.test/articles/p1/", "HTTPS://SITE.TEST/articles/new", "http://site.test:80/articles/p1", "/articles/p2", "/login", "/login?next=/articles/p1",
		"/login?next=%2Farticles%2Fp1&reason=members-only", "/account/sign_in?return_to=https%3A%2F%2Fsite.test%2Farticles%2Fp1", "/2026/11/27/a-long-headline-about-the-penny-post", "/articles/p1?lang=de",
		"/de/articles/p1", "/articles/welcome", "/", "../", "/index.html", "/.paywall/wallet",
	} {
		s := newSite(t)
		s.upstream = redirecting(location)
		for _, method := range []string{"GET", "HEAD"} {
			res := s.do(method, pagePath, "Sec-Fetch-Mode: navigate")
			if b := wantStatus(t, res, http.StatusFound); b != "" || res.Header.Get("Location") != location || res.Header.Get("Link") != "" || res.Header.Get("X-Accel-Redirect") != "" ||
				res.Header.Get("Cross-Origin-Opener-Policy") != "same-origin" || res.Header.Get("Cache-Control") != "private, no-store" {
				t.Errorf("%s: %v %s", location, res.Header, b)
			}
		}
	}
}

// TestAnErrorsBodyIsForThoseWhoPaid: the status and what a client needs of it pass.
func TestAnErrorsBodyIsForThoseWhoPaid(t *testing.T) {
	for _, code := range []int{400, 401, 403, 404, 410, 418, 429, 451, 500, 503, 599} {
		s := newSite(t)
		s.upstream = func(w http.ResponseWriter, r *http.Request) error {
			h := w.Header()
			h.Set("Location", "https://cdn.example/CANARY")
			h.Set("Refresh", "0;url=https://cdn.example/CANARY")
			h.Set("Content-Location", "/CANARY")
			h.Set("Etag", "CANARY")
			h.Set("Content-Type", "text/html")
			h.Set("Content-Encoding", "gzip")
			h.Set("Retry-After", "7")
			h.Set("Set-Cookie", "session=1")
			w.WriteHeader(code)
			_, err := io.WriteString(w, canary)
			return err
		}
		for _, mode := range []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: cors"} {
			res := s.do("GET", pagePath, mode)
			b := wantStatus(t, res, code)
			wantNoCanary(t, res, b)
			if b == "" || res.Header.Get("Content-Encoding") != "" || res.Header.Get("Retry-After") != "7" || res.Header.Get("Set-Cookie") != "" || res.Header.Get("Refresh") != "" {
				t.Errorf("%d: %v %s", code, res.Header, b)
			}
		}
		if res := s.do("GET", pagePath, accessCookie(s.access(pagePath, nil))); res.StatusCode != code || !strings.Contains(body(t, res), canary) {
			t.Errorf("%d, paid: %v", code, res.Header)
		}
	}
}
