package caddymodule

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/caddymodule/internal/matchers"
	"github.com/tuppence/tuppence/caddymodule/internal/requests"
	"github.com/tuppence/tuppence/caddymodule/internal/words"
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

	// The price, a decimal string in the currency of the app: "0.20", or a
	// placeholder such as {env.PRICE}.
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
	// The creator's account name: up to 32 letters, digits, dots, dashes and
	// underscores.
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
	amount, err := words.Resolve(r.Price)
	if err != nil {
		return out, fmt.Errorf("price: %w", err)
	}
	price, err := paywall.ParsePrice(amount, currency)
	if err != nil {
		return out, fmt.Errorf("price: %w", err)
	}
	out.Price = price
	if r.Access != 0 && out.Access < time.Minute {
		return out, fmt.Errorf("access %s is too short: at least 1m", out.Access)
	}
	if out.Access > paywall.MaxAccess {
		return out, fmt.Errorf("access %s is too long: leave it out for access without end", out.Access)
	}
	if len(r.Shares) > paywall.MaxShares {
		return out, fmt.Errorf("%d shares are too many: at most %d", len(r.Shares), paywall.MaxShares)
	}
	for _, s := range r.Shares {
		share, err := paywall.ParseShare(s.Creator, strings.TrimSuffix(s.Percent, "%"))
		if err != nil {
			return out, err
		}
		out.Shares = append(out.Shares, share)
	}
	return out, nil
}

// validateRules checks what can be checked before matchers are loaded, so that
// the Caddyfile parser can say file and line. match is the directive's matcher.
func validateRules(match caddyhttp.RawMatcherSets, rules []Rule, currency paywall.Currency) error {
	table := make([]pricing.Rule, 0, len(rules))
	seen := make(map[string]bool)
	for i := range rules {
		rule, err := rules[i].provision(currency)
		if err != nil {
			return words.AtSource(rules[i].Source, err)
		}
		if err := matchers.Check(rules[i].MatcherSetsRaw); err != nil {
			return words.AtSource(rules[i].Source, err)
		}
		match, err := json.Marshal(rules[i].MatcherSetsRaw) // maps are written in key order
		if err != nil {
			return words.AtSource(rules[i].Source, fmt.Errorf("reading matchers: %w", err))
		}
		if seen[string(match)] {
			return words.AtSource(rules[i].Source, fmt.Errorf("a rule is given twice for the same matcher"))
		}
		seen[string(match)] = true
		if len(rules[i].MatcherSetsRaw) > 0 {
			rule.Match = matchers.Anything{}
		}
		table = append(table, rule)
	}
	if _, err := pricing.NewTable(nil, table); err != nil {
		return err
	}
	return pricing.CheckOverlaps(matchers.Outline(match), outlines(rules, table))
}

// outlines are rules with what their matchers say of paths.
func outlines(rules []Rule, table []pricing.Rule) []pricing.Outlined {
	outlined := make([]pricing.Outlined, len(table))
	for i := range table {
		outlined[i] = pricing.Outlined{Rule: &table[i], Outline: matchers.Outline(rules[i].MatcherSetsRaw)}
	}
	return outlined
}

// checkAccess refuses access that ends before the purchase can no longer be
// undone: whoever has read then gets the money back.
func checkAccess(rules []Rule, refund time.Duration) error {
	for i := range rules {
		access := time.Duration(rules[i].Access)
		if access != 0 && access <= refund {
			return words.AtSource(rules[i].Source, fmt.Errorf(
				"access must last longer than refund, or readers get their money back for what they have read: access is %s and refund %s; write a longer access, or a shorter refund in the global options",
				brief(access), brief(refund)))
		}
	}
	return nil
}

// brief writes a duration as people do: "30m", not "30m0s".
func brief(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// provisionTable makes the price table out of the rules, and refuses or tells of those
// that do not say what they seem to.
func (h *Handler) provisionTable(ctx caddy.Context) error {
	if err := matchers.Check(h.MatcherSetsRaw); err != nil {
		return err
	}
	if err := validateRules(h.MatcherSetsRaw, h.Rules, h.app.currency); err != nil {
		return err
	}
	if err := checkAccess(h.Rules, h.app.refund); err != nil {
		return err
	}
	if err := h.checkChoices(matchers.Surroundings{AnyHost: h.place.Serves(someHost), TrustsClientAddress: requests.TrustsClientAddress(h.place.Server)}, h.logger); err != nil {
		return err
	}
	h.warnUncovered()
	patterns := h.patterns()
	match, err := loadMatchers(ctx, h, true) // which takes the raw matchers away
	if err != nil {
		return err
	}
	rules := make([]pricing.Rule, 0, len(h.Rules))
	for i := range h.Rules {
		rule, err := h.Rules[i].provision(h.app.currency)
		if err != nil {
			return words.AtSource(h.Rules[i].Source, err)
		}
		// A failing matcher must neither make something free nor cheaper than
		// it is: a free rule then does not match, a priced one does.
		if rule.Match, err = loadMatchers(ctx, &h.Rules[i], !rule.Free); err != nil {
			return words.AtSource(h.Rules[i].Source, err)
		}
		rules = append(rules, rule)
	}
	if h.table, err = pricing.NewTable(match, rules); err != nil {
		return err
	}
	h.warnNames(patterns)
	return nil
}

// loadMatchers loads the "match" of a config struct.
func loadMatchers(ctx caddy.Context, owner any, onError bool) (pricing.Matcher, error) {
	loaded, err := ctx.LoadModule(owner, "MatcherSetsRaw")
	if err != nil {
		return nil, fmt.Errorf("loading matchers: %w", err)
	}
	var sets caddyhttp.MatcherSets
	if err := sets.FromInterface(loaded); err != nil {
		return nil, fmt.Errorf("loading matchers: %w", err)
	}
	return matchers.New(sets, onError), nil
}
