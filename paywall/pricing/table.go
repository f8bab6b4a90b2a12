package pricing

import (
	"net/http"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// Rule says what the resources that it matches cost.
type Rule struct {
	Match  Matcher // nil: all
	Free   bool    // costs nothing; nothing else below is set then
	Price  paywall.Money
	Access time.Duration   // how long a purchase lasts; 0 = for ever
	Shares []paywall.Share // parts of the price that belong to creators

	// Per makes one resource of all paths below one that a pattern stands for:
	// with "/albums/*", "/albums/x/1.mp3" is part of "/albums/x".
	Per []string

	Source string // where it stands in the config ("Caddyfile:12"), for messages
}

// Table is the rules of one gate. It is immutable and safe for concurrent use.
type Table struct {
	match Matcher
	rules []Rule

	readsQuery bool     // a matcher does
	queryKeys  []string // that they look for
}

// Status says what a table has to say about a path.
type Status int

// The statuses. What is misconfigured is refused like something with a price
// nobody knows.
const (
	Unpriced      Status = iota // the gate is not for this path
	Free                        // a rule says so
	Priced                      // a rule has a price
	Misconfigured               // the gate is for this path, but no rule is
)

// closed reports whether the path must not be given away.
func (s Status) closed() bool { return s == Priced || s == Misconfigured }

func (s Status) String() string {
	switch s {
	case Unpriced:
		return "unpriced"
	case Free:
		return "free"
	case Priced:
		return "priced"
	}
	return "misconfigured"
}

// Lookup says what the table says about one path, and the first rule that
// matches it, nil if there is none.
func (t *Table) Lookup(r *http.Request, path string) (Status, *Rule) {
	// One resource has one price: "/articles/" is "/articles", which
	// "/articles/*" is not for.
	path = dropSlash(path)
	first := nameOf(path)
	if !matches(t.match, r, path) && (first == "" || !matches(t.match, r, first)) {
		return Unpriced, nil
	}
	for i := range t.rules {
		rule := &t.rules[i]
		// What is for the first name of a page is for its second; only what is
		// free must be so by the name that was asked for.
		if !matches(rule.Match, r, path) && (first == "" || rule.Free || !matches(rule.Match, r, first)) {
			continue
		}
		if rule.Free {
			return Free, rule
		}
		return Priced, rule
	}
	return Misconfigured, nil
}

func matches(m Matcher, r *http.Request, path string) bool { return m == nil || m.Match(r, path) }
