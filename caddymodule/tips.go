package caddymodule

import (
	"fmt"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout"
)

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

func parseTips(amounts []string, currency paywall.Currency) ([]paywall.Money, error) {
	var tips []paywall.Money
	for _, s := range amounts {
		amount, err := resolve(s)
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
