package caddymodule

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/caddymodule/internal/matchers"
	"github.com/tuppence/tuppence/caddymodule/internal/words"
	"github.com/tuppence/tuppence/paywall"
)

func init() {
	httpcaddyfile.RegisterDirective("paywall", parseDirective)
	// After encode, so that the purchase pages are compressed like the site's;
	// before handle, route and everything that answers.
	httpcaddyfile.RegisterDirectiveOrder("paywall", httpcaddyfile.After, "encode")
}

// parseDirective sets up the gate of a site from Caddyfile tokens. Syntax:
//
//	paywall [<matcher>] [<price>] {
//		free <matcher>
//		price [<matcher>] <price> {
//			per <patterns...>
//			share <creator> <percent>
//			access <duration>
//		}
//		teaser <selector> {
//			paragraphs <count> | words <count>
//		}
//		cap <amount> per month
//		gift_links <count> per month {
//			readers <count>
//		}
//		tips <amounts...>
//		bar on
//		origin <scheme://host[:port]>
//		query <parameters...>
//		crawlers <engines...>
//	}
//
// The first rule that matches decides; a price in the first line is the last
// rule. A matched path without a rule is refused, so what is free must be
// written. Prices are in the currency of the global option.
//
// The matcher does not become the route's: it is carried into the gate, which
// asks it about every reading of the requested path.
func parseDirective(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	if !h.Next() {
		return nil, h.ArgErr()
	}
	handler := &Handler{Source: words.Source(h.Dispenser)}
	p := directiveParser{Helper: h, handler: handler}
	var err error
	if p.currency, p.refund, err = globalSettings(h); err != nil {
		return nil, err
	}
	if err := p.parse(); err != nil {
		return nil, err
	}
	return []httpcaddyfile.ConfigValue{{
		Class: "route",
		Value: caddyhttp.Route{
			// An empty list and no list mean the same, but the adapter joins only routes
			// with equal lists. In a route of its own the gate finds what comes before it.
			MatcherSetsRaw: caddyhttp.RawMatcherSets{},
			HandlersRaw:    []json.RawMessage{caddyconfig.JSONModuleObject(handler, "handler", "paywall", nil)},
		},
	}}, nil
}

// directiveParser reads one paywall directive.
type directiveParser struct {
	httpcaddyfile.Helper
	handler  *Handler
	currency paywall.Currency
	refund   time.Duration
}

func (p *directiveParser) parse() error {
	matcher, amount, err := p.matcherAndAmount()
	if err != nil {
		return err
	}
	p.handler.MatcherSetsRaw = matcherSets(matcher)
	last := Rule{Price: amount, Source: words.Source(p.Dispenser)}
	if amount != "" {
		if err := p.check(last); err != nil {
			return err
		}
	}
	seen := make(map[string]bool)
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		if err := p.subdirective(seen); err != nil {
			return err
		}
	}
	if amount != "" {
		p.handler.Rules = append(p.handler.Rules, last)
	}
	if err := matchers.Check(p.handler.MatcherSetsRaw); err != nil {
		return words.AtSource(p.handler.Source, err)
	}
	if err := validateRules(p.handler.MatcherSetsRaw, p.handler.Rules, p.currency); err != nil {
		return words.AtSource(p.handler.Source, err)
	}
	if err := p.handler.checkChoices(matchers.Surroundings{}, nil); err != nil {
		return words.AtSource(p.handler.Source, err)
	}
	if err := checkAccess(p.handler.Rules, p.refund); err != nil {
		return err
	}
	if _, err := p.handler.monthlyCap(p.currency); err != nil {
		return words.AtSource(p.handler.Source, err)
	}
	return nil
}

// once are the lines that stand once at most, each with its parser.
var once = map[string]func(*directiveParser) error{
	"teaser":     (*directiveParser).teaser,
	"cap":        (*directiveParser).monthlyCap,
	"gift_links": (*directiveParser).giftLinks,
	"tips":       (*directiveParser).tips,
	"bar":        (*directiveParser).barOn,
	"origin":     (*directiveParser).origin,
	"query":      (*directiveParser).query,
	"crawlers":   (*directiveParser).crawlers,
}

func (p *directiveParser) subdirective(seen map[string]bool) error {
	word := p.Val()
	switch word {
	case "free":
		return p.free()
	case "price":
		return p.price()
	}
	parse := once[word]
	if parse == nil {
		return p.Errf("%s", p.unknownSubdirective(word))
	}
	if seen[word] {
		return p.Errf("%s is given twice", word)
	}
	seen[word] = true
	return parse(p)
}

// check refuses a rule while the dispenser still knows file and line.
func (p *directiveParser) check(r Rule) error {
	if _, err := r.provision(p.currency); err != nil {
		return p.WrapErr(err)
	}
	return nil
}

// noBlock refuses a block after a word that takes none.
func (p *directiveParser) noBlock(word string) error {
	if nesting := p.Nesting(); p.NextBlock(nesting) {
		return p.Errf("%s takes no block", word)
	}
	return nil
}

// globalSettings are the currency and the refund time of the paywall global
// option, which Caddy parses before the sites.
func globalSettings(h httpcaddyfile.Helper) (paywall.Currency, time.Duration, error) {
	var app App
	if option, ok := h.Option("paywall").(httpcaddyfile.App); ok {
		if err := json.Unmarshal(option.Value, &app); err != nil {
			return "", 0, fmt.Errorf("reading the paywall global option: %w", err)
		}
	}
	currency, err := paywall.ParseCurrency(cmp.Or(app.Currency, defaultCurrency))
	return currency, app.refundTime(), err
}
