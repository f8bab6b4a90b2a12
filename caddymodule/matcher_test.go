package caddymodule

import (
	"io"
	"net/http"
	"testing"
)

// TestAnyCaddyMatcherGuardsEverySpelling: matchers that the library does not
// know are asked about the canonical path and its readings all the same.
func TestAnyCaddyMatcherGuardsEverySpelling(t *testing.T) {
	s := newSite(t, "", `@long path_regexp ^/magazine/long-\w+$
	@paid {
		path /articles/* /magazine/*
		not path *.css
	}
	paywall @paid {
		price @long 1.00
		price /magazine/* 0.50
		free /articles/welcome
		price 0.20
	}
	reverse_proxy UPSTREAM`, new(articles))
	for target, want := range map[string]string{
		"/magazine/long-read":     "1.00",
		"/magazine/long-read/":    "1.00",
		"/magazine/LONG-read":     "1.00",
		"/magazine/short":         "0.50",
		"/articles/a":             "0.20",
		"/articles/style.css.txt": "0.20",
	} {
		var problem struct{ Price string }
		a := s.get(target, "Accept", "application/json")
		a.json(t, &problem)
		if a.StatusCode != http.StatusPaymentRequired || problem.Price != want {
			t.Errorf("%s: %s, price %q, want %s", target, a.Status, problem.Price, want)
		}
	}
	for target, want := range map[string]int{
		"/articles/welcome":  http.StatusOK,
		"/articles/welcome/": http.StatusOK,
		"/articles/a.css":    http.StatusForbidden, // the site has a page there
		"/elsewhere":         http.StatusOK,
		"/articles%2fa":      http.StatusBadRequest,
		"/articles/a;x.css":  http.StatusBadRequest,
	} {
		if a := s.get(target, "Accept", "application/json"); a.StatusCode != want {
			t.Errorf("%s: %s, want %d", target, a.Status, want)
		}
	}
}

// TestFilesLeftOutByTheirEndingAreNoWayAround: neither with a matcher of Caddy's nor
// with free, on a site that overlooks what stands after a page's name.
func TestFilesLeftOutByTheirEndingAreNoWayAround(t *testing.T) {
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/articles/p1/style.css" {
			w.Header().Set("Content-Type", "text/css")
			io.WriteString(w, "p { color: red }")
			return
		}
		new(articles).ServeHTTP(w, r)
	})
	for name, block := range map[string]string{
		"matcher":    "@paid {\npath /articles/*\nnot path *.css *.jpg\n}\npaywall @paid 0.20",
		"regexp":     "@paid path_regexp ^/articles/[^.]*$\npaywall @paid 0.20",
		"expression": "@paid expression `path('/articles/*') && !path('*.css', '*.jpg')`\npaywall @paid 0.20",
		"free":       "@files path *.css *.jpg\npaywall /articles/* {\nfree @files\nprice 0.20\n}",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "", block+"\nreverse_proxy UPSTREAM", upstream)
			for target, want := range map[string]int{
				"/articles/p1/style.css":  http.StatusOK,
				"/articles/p1/x.css":      http.StatusForbidden,
				"/articles/p1/x.jpg?x=.y": http.StatusForbidden,
				"/articles/p1.JPG":        http.StatusForbidden,
				"/articles/p1":            http.StatusPaymentRequired,
				"/about/x.jpg":            http.StatusOK,
			} {
				if a := s.get(target, "Accept", "application/json"); a.StatusCode != want {
					t.Errorf("%s: %s, want %d", target, a.Status, want)
				}
			}
		})
	}
}

// TestCapitalsInAPatternAreNoWayAround: a site that ignores case has the page of
// "/Articles/P1" at "/articles/p1", too.
func TestCapitalsInAPatternAreNoWayAround(t *testing.T) {
	for name, matcher := range map[string]string{
		"path_regexp":       `@paid path_regexp ^/Articles/[A-Z]\w*$`,
		"named":             `@paid path_regexp article ^/Articles/(?P<name>[A-Z]\w*)$`,
		"expression":        "@paid expression `path_regexp('(?i)^/Articles/[A-Z]\\\\w*$')`",
		"not":               `@paid not path_regexp ^/Free/[A-Z]*$`,
		"small, in capital": `@paid path_regexp ^/articles/[a-z]\w*$`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "", matcher+"\npaywall @paid 0.20\nreverse_proxy UPSTREAM", new(articles))
			for _, target := range []string{"/Articles/P1", "/articles/p1", "/ARTICLES/P1", "/articles/P1", "/aRTICLES/p1"} {
				if a := s.get(target, "Accept", "application/json"); a.StatusCode != http.StatusPaymentRequired && a.StatusCode != http.StatusBadRequest {
					t.Errorf("%s: %s", target, a.Status)
				}
			}
		})
	}
}
