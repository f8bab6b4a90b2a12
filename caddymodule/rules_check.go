package caddymodule

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/caddymodule/internal/matchers"
	"github.com/tuppence/tuppence/caddymodule/internal/words"
	"github.com/tuppence/tuppence/paywall/pricing"
)

// checkChoices refuses matchers by which whoever asks would read for nothing.
// Among prices they only choose which of two is paid, which is told in the log.
func (h *Handler) checkChoices(s matchers.Surroundings, logger *slog.Logger) error {
	s.Query = h.Query
	if advice := s.Choice(h.MatcherSetsRaw); advice != "" {
		return fmt.Errorf("whoever asks decides whether the directive's matcher matches, and would read for nothing (%s)", advice)
	}
	for i := range h.Rules {
		rule := &h.Rules[i]
		advice := s.Choice(rule.MatcherSetsRaw)
		switch {
		case advice == "":
		case rule.Free:
			return words.AtSource(rule.Source, fmt.Errorf("whoever asks decides whether this free line matches, and would read for nothing (%s)", advice))
		case h.freeAfter(i):
			return words.AtSource(rule.Source, fmt.Errorf("whoever asks decides whether this price matches, and would get to a free line below it (%s; or write the free line first)", advice))
		case logger != nil:
			logger.Warn("whoever asks decides whether a price matches, and pays what another rule says when it does not",
				slog.String("rule", rule.Source), slog.String("matcher", advice))
		}
	}
	return nil
}

// freeAfter reports whether what a rule is for may be free when it does not match.
func (h *Handler) freeAfter(i int) bool {
	own := matchers.Outline(h.Rules[i].MatcherSetsRaw)
	for _, later := range h.Rules[i+1:] {
		if !later.Free {
			continue
		}
		if o := matchers.Outline(later.MatcherSetsRaw); pricing.Meet(own, o) {
			return true
		}
	}
	return false
}

// someHost is a host that no site has: one that serves it serves all (RFC 6761, 6.4).
const someHost = "any.host.invalid"

// warnUncovered tells of paths that the directive's matcher includes and no rule
// is for: they are refused, which nobody would see before a reader does.
func (h *Handler) warnUncovered() {
	rules := make([]pricing.Outline, len(h.Rules))
	for i := range h.Rules {
		rules[i] = matchers.Outline(h.Rules[i].MatcherSetsRaw)
	}
	uncovered := pricing.Uncovered(matchers.Outline(h.MatcherSetsRaw), rules)
	if len(uncovered) > 0 {
		h.logger.Warn("the directive's matcher includes paths that no rule prices, and they are refused; write a price for the rest, or free",
			slog.String("directive", h.Source), slog.Any("paths", uncovered))
	}
}

// A pattern may price a page under one of its names and leave another out, at which
// the site delivers it for nothing. What that shows at load is told in the log.

// placed is a pattern of a matcher, and where it stands.
type placed struct {
	source string
	matchers.Pattern
}

// patterns are those in the matchers of the directive and of its rules.
func (h *Handler) patterns() (found []placed) {
	add := func(source string, sets caddyhttp.RawMatcherSets) {
		for _, pattern := range matchers.Patterns(sets) {
			found = append(found, placed{source, pattern})
		}
	}
	add(h.Source, h.MatcherSetsRaw)
	for i := range h.Rules {
		add(h.Rules[i].Source, h.Rules[i].MatcherSetsRaw)
	}
	return found
}

// warnNames tells of pages that have a price under one name and none under another.
func (h *Handler) warnNames(patterns []placed) {
	for _, p := range patterns {
		if p.Regexp && strings.HasSuffix(p.Text, "$") {
			h.warnEnded(p)
		}
		folder := p.Page[:strings.LastIndexByte(p.Page, '/')+1]
		if index := folder + "index.html"; h.sold(index) && !h.sold(folder) {
			h.logger.Warn("a pattern prices the index page of a folder and not the folder, where a file server delivers that page for nothing; write the folder beside it, such as: path /posts/*.html /posts, or the whole section: /posts/*",
				slog.String("at", p.source), slog.String("pattern", p.Text), slog.String("priced", index), slog.String("free", folder))
		}
	}
}

// ending finds a dot that a regular expression names: who names endings knows of them.
var ending = regexp.MustCompile(`\\\.|\[\.\]`)

// warnEnded tells of pages that have a price at their name and none at "/node/7.json",
// where many sites deliver them too.
func (h *Handler) warnEnded(p placed) {
	if ending.MatchString(p.Text) || !h.sold(p.Page) || h.sold(p.Page+".json") {
		return
	}
	open := strings.TrimSuffix(p.Text, "$")
	h.logger.Warn("a path_regexp ends with the name of a page, and what the site delivers after that name, such as JSON, costs nothing; write it without the $ at its end, or with endings",
		slog.String("at", p.source), slog.String("pattern", p.Text), slog.String("free", p.Page+".json"),
		slog.Any("write", []string{open, open + "(?:[./].*)?$"}))
}

// sold reports whether a path has a price for a request from nobody.
func (h *Handler) sold(name string) bool {
	r, err := http.NewRequest(http.MethodGet, (&url.URL{Path: name}).EscapedPath(), nil)
	if err != nil {
		return false
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, new(caddyhttp.Server))
	status, _ := h.table.Lookup(r, name)
	return status == pricing.Priced || status == pricing.Misconfigured
}

// checkDetours refuses a config that leads requests around the gate to
// something that has a price.
func (h *Handler) checkDetours(targets []string) error {
	for _, target := range targets {
		path, query, _ := strings.Cut(target, "?")
		if strings.Contains(query, "{") {
			if len(h.Query) > 0 {
				return fmt.Errorf("an error page or handle_response rewrites to %s, where the request decides the query, and that decides what has a price; write the query out", target)
			}
			target = path
		}
		closed, err := h.closed(target)
		if err != nil {
			return fmt.Errorf("an error page or handle_response rewrites to %s: %w", target, err)
		}
		if !closed {
			continue
		}
		return fmt.Errorf("an error page or handle_response shows %s, which has a price, to everybody; show a page that is free, or write: free %s", target, path)
	}
	return nil
}

// closed reports whether the gate would keep a target of the config's own from
// whoever has not paid.
func (h *Handler) closed(target string) (bool, error) {
	parsed, err := h.canon.Parse(target)
	if err != nil {
		return false, err
	}
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		return false, err
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, new(caddyhttp.Server))
	decision, err := h.table.Decide(r, &parsed)
	return err != nil || decision.Status == pricing.Priced || decision.Status == pricing.Misconfigured, nil
}
