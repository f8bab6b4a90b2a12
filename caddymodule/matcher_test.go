package caddymodule

import (
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
		"/articles/welcome":   http.StatusOK,
		"/articles/welcome/":  http.StatusOK,
		"/articles/style.css": http.StatusOK,
		"/elsewhere":          http.StatusOK,
		"/articles%2fa":       http.StatusBadRequest,
		"/articles/a;x.css":   http.StatusBadRequest,
	} {
		if a := s.get(target, "Accept", "application/json"); a.StatusCode != want {
			t.Errorf("%s: %s, want %d", target, a.Status, want)
		}
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
