package caddymodule

import (
	"strconv"

	"github.com/tuppence/tuppence/caddymodule/internal/words"
	"github.com/tuppence/tuppence/paywall/gate"
)

// teaser parses: teaser <selector> { paragraphs <count> | words <count> }
func (p *directiveParser) teaser() error {
	t := new(Teaser)
	begin := words.Source(p.Dispenser)
	if args := p.RemainingArgs(); len(args) == 1 {
		t.Selector = args[0]
	} else {
		return p.Errf("teaser needs one selector, such as: teaser article; put one with spaces or a # in quotes")
	}
	given := false
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		if given {
			return p.Errf("teaser takes one line in its block: write paragraphs 3, or words 100")
		}
		given = true
		if err := p.teaserLength(t); err != nil {
			return err
		}
	}
	if !given {
		return p.Errf("teaser needs a block that says how much stays: write paragraphs 3, or words 100")
	}
	if _, err := t.cutter(); err != nil {
		return words.AtSource(begin, err)
	}
	p.handler.Teaser = t
	return nil
}

func (p *directiveParser) teaserLength(t *Teaser) error {
	word, args := p.Val(), p.RemainingArgs()
	if word != "paragraphs" && word != "words" {
		return p.Errf("%s", words.Unknown("subdirective of teaser", word, teaserWords))
	}
	if len(args) != 1 {
		return p.Errf("wrong argument count: write %s 3", word)
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n <= 0 {
		return p.Errf("%s %q is not a whole number above zero", word, args[0])
	}
	if word == "words" {
		t.Words = n
	} else {
		t.Paragraphs = n
	}
	return p.noBlock(word)
}

// monthlyCap parses: cap <amount> per month
func (p *directiveParser) monthlyCap() error {
	args := p.RemainingArgs()
	if len(args) != 3 || args[1] != "per" || args[2] != "month" {
		return p.Errf("cap needs an amount and its time; write: cap 6.00 per month")
	}
	p.handler.Cap = args[0]
	if _, err := parseCap(args[0], p.currency); err != nil {
		return p.WrapErr(err)
	}
	return p.noBlock("cap")
}

// giftLinks parses: gift_links <count> per month [{ readers <count> }]
func (p *directiveParser) giftLinks() error {
	limit, err := perMonth(p.Dispenser)
	if err != nil {
		return err
	}
	links := &GiftLinks{Limit: limit}
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		if p.Val() != "readers" {
			return p.Errf("%s", words.Unknown("subdirective of gift_links", p.Val(), []string{"readers"}))
		}
		if links.Readers != 0 {
			return p.Errf("readers is given twice")
		}
		var count string
		if !p.AllArgs(&count) {
			return p.ArgErr()
		}
		if links.Readers, err = strconv.Atoi(count); err != nil || links.Readers < 1 {
			return p.Errf("readers %q is not a whole number above zero", count)
		}
	}
	if _, err := links.options(); err != nil {
		return p.WrapErr(err)
	}
	p.handler.GiftLinks = links
	return nil
}

// tips parses: tips <amounts...>
func (p *directiveParser) tips() error {
	p.handler.Tips = p.RemainingArgs()
	if len(p.handler.Tips) == 0 {
		return p.Errf("tips needs the amounts to choose from; write: tips 0.20 0.50 1.00")
	}
	if _, err := parseTips(p.handler.Tips, p.currency); err != nil {
		return p.WrapErr(err)
	}
	return p.noBlock("tips")
}

// barOn parses: bar on
func (p *directiveParser) barOn() error {
	var on string
	if !p.AllArgs(&on) || on != "on" {
		return p.Errf("write: bar on; leave the line out for no bar")
	}
	p.handler.Bar = true
	return p.noBlock("bar")
}

// origin parses: origin <scheme://host[:port]>
func (p *directiveParser) origin() error {
	if !p.AllArgs(&p.handler.Origin) {
		return p.Errf("origin needs the site's address; write: origin https://news.example")
	}
	if _, err := newOrigin(p.handler.Origin); err != nil {
		return p.WrapErr(err)
	}
	return p.noBlock("origin")
}

// query parses: query <parameters...>
func (p *directiveParser) query() error {
	if p.handler.Query = p.RemainingArgs(); len(p.handler.Query) == 0 {
		return p.Errf("query needs the names of parameters; write: query p")
	}
	if err := checkQueryNames(p.handler.Query); err != nil {
		return p.WrapErr(err)
	}
	return p.noBlock("query")
}

// crawlers parses: crawlers <engines...>
func (p *directiveParser) crawlers() error {
	p.handler.Crawlers = p.RemainingArgs()
	if err := gate.CheckEngines(p.handler.Crawlers); err != nil {
		return p.WrapErr(err)
	}
	return p.noBlock("crawlers")
}
