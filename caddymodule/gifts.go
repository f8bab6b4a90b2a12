package caddymodule

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout"
)

// GiftLinks lets readers give away what they bought here: a link opens the article
// to others, for nothing. A purchase of which a link was opened can no longer be
// undone. Whoever has the link's address can open it, so requests for it are left
// out of access logs, and out of the Referer in them.
type GiftLinks struct {
	// How many links a reader makes in a month, which is one of UTC; at most 1000.
	Limit int `json:"limit"`

	// How many others one link opens the article to, at most 1000. Default: 10.
	Readers int `json:"readers,omitempty"`
}

const defaultGiftReaders = 10

// options checks the config and turns it into the checkout's. A nil one makes no links.
func (g *GiftLinks) options() (checkout.GiftLinks, error) {
	if g == nil {
		return checkout.GiftLinks{}, nil
	}
	o := checkout.GiftLinks{Limit: g.Limit, Readers: cmp.Or(g.Readers, defaultGiftReaders)}
	if o.Limit < 1 || o.Limit > paywall.MaxGiftReaders {
		return o, fmt.Errorf("gift_links: a limit of %d a month cannot be kept; write one from 1 to %d", o.Limit, paywall.MaxGiftReaders)
	}
	if o.Readers < 1 || o.Readers > paywall.MaxGiftReaders {
		return o, fmt.Errorf("gift_links: %d readers of one link are too many or too few; write 1 to %d", o.Readers, paywall.MaxGiftReaders)
	}
	return o, nil
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
			return p.Errf("%s", unknown("subdirective of gift_links", p.Val(), []string{"readers"}))
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
