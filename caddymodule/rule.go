package caddymodule

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pricing"
)

// Rule says what the resources that it matches cost. The first rule that
// matches a resource decides.
type Rule struct {
	// Which requests the rule is for, within those that the gate is for.
	// Paths are compared in their canonical spelling, whatever the client wrote,
	// and without regard to case. Default: all.
	MatcherSetsRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	// The resource costs nothing. Excludes everything below.
	Free bool `json:"free,omitempty"`

	// The price, a decimal string in the currency of the app: "0.20".
	Price string `json:"price,omitempty"`

	// Path patterns ending in "/*". All paths below the part that the asterisk
	// stands for are one resource: with "/albums/*", "/albums/x/1.mp3" and
	// "/albums/x/2.mp3" are bought together as "/albums/x".
	Per []string `json:"per,omitempty"`

	// How long a purchase lasts. Default: for ever.
	Access caddy.Duration `json:"access,omitempty"`

	// Parts of the price that belong to others; the rest is the site's.
	Shares []Share `json:"shares,omitempty"`

	// Where the rule stands ("Caddyfile:12"), for messages. The Caddyfile
	// adapter fills it in.
	Source string `json:"source,omitempty"`
}

// Share is a creator's part of a price.
type Share struct {
	// The creator's account name: letters, digits, dot, dash, underscore.
	Creator string `json:"creator"`

	// The part in percent, with up to four decimals: "70", "33.3333".
	Percent string `json:"percent"`
}

// provision turns the rule into the library's, except for its matcher.
func (r *Rule) provision(currency paywall.Currency) (pricing.Rule, error) {
	out := pricing.Rule{Free: r.Free, Access: time.Duration(r.Access), Per: r.Per, Source: r.Source}
	if r.Free {
		if r.Price != "" || len(r.Per) > 0 || r.Access != 0 || len(r.Shares) > 0 {
			return out, fmt.Errorf("a free rule takes a matcher and nothing else")
		}
		return out, nil
	}
	price, err := paywall.ParsePrice(r.Price, currency)
	if err != nil {
		return out, fmt.Errorf("price: %w", err)
	}
	out.Price = price
	if r.Access < 0 || r.Access != 0 && time.Duration(r.Access) < time.Minute {
		return out, fmt.Errorf("access %s is too short: at least 1m", time.Duration(r.Access))
	}
	for _, s := range r.Shares {
		share, err := s.parse()
		if err != nil {
			return out, err
		}
		out.Shares = append(out.Shares, share)
	}
	return out, nil
}

// parse reads the percentage exactly, as parts per million.
func (s Share) parse() (paywall.Share, error) {
	if s.Creator == "" || len(s.Creator) > 64 || strings.Trim(strings.ToLower(s.Creator), "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return paywall.Share{}, fmt.Errorf("share: creator %q: use letters, digits, dot, dash and underscore", s.Creator)
	}
	units, fraction, dotted := strings.Cut(strings.TrimSuffix(s.Percent, "%"), ".")
	if len(fraction) > 4 || dotted && fraction == "" {
		return paywall.Share{}, fmt.Errorf("share %s: %q is not a percentage such as 70%%", s.Creator, s.Percent)
	}
	ppm, err := strconv.ParseUint(units+fraction+"0000"[len(fraction):], 10, 32)
	if err != nil || units == "" {
		return paywall.Share{}, fmt.Errorf("share %s: %q is not a percentage such as 70%%", s.Creator, s.Percent)
	}
	if ppm == 0 || ppm > paywall.WholePPM {
		return paywall.Share{}, fmt.Errorf("share %s: %s is not above 0%% and at most 100%%", s.Creator, s.Percent)
	}
	return paywall.Share{Creator: s.Creator, PPM: int64(ppm)}, nil
}

// validateRules checks what can be checked before matchers are loaded, so that
// the Caddyfile parser can say file and line.
func validateRules(rules []Rule, currency paywall.Currency) error {
	table := make([]pricing.Rule, 0, len(rules))
	seen := make(map[string]bool)
	for i := range rules {
		rule, err := rules[i].provision(currency)
		if err != nil {
			return atSource(rules[i].Source, err)
		}
		match, err := json.Marshal(rules[i].MatcherSetsRaw) // maps are written in key order
		if err != nil {
			return atSource(rules[i].Source, fmt.Errorf("reading matchers: %w", err))
		}
		if seen[string(match)] {
			return atSource(rules[i].Source, fmt.Errorf("a rule is given twice for the same matcher"))
		}
		seen[string(match)] = true
		if len(rules[i].MatcherSetsRaw) > 0 {
			rule.Match = anything{}
		}
		table = append(table, rule)
	}
	_, err := pricing.NewTable(nil, table)
	return err
}

// atSource puts the place in a config file before an error, as Caddy does.
func atSource(source string, err error) error {
	if source == "" {
		return err
	}
	return fmt.Errorf("%w, at %s", err, source)
}

// matcherSets is one set in the form that a route's "match" has.
func matcherSets(set caddy.ModuleMap) caddyhttp.RawMatcherSets {
	if set == nil {
		return nil
	}
	return caddyhttp.RawMatcherSets{set}
}

// formatPercent is the inverse of Share.parse: 700_000 is "70".
func formatPercent(ppm int64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%04d", ppm/10_000, ppm%10_000), "0"), ".")
}
