package gate

import (
	"log/slog"
	"net/http"

	"github.com/tuppence/tuppence/paywall"
)

// lead follows an unpriced request after the gate. Handlers there may still rewrite it
// in place, as Caddy's rewrite and handle_path do, so that the site delivers something
// else than the gate looked at: after a gate on /articles/*, "handle_path /free/*" made
// /free/articles/p1 an article that nobody paid for (stripped prefixes were bypasses
// elsewhere: CVE-2026-48020). Whoever paid, or was let through by a written free, is
// trusted.
//
// A handler that clones the request, URL included, cannot be followed. The zero
// value follows nothing.
type lead struct {
	gate         *Gate
	request      *http.Request // as it was handed on, and may have been changed since
	target, path string        // RequestURI and URL.Path then
	site         string
}

// reachesPriced reports whether the request was led to something that must not be
// given away. An ordinary request costs two comparisons of equal strings.
func (l *lead) reachesPriced() bool {
	r := l.request
	if l.target == "" || r.RequestURI == l.target && r.URL.Path == l.path {
		return false
	}
	if r.RequestURI != l.target && l.closed(r.RequestURI) {
		return true
	}
	// What reads the URL and what reads the request target may see two things.
	now := r.URL.RequestURI()
	return r.URL.Path != l.path && now != r.RequestURI && l.closed(now)
}

// closed reports whether a target has a price, or may have one.
func (l *lead) closed(raw string) bool {
	target, err := l.gate.o.Canonicalizer.Parse(raw)
	if err != nil {
		return true
	}
	decision, err := l.gate.o.Table.Decide(l.request, &target)
	return err != nil || gatedStatus(decision.Status)
}

// refuse answers in the place of the site.
func (l *lead) refuse(w http.ResponseWriter) {
	rewritten := l.request.RequestURI
	if rewritten == l.target {
		rewritten = l.request.URL.RequestURI()
	}
	l.gate.o.Logger.LogAttrs(l.request.Context(), slog.LevelWarn,
		"withheld a page behind the paywall that a handler after the gate made of another path; write free for the path that was asked for, or move the price to it",
		slog.String("site", l.site),
		slog.String("resource", resourceOf(l.gate, l.target)), slog.String("rewritten", resourceOf(l.gate, rewritten)))
	_ = l.gate.refuse(w, l.request, paywall.CodeMisconfigured, "this page is not set up for sale correctly")
}

// resourceOf is how the log names a target: without the query, which is the visitor's.
func resourceOf(g *Gate, raw string) string {
	target, err := g.o.Canonicalizer.Parse(raw)
	if err != nil {
		return "?"
	}
	return target.Resource
}
