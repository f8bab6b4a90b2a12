package caddymodule

import (
	"net/http"
	"testing"
)

// postsByQuery are ways to price "/?p=7" by a matcher that looks at the query.
var postsByQuery = map[string]string{
	"matcher": `@post query p=*
	paywall @post 0.20 {
		query p
	}`,
	"free without": `@front not query p=*
	paywall / {
		free @front
		price 0.20
		query p
	}`,
	"one value": `@post query p=7
	paywall @post 0.20 {
		query p
	}`,
	"expression": "@post expression `query({'p': '*'})`" + `
	paywall @post 0.20 {
		query p
	}`,
	"not expression": "@front not expression `query({'p': '*'})`" + `
	paywall / {
		free @front
		price 0.20
		query p
	}`,
	"capitals": `@post query P=*
	paywall @post 0.20 {
		query P
	}`,
	"nothing asked for": `@front query ""
	paywall / {
		free @front
		price 0.20
	}`,
}

// TestNoSpellingOfAQueryIsFree: Caddy's matcher says no to what Go cannot parse,
// and to whatever another language takes for the same key.
func TestNoSpellingOfAQueryIsFree(t *testing.T) {
	for name, body := range postsByQuery {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "", body+"\nreverse_proxy UPSTREAM", new(articles))
			for _, query := range []string{
				"p=7;", "p=7%", "p=7&%", "p=7&%zz", "%&p=7", "a=%&p=7", ";p=7", "x;p=7", "a=b;p=7", "p=7;p=8",
				"p[]=7", "p%5B%5D=7", "p[x]=7", "[p]=7", "+p=7", "%20p=7", "p%00x=7", "%2570=7", "p=7&p=7%",
				"P=7", "p=7&P=8", "%u0070=7", "%70=7;", "&&p=7&;", "?p=7", "p=7&=;", "p%=7", "%p=7", "p=7%ff;",
			} {
				if a := s.get("/?"+query, "Accept", "application/json"); a.StatusCode != http.StatusBadRequest && a.StatusCode != http.StatusPaymentRequired {
					t.Errorf("?%s: %s", query, a.Status)
				}
			}
			// Other paths than the post's, and rewritten ones, are judged alike.
			if a := s.get("/%2e/?p=7;", "Accept", "application/json"); a.StatusCode == http.StatusOK {
				t.Errorf("a path with tricks beside: %s", a.Status)
			}
		})
	}
}

// TestOrdinaryQueriesPass: where all readings agree nobody is refused, nor where
// no price is near.
func TestOrdinaryQueriesPass(t *testing.T) {
	ordinary := []string{
		"", "?", "?utm_source=x&utm_medium=y", "?fbclid=IwAR0_x-y", "?a=1;b=2", "?q=50%", "?a[]=1&a[]=2", "?name=%C3%BC", "?name=ü",
		"?x=a+b&y=%2B", "?post.id=3", "?page=2&sort", "?q=what%3F&r=a=b", "?page_id=7", "?pp=7&op=1", "?x=p%3D7", "?url=https://h.example/?x=1",
	}
	for name, body := range postsByQuery {
		if name == "nothing asked for" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "", body+"\nreverse_proxy UPSTREAM", new(articles))
			for _, query := range ordinary {
				if a := s.get("/" + query); a.StatusCode != http.StatusOK {
					t.Errorf("the front page with %q: %s", query, a.Status)
				}
			}
			key := "p"
			if name == "capitals" {
				key = "P"
			}
			for _, query := range []string{"=7", "=7&utm_source=x", "=7&q=50%", "=7&a[]=1", "=7&x=%C3%BC&y=a+b"} {
				if a := s.get("/?"+key+query, "Accept", "application/json"); a.StatusCode != http.StatusPaymentRequired {
					t.Errorf("the post with %q: %s", query, a.Status)
				}
			}
		})
	}
	s := newSite(t, "", "@post {\n path /posts\n query p=*\n}\npaywall @post 0.20 {\n query p\n}\nreverse_proxy UPSTREAM", new(articles))
	for _, query := range []string{"?p=7;", "?p=7%", "?p[]=%zz&p=1", "?%u0070"} {
		if a := s.get("/about" + query); a.StatusCode != http.StatusOK {
			t.Errorf("where nothing is for sale, with %q: %s", query, a.Status)
		}
	}
}
