package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/caddymodule/internal/words"
)

// free parses: free <matcher>
func (p *directiveParser) free() error {
	rule := Rule{Free: true, Source: words.Source(p.Dispenser)}
	matcher, ok, err := p.MatcherToken()
	if err != nil {
		return p.WrapErr(err)
	}
	if !ok && strings.Contains(p.Val(), "*") {
		return p.Errf("%s", needsName("free", p.Val(), ""))
	}
	if !ok {
		return p.Errf("free needs a matcher, such as: free /articles/welcome")
	}
	if p.NextArg() {
		return p.Errf("free takes one path; write a free line for each, or a named matcher: @open path /articles/welcome /articles/about, then: free @open")
	}
	rule.MatcherSetsRaw = matcherSets(matcher)
	p.handler.Rules = append(p.handler.Rules, rule)
	return p.noBlock("free")
}

// price parses: price [<matcher>] <price> [{ ... }]
func (p *directiveParser) price() error {
	rule := Rule{Source: words.Source(p.Dispenser)}
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
	var err error
	switch word {
	case "share":
		if err = p.share(rule, args); err == nil {
			key += " " + args[0]
		}
	case "per":
		if rule.Per = args; len(args) == 0 {
			err = p.Errf("per needs a path that ends in /*, such as: per /albums/*")
		}
	case "access":
		err = p.access(rule, args)
	default:
		err = p.Errf("%s", words.Unknown("subdirective of price", word, priceWords))
	}
	if err != nil {
		return err
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

// share parses: share <creator> <percent>
func (p *directiveParser) share(rule *Rule, args []string) error {
	if len(args) != 2 {
		return p.Errf("share needs a creator and a part; write: share alice 70%%")
	}
	creator, percent := args[0], args[1]
	if !strings.HasSuffix(percent, "%") && !strings.Contains(percent, "{") {
		return p.Errf("share %s %s: write the part in percent, with its sign, such as: share %s 70%%", creator, percent, creator)
	}
	rule.Shares = append(rule.Shares, Share{Creator: creator, Percent: percent})
	return nil
}

// access parses: access <duration>
func (p *directiveParser) access(rule *Rule, args []string) error {
	access, err := duration(p.Dispenser, "access", args)
	if err != nil {
		return err
	}
	if access <= 0 {
		return p.Errf("access must be above zero; leave the line out for access without end")
	}
	rule.Access = caddy.Duration(access)
	return nil
}

// matcherAndAmount reads the arguments [<matcher>] [<amount>].
func (p *directiveParser) matcherAndAmount() (caddy.ModuleMap, string, error) {
	word := p.Val()
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
		return nil, "", p.Errf("%s", wrongArguments(word, ok, append([]string{p.Val()}, p.RemainingArgs()...)))
	}
	amount := p.Val()
	if strings.Contains(amount, "/") {
		return nil, "", p.Errf("%q is no price; a path begins with a slash, and the price comes after it: %s /articles/* 0.20", amount, word)
	}
	return matcher, amount, nil
}

// wrongArguments says what is wrong with arguments that are neither a matcher
// nor a price nor both.
func wrongArguments(word string, matched bool, args []string) string {
	switch {
	case matched && strings.HasPrefix(args[1], "/"):
		return "several paths need a named matcher: @paid path /a/* /b/*, then: " + word + " @paid 0.20"
	case !matched && (strings.HasPrefix(args[1], "/") || strings.HasPrefix(args[1], "@")):
		return "the path comes first, then the price; write: " + word + " " + args[1] + " " + args[0]
	case !matched && strings.HasPrefix(args[0], "*"):
		return needsName(word, args[0], " "+args[1])
	case !matched && strings.Contains(args[0], "/"):
		return "a path begins with a slash; write: " + word + " /" + args[0] + " " + args[1]
	}
	return "wrong argument count: write [<matcher>] <price>; the currency is a global option"
}

// needsName is for a pattern that only a named matcher can hold.
func needsName(word, pattern, price string) string {
	return "a pattern that does not begin with a slash needs a named matcher: @files path " + pattern + ", then: " + word + " @files" + price
}

// matcherSets is one set in the form that a route's "match" has.
func matcherSets(set caddy.ModuleMap) caddyhttp.RawMatcherSets {
	if set == nil {
		return nil
	}
	return caddyhttp.RawMatcherSets{set}
}
