package caddymodule

import (
	"net/http"
	"strings"
	"testing"
)

// insisting answers for pages whose escapes are in lower case, as some sites do
// (WordPress stores slugs so), and leads everybody there.
type insisting struct{ articles }

func (u *insisting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if lower := strings.ToLower(r.RequestURI); lower != r.RequestURI {
		w.Header().Set("Location", lower)
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	u.articles.ServeHTTP(w, r)
}

// TestASiteThatInsistsOnLowerCaseEscapesIsSold: "%c3" and "%C3" are one path to
// the gate, which leads nobody from one to the other. The cookie goes back to the
// spelling that the browser asks for, which compares bytes (RFC 6265, 5.1.4).
func TestASiteThatInsistsOnLowerCaseEscapesIsSold(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(insisting))
	const page = "/articles/caf%c3%a9"
	if a := s.get("/articles/caf%C3%A9", "Accept", "text/html"); a.StatusCode != http.StatusMovedPermanently || a.Header.Get("Location") != page {
		t.Fatalf("the site's own redirect: %s %v", a.Status, a.Header)
	}
	b := s.reader()
	open := b.open(page)
	bought := s.do(http.MethodPost, "/.paywall/unlock", "offer="+between(open.body, `name="offer" value="`, `"`)+"&new_wallet="+between(open.body, `name="new_wallet" value="`, `"`),
		"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Origin", s.url, "Cookie", b.cookieLine("/.paywall/unlock"))
	if bought.StatusCode != http.StatusSeeOther || bought.Header.Get("Location") != page {
		t.Fatalf("%s %v\n%s", bought.Status, bought.Header, bought.body)
	}
	sent := ""
	for _, c := range bought.Cookies() {
		if c.Name == "paywall_access" {
			sent = c.Name + "=" + c.Value
			if c.Path != page {
				t.Errorf("a browser does not send a cookie of %s to %s", c.Path, page)
			}
		}
	}
	if a := s.get(page, "Cookie", sent); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "canary of /articles/café") {
		t.Errorf("%s\n%s", a.Status, a.body)
	}
	s.verify()
}
