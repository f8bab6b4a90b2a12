package pricing

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/paywall"
)

// NewTable checks rules and makes a table of them. match says which paths the
// gate is for; nil: all. Refused are a table in which nothing has a price, a
// rule that can never apply, and prices, shares and patterns that make no sense;
// the error names the rule's source.
func NewTable(match Matcher, rules []Rule) (*Table, error) {
	t := &Table{rules: slices.Clone(rules)}
	var err error
	if t.match, err = prepare(match); err != nil {
		return nil, err
	}
	var currency paywall.Currency
	for i := range t.rules {
		rule := &t.rules[i]
		if err := rule.check(currency); err != nil {
			return nil, rule.blame(err)
		}
		if !rule.Free {
			currency = rule.Price.Currency
		}
		if rule.Match, err = prepare(rule.Match); err != nil {
			return nil, rule.blame(err)
		}
		if err := reachable(rule, t.rules[:i]); err != nil {
			return nil, rule.blame(err)
		}
		t.noteQuery(rule.Match)
	}
	t.noteQuery(t.match)
	if currency == "" {
		return nil, errors.New("nothing has a price; write at least one price rule")
	}
	return t, nil
}

// noteQuery notes what a matcher looks for in the query.
func (t *Table) noteQuery(m Matcher) {
	queries, ok := m.(QueryMatcher)
	if !ok {
		return
	}
	if keys, ok := queries.QueryKeys(); ok {
		t.readsQuery = true
		t.queryKeys = append(t.queryKeys, keys...)
		slices.Sort(t.queryKeys)
		t.queryKeys = slices.Compact(t.queryKeys)
	}
}

// RuleError is an error that a rule is to blame for.
type RuleError struct {
	Source string // where the rule stands in the config, may be empty
	Err    error
}

func (e *RuleError) Error() string {
	if e.Source == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + ", at " + e.Source
}

// Unwrap gives the error without its place.
func (e *RuleError) Unwrap() error { return e.Err }

func (r *Rule) blame(err error) error { return &RuleError{Source: r.Source, Err: err} }

// check looks at a rule by itself. currency is the one of the rules before it,
// "" if there is none yet.
func (r *Rule) check(currency paywall.Currency) error {
	if r.Free {
		if !r.Price.IsZero() || r.Access != 0 || len(r.Shares) > 0 || len(r.Per) > 0 {
			return errors.New("a free rule has no price, access time, shares or groups")
		}
		return nil
	}
	switch {
	case r.Price.Micros <= 0:
		return fmt.Errorf("price %s is not above zero", r.Price)
	case r.Price.Currency == "":
		return fmt.Errorf("price %s has no currency", r.Price)
	case currency != "" && r.Price.Currency != currency:
		return fmt.Errorf("price in %s beside prices in %s", r.Price.Currency, currency)
	case r.Access < 0:
		return fmt.Errorf("access time %s is negative", r.Access)
	}
	for _, pattern := range r.Per {
		if err := checkGroup(pattern); err != nil {
			return err
		}
	}
	return checkShares(r.Shares)
}

func checkShares(shares []paywall.Share) error {
	left := int64(paywall.WholePPM)
	creators := make(map[string]bool, len(shares))
	for _, s := range shares {
		switch {
		case s.Creator == "":
			return errors.New("a share belongs to nobody")
		case creators[s.Creator]:
			return fmt.Errorf("share of %s is given twice", s.Creator)
		case s.PPM <= 0:
			return fmt.Errorf("share of %s is not above zero", s.Creator)
		case s.PPM > left:
			return errors.New("shares are more than 100% together")
		}
		creators[s.Creator] = true
		left -= s.PPM
	}
	return nil
}

func checkGroup(pattern string) error {
	above, ok := strings.CutSuffix(pattern, "/*")
	if !ok || above != "" && above[0] != '/' || strings.ContainsAny(above, `*?[\%`) {
		return fmt.Errorf("per %q: write a path that ends in /*, such as /albums/*", pattern)
	}
	if !isCanonical(above) {
		return fmt.Errorf("per %q never matches a canonical path", pattern)
	}
	return nil
}

// prepare spells the patterns of Paths as canonical paths are spelled, and
// refuses those that no canonical path can fit.
func prepare(m Matcher) (Matcher, error) {
	patterns, ok := m.(Paths)
	if !ok {
		return m, nil
	}
	if len(patterns) == 0 {
		return nil, errors.New("path matcher without patterns")
	}
	p := &prepared{Paths: make(Paths, len(patterns)), patterns: make([]pattern, len(patterns))}
	for i, pattern := range patterns {
		if !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, "*") || !isCanonical(pattern) {
			return nil, fmt.Errorf("path %q never matches a canonical path", pattern)
		}
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("path %q: %w", pattern, err)
		}
		p.Paths[i] = strings.ToLower(norm.NFC.String(pattern))
		p.patterns[i] = newPattern(p.Paths[i])
	}
	return p, nil
}

// isCanonical reports whether a pattern is free of what canonical paths never hold.
func isCanonical(pattern string) bool {
	if strings.Contains(pattern, "//") {
		return false
	}
	for segment := range strings.SplitSeq(pattern, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// reachable refuses a rule after one that matches everything, or after rules
// that have all its patterns.
func reachable(rule *Rule, before []Rule) error {
	var taken Paths
	for i := range before {
		patterns := pathsOf(before[i].Match)
		if before[i].Match == nil || slices.Contains(patterns, "*") || slices.Contains(patterns, "/*") {
			return fmt.Errorf("rule never applies: the one before it%s matches everything", at(before[i].Source))
		}
		taken = append(taken, patterns...)
	}
	patterns := pathsOf(rule.Match)
	if patterns == nil {
		return nil
	}
	for _, pattern := range patterns {
		if !slices.Contains(taken, pattern) {
			return nil
		}
	}
	return fmt.Errorf("rule never applies: path %s has a rule already", strings.Join(patterns, " "))
}

// pathsOf are the patterns of a prepared matcher, nil for any other.
func pathsOf(m Matcher) Paths {
	if p, ok := m.(*prepared); ok {
		return p.Paths
	}
	return nil
}

func at(source string) string {
	if source == "" {
		return ""
	}
	return " (" + source + ")"
}
