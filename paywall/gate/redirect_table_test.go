package gate

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// harmless are redirects that tell their reader nothing which is worth the price.
var harmless = []string{
	// The same page, and others that have a price.
	"/articles/old-title/", "/articles/Old-Title", "/articles/new-title", "/Articles/New-Title", "new-title", "./", "?", "", "https://site.test/articles/old-title",
	"http://site.test:80/articles/old-title", "https://site.test:443/articles/old-title", "//site.test/articles/old-title", "HTTPS://Site.Test/articles/a",
	"/articles/9f8e7d6c5b4a39281706f5e4d3c2b1a0", "/articles/old-title#comments", "/articles/a?utm_source=x83920174", "/unpriced/a",
	// The checkout.
	"/.paywall/wallet", "/.PAYWALL/wallet",
	// Logins, with the way back.
	"/login", "/login/", "/login?next=/articles/old-title", "/login?next=%2Farticles%2Fold-title", "/login?next=%252Farticles%252Fold-title", "/login?return_to=https%3A%2F%2Fsite.test%2Farticles%2Fold-title%3Fpage%3D2",
	"/login?next=//site.test/articles/old-title", "/wp-login.php?redirect_to=https%3A%2F%2Fsite.test%2Farticles%2Fold-title%2F&reauth=1", "/account/sign_in?reason=members-only", "/login?message=Please+sign+in+to+read+this&lang=de",
	"/login#/articles/old-title", "/login?next=/articles/old-title#top", "/Account/Login.aspx?ReturnUrl=%2farticles%2fold-title", "/login?back=/wiki/Talk:Main_Page",
	// Where an article has moved.
	"/en/articles/a", "/en-GB/articles/old-title", "/2024/05/old-title", "/2024/05/17/old-title", "/2024/05/17/old-title-12345678", "/1999/12/", "/news/20240517/old-title", "/posts/12345", "/p/817263", "/p/817263?page=2", "/posts/id12345", "/issue12/page2",
	"/wiki/Main_Page", "/wiki/JavaScript", "/wiki/St._Louis", "/wiki/NASA", "/wiki/iPhone", "/%D0%90%D1%80%D1%82%D0%B8%D0%BA%D1%83%D0%BB", "/Артикул", "/artikel/%C3%BCber-uns", "/ar/%D9%85%D9%82%D8%A7%D9%84%D8%A9", "/%E4%B8%AD%E5%8D%8E%E4%BA%BA%E6%B0%91%E5%85%B1%E5%92%8C%E5%9B%BD",
	"/themen/rechtsschutzversicherung", "/the-2nd-10km-run", "/blog/html5-and-covid19", "/tag/v2.1", "/a/old-title", "/@jane/old-title", "/archive/old-title.html", "/archive/old-title.php", "/index.php?page=about", "/index.html", "/",
	"/help#section-2", "/help#about_us", "/Kontakt & Impressum",
}

// giving are those that give away what has the price, or may.
var giving = []string{
	// Another host, in whatever way browsers read one.
	"https://cdn.example/a", "//cdn.example/a", "///cdn.example/a", "////cdn.example/a", `/\cdn.example/a`, `\\cdn.example\a`, `\/cdn.example/a`, "/\t/cdn.example/a", "\t//cdn.example/a", "//\tcdn.example/a", "h\nttps://cdn.example/a", "/\n/cdn.example",
	"http:/cdn.example/a", "http:cdn.example", "https:///cdn.example/a", `https:\\cdn.example\a`, "https:/\\cdn.example/a", "\x01//cdn.example/a", "https://site.test@cdn.example/", "https://user:pw@site.test/about", "//user@site.test/about",
	"https://site.test.evil/about", "https://site.test:8443/about", "https://cdn.example\\@site.test/", "ftp://site.test/about", "javascript:alert(1)", "data:text/html,a", "blob:https://site.test/about", "mailto:a@site.test", "/\x7f/a", "/about\x00",
	// Drawn.
	"/dl/Ab3dEf9hJk2", "/f/839201748392", "/f/8392-0174-8392", "/f/8392/0174/8392", "/f/12/34/56/78/90", "/s/x7k2m9", "/s/x7k2/m9qp", "/s/aXbYcZdQ", "/s/MFRGGZDFMZTWQ", "/s/9f8e7d6c", "/s/550e8400-e29b-41d4-a716-446655440000", "/s/a1b-2c3-d4e", "/s/kqzjxwvbnmplkjhgfdsaqwert",
	"/dl/Ab3d%45f9hJk2", "/dl/Ab3d%2545f9hJk2", "/dl/ab12-cd34-ef56", "/%FF/about", "/2024/839201748", "/f/83920174?n=83920174", "/read;k=Ab3dEf9hJk2", "/dl/AbCdEfGhJkL", "/dl/%D9%A8%D9%A3%D9%A9%D9%A2%D9%A0%D9%A1%D9%A7%D9%A4%D9%A8%D9%A3%D9%A9%D9%A2",
	// In a query.
	"/about?sig=ab", "/about?Expires=1795348800", "/about?x-amz-date=today", "/about?token=old", "/about?id=Ab3dEf9hJk2", "/about?Ab3dEf9hJk2", "/about?n=1795348800", "/about?u=https://cdn.example/a", "/about?u=//cdn.example/a", "/about?u=%5C%5Ccdn.example/a",
	"/about?u=https%253A%252F%252Fcdn.example", "/about?u=https:cdn.example", "/about?u=https://site.test.evil/a", "/play?src=/media/a.mp3", "/play?src=https://site.test/media/a.m4b", "/about?a=%zz", "/about?a=1;b=2",
	// In a fragment, wherever it leads.
	"/.paywall/%2e%2e/dl/k7q2x9abcdef0123", "/.paywall/..%2fdl/k7q2x9abcdef0123", "/play#k=abc", "/play#Ab3dEf9hJk2", "/play#https://cdn.example/a", "/articles/new-title#token=old", "/articles/old-title#Ab3dEf9hJk2", "/.paywall/wallet#Ab3dEf9hJk2", "/play#/media/a.mp3", "/play#n=1&u=//cdn.example/a",
	// Files, whatever the machine knows of them.
	"/media/a.mp3", "/media/a.m4b", "/media/a.flac", "/media/a.epub", "/media/a.mobi", "/media/a.azw3", "/media/a.zip", "/media/a.pdf", "/media/a.PDF", "/media/a.7z", "/media/a.tar.gz", "/media/a.jpg", "/media/a.m3u8", "/media/a.txt", "/media/a.json",
	"/media/a.mp3/", "/media/a.mp3/get", "/media/old-title.mp3", "/media/a%2Emp3", "/media/a.unheard",
}

// TestOnlyARedirectThatTellsNothingPassesUnpaid.
func TestOnlyARedirectThatTellsNothingPassesUnpaid(t *testing.T) {
	s := newSite(t)
	for _, list := range []struct {
		locations []string
		away      bool
	}{{harmless, false}, {giving, true}} {
		for _, location := range list.locations {
			r := request(t, "GET", "/articles/old-title")
			if away := s.gate.leadsAway(r, testOrigin, http.StatusFound, http.Header{"Location": {location}}); away != list.away {
				t.Errorf("%q: sold: %v", location, away)
			}
		}
	}
}

// TestWhatAClientSentIsNoSecret.
func TestWhatAClientSentIsNoSecret(t *testing.T) {
	s := newSite(t)
	for location, asked := range map[string]string{
		"/en/x/Ab3dEf9hJk2": "/articles/Ab3dEf9hJk2", "/f/839201748392-title": "/articles/839201748392", "/about?id=Ab3dEf9hJk2": "/articles/a?id=Ab3dEf9hJk2", "/about?sig=Ab3dEf9hJk2": "/articles/a?sig=Ab3dEf9hJk2",
		"/login?next=/albums/x/Ab3dEf9hJk2.mp3": "/albums/x/Ab3dEf9hJk2.mp3",
	} {
		for target, want := range map[string]bool{asked: false, "/articles/other": true} {
			if away := s.gate.leadsAway(request(t, "GET", target), testOrigin, http.StatusFound, http.Header{"Location": {location}}); away != want {
				t.Errorf("%s, from %s: sold: %v", location, target, away)
			}
		}
	}
}

// TestARedirectIsResolvedAsBrowsersDo: against what they asked for, whatever the
// server has made of that.
func TestARedirectIsResolvedAsBrowsersDo(t *testing.T) {
	s := newSite(t)
	s.original = func(*http.Request) string { return "/media/Ab3dEf9hJk2/play" }
	r := request(t, "GET", "/articles/old-title")
	for location, want := range map[string]bool{"new-title": false, "839201748392": true, "/articles/839201748392": false} {
		if away := s.gate.leadsAway(r, testOrigin, http.StatusFound, http.Header{"Location": {location}}); away != want {
			t.Errorf("%s: sold: %v", location, away)
		}
	}
}

// TestNoHeaderOfTheSiteGivesTheArticleAway, in an answer that nobody paid for nor in
// its trailer, while those stay that a client needs and those that the server has set.
func TestNoHeaderOfTheSiteGivesTheArticleAway(t *testing.T) {
	kept := map[string]string{
		"Retry-After": "7", "Www-Authenticate": `Basic realm="site"`, "Allow": "GET", "Strict-Transport-Security": "max-age=1", "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "same-site",
		"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer", "X-Front": "front", "Server": "front", "Connection": "close",
	}
	for _, status := range []int{302, 401, 404, 429, 503, 0} {
		s := newSite(t)
		s.upstream = func(w http.ResponseWriter, r *http.Request) error {
			h := w.Header()
			for _, name := range []string{
				"Set-Cookie", "set-cookie", "X-Download-Url", "X-Signed-Url", "X-Amz-Meta-Key", "X-Audio", "X-Front", "Link", "Refresh", "Content-Location", "X-Accel-Redirect", "Hx-Redirect", "Hx-Location", "Clear-Site-Data", "Etag",
				"Content-Security-Policy", "Content-Language", "X-Request-Id", "Server-Timing", "Report-To", "Nel", "Reporting-Endpoints", "Sourcemap", http.TrailerPrefix + "X-Early", "Trailer",
			} {
				h[name] = []string{canary}
			}
			h.Add("Set-Cookie", "CloudFront-Signature="+canary+"; Domain=site.test")
			for name, value := range kept {
				if value != "front" && name != "Connection" {
					h.Set(name, value)
				}
			}
			if status == 0 {
				return errSite
			}
			if status == 302 {
				h.Set("Location", "/login?next=/articles/p1")
			}
			w.WriteHeader(status)
			w.Header().Set(http.TrailerPrefix+"X-Late", canary)
			w.Header().Set("X-Late", canary)
			return nil
		}
		for _, mode := range []string{"navigate", "cors"} {
			w := httptest.NewRecorder()
			w.Header().Set("X-Front", "front")
			w.Header().Set("Server", "front")
			w.Header().Set("Connection", "close")
			err := s.gate.ServeHTTP(w, request(t, "GET", pagePath, "Sec-Fetch-Mode: "+mode), s)
			if status != 0 && (err != nil || w.Code != status) || status == 0 && err == nil {
				t.Errorf("%d: %d, %v", status, w.Code, err)
			}
			for name, values := range w.Header() {
				for _, value := range values {
					if value == canary || name == "Set-Cookie" {
						t.Errorf("%d: %s: %q", status, name, values)
					}
				}
			}
			for name, value := range kept {
				if w.Header().Get(name) != value {
					t.Errorf("%d: %s: %q", status, name, w.Header()[name])
				}
			}
			if (w.Header().Get("Location") != "") != (status == 302) {
				t.Errorf("%d: Location %q", status, w.Header()["Location"])
			}
		}
	}
}
