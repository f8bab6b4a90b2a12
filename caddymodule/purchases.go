package caddymodule

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/tuppence/tuppence/caddymodule/internal/words"
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

func parseTips(amounts []string, currency paywall.Currency) ([]paywall.Money, error) {
	var tips []paywall.Money
	for _, s := range amounts {
		amount, err := words.Resolve(s)
		if err != nil {
			return nil, fmt.Errorf("tips: %w", err)
		}
		m, err := paywall.ParsePrice(amount, currency)
		if err != nil {
			return nil, fmt.Errorf("tips: %w", err)
		}
		tips = append(tips, m)
	}
	return tips, checkout.CheckTips(tips)
}

func parseCap(s string, currency paywall.Currency) (paywall.Money, error) {
	amount, err := words.Resolve(s)
	if err != nil {
		return paywall.Money{}, fmt.Errorf("cap: %w", err)
	}
	m, err := paywall.ParsePrice(amount, currency)
	if err != nil {
		return m, fmt.Errorf("cap: %w", err)
	}
	return m, nil
}

// monthlyCap is the cap of the site, zero if it has none. One below a price would
// be that price: a slip that nobody would notice.
func (h *Handler) monthlyCap(currency paywall.Currency) (paywall.Money, error) {
	if h.Cap == "" {
		return paywall.Money{}, nil
	}
	m, err := parseCap(h.Cap, currency)
	if err != nil {
		return m, err
	}
	for i := range h.Rules {
		rule, err := h.Rules[i].provision(currency)
		if err != nil {
			return m, words.AtSource(h.Rules[i].Source, err)
		}
		if rule.Price.Micros > m.Micros {
			return m, fmt.Errorf("cap %s is below the price %s, which nobody would ever pay; write a cap of at least %s", m, rule.Price, rule.Price)
		}
	}
	return m, nil
}

// checkBar refuses a bar that no page would ever get.
func (h *Handler) checkBar() error {
	if h.Bar && h.app.refund == 0 {
		return errors.New("bar: it is shown while a purchase can be undone, which refund 0 rules out; remove one of the two lines")
	}
	return nil
}
