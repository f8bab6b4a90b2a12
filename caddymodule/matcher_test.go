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
		// The pattern is for lower case, and a site that folds case has a long
		// read there: refused rather than sold at the shorter one's price.
		"/magazine/LONG-read": http.StatusBadRequest,
		"/articles%2fa":       http.StatusBadRequest,
		"/articles/a;x.css":   http.StatusBadRequest,
	} {
		if a := s.get(target, "Accept", "application/json"); a.StatusCode != want {
			t.Errorf("%s: %s, want %d", target, a.Status, want)
		}
	}
}
