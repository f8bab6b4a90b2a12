package caddymodule

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/gate"
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
	handler := &Handler{Source: source(h.Dispenser)}
	p := directiveParser{Helper: h, handler: handler}
	var err error
	if p.currency, err = globalCurrency(h); err != nil {
		return nil, err
	}
	if err := p.parse(); err != nil {
		return nil, err
	}
	return []httpcaddyfile.ConfigValue{{
		Class: "route",
		Value: caddyhttp.Route{
			HandlersRaw: []json.RawMessage{caddyconfig.JSONModuleObject(handler, "handler", "paywall", nil)},
		},
	}}, nil
}

// directiveParser reads one paywall directive.
type directiveParser struct {
	httpcaddyfile.Helper
	handler  *Handler
	currency paywall.Currency
}

func (p *directiveParser) parse() error {
	matcher, amount, err := p.matcherAndAmount()
	if err != nil {
		return err
	}
	p.handler.MatcherSetsRaw = matcherSets(matcher)
	last := Rule{Price: amount, Source: source(p.Dispenser)}
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
	if err := checkMatchers(p.handler.MatcherSetsRaw); err != nil {
		return atSource(p.handler.Source, err)
	}
	if err := validateRules(p.handler.Rules, p.currency); err != nil {
		return atSource(p.handler.Source, err)
	}
	if _, err := p.handler.monthlyCap(p.currency); err != nil {
		return atSource(p.handler.Source, err)
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
		return p.Errf("unrecognized subdirective: %s", word)
	}
	if seen[word] {
		return p.Errf("%s is given twice", word)
	}
	seen[word] = true
	return parse(p)
}

// origin parses: origin <scheme://host[:port]>
func (p *directiveParser) origin() error {
	if !p.AllArgs(&p.handler.Origin) {
		return p.ArgErr()
	}
	if _, err := newOrigin(p.handler.Origin); err != nil {
		return p.WrapErr(err)
	}
	return nil
}

// query parses: query <parameters...>
func (p *directiveParser) query() error {
	if p.handler.Query = p.RemainingArgs(); len(p.handler.Query) == 0 {
		return p.ArgErr()
	}
	return nil
}

// crawlers parses: crawlers <engines...>
func (p *directiveParser) crawlers() error {
	p.handler.Crawlers = p.RemainingArgs()
	if err := gate.CheckEngines(p.handler.Crawlers); err != nil {
		return p.WrapErr(err)
	}
	return p.noBlock("crawlers")
}

// free parses: free <matcher>
func (p *directiveParser) free() error {
	rule := Rule{Free: true, Source: source(p.Dispenser)}
	matcher, ok, err := p.MatcherToken()
	if err != nil {
		return p.WrapErr(err)
	}
	if !ok {
		return p.Errf("free needs a matcher, such as: free /articles/welcome")
	}
	if p.NextArg() {
		return p.ArgErr()
	}
	rule.MatcherSetsRaw = matcherSets(matcher)
	p.handler.Rules = append(p.handler.Rules, rule)
	return p.noBlock("free")
}

// price parses: price [<matcher>] <price> [{ ... }]
func (p *directiveParser) price() error {
	rule := Rule{Source: source(p.Dispenser)}
	matcher, amount, err := p.matcherAndAmount()
	if err != nil {
		return err
	}
	if amount == "" {
		return p.Errf("price needs an amount, such as: price /magazine/* 0.50")
	}
	rule.MatcherSetsRaw, rule.Price = matcherSets(matcher), amount
	if err := p.check(rule); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		if err := p.priceOption(&rule, seen); err != nil {
			return err
		}
	}
	p.handler.Rules = append(p.handler.Rules, rule)
	return nil
}

func (p *directiveParser) priceOption(rule *Rule, seen map[string]bool) error {
	word := p.Val()
	args := p.RemainingArgs()
	key := word
	switch {
	case word == "share" && len(args) == 2:
		key += " " + args[0]
		rule.Shares = append(rule.Shares, Share{Creator: args[0], Percent: args[1]})
	case word == "per" && len(args) > 0:
		rule.Per = args
	case word == "access" && len(args) == 1:
		access, err := caddy.ParseDuration(args[0])
		if err != nil {
			return p.Errf("access %q is not a duration such as 24h or 30d", args[0])
		}
		if access <= 0 {
			return p.Errf("access must be above zero; leave the line out for access without end")
		}
		rule.Access = caddy.Duration(access)
	case word == "share" || word == "per" || word == "access":
		return p.ArgErr()
	default:
		return p.Errf("unrecognized subdirective of price: %s", word)
	}
	if seen[key] {
		return p.Errf("%s is given twice", key)
	}
	seen[key] = true
	if err := p.noBlock(word); err != nil {
		return err
	}
	return p.check(*rule)
}

// matcherAndAmount reads the arguments [<matcher>] [<amount>].
func (p *directiveParser) matcherAndAmount() (caddy.ModuleMap, string, error) {
	args := p.CountRemainingArgs()
	matcher, ok, err := p.MatcherToken()
	if err != nil {
		return nil, "", p.WrapErr(err)
	}
	switch {
	case args == 0 || ok && args == 1:
		return matcher, "", nil
	case ok && args == 2:
		p.NextArg()
	case args > 1:
		return nil, "", p.Errf("wrong argument count: write [<matcher>] <price>; the currency is a global option")
	}
	return matcher, p.Val(), nil
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

// globalCurrency is the currency of the paywall global option, which Caddy
// parses before the sites.
func globalCurrency(h httpcaddyfile.Helper) (paywall.Currency, error) {
	var app App
	if option, ok := h.Option("paywall").(httpcaddyfile.App); ok {
		if err := json.Unmarshal(option.Value, &app); err != nil {
			return "", fmt.Errorf("reading the paywall global option: %w", err)
		}
	}
	return paywall.ParseCurrency(withDefault(app.Currency, defaultCurrency))
}

// source is where the current token stands. The folder is left out: it would
// tell readers of /config/ about the machine, and people know their file.
func source(d *caddyfile.Dispenser) string {
	return fmt.Sprintf("%s:%d", filepath.Base(d.File()), d.Line())
}
