package caddymodule

import (
	"fmt"
	"math"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/tuppence/tuppence/paywall"
)

// unmarshalWelcome parses: welcome <amount> [{ limit <count> per day; shares }]
func (a *App) unmarshalWelcome(d *caddyfile.Dispenser, amount string) (err error) {
	a.Welcome = amount
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch word := d.Val(); word {
		case "limit":
			if a.WelcomeLimit != 0 {
				return d.Errf("limit is given twice")
			}
			if a.WelcomeLimit, err = countPer(d, "day", 500); err != nil {
				return err
			}
		case "shares":
			if d.CountRemainingArgs() > 0 {
				return d.Errf("shares takes no value; write: shares")
			}
			if a.WelcomeShares {
				return d.Errf("shares is given twice")
			}
			a.WelcomeShares = true
		default:
			return d.Errf("%s", unknown("subdirective of welcome", word, []string{"limit", "shares"}))
		}
		if nesting := d.Nesting(); d.NextBlock(nesting) {
			return d.Errf("the lines of welcome take no block")
		}
	}
	return nil
}

func parseWelcome(s string, c paywall.Currency) (paywall.Money, error) {
	if s == "" {
		return paywall.Money{Currency: c}, nil
	}
	amount, err := resolve(s)
	if err != nil {
		return paywall.Money{}, fmt.Errorf("welcome: %w", err)
	}
	m, err := paywall.ParsePrice(amount, c)
	if err != nil {
		return m, fmt.Errorf("welcome: %w", err)
	}
	return m, nil
}

// checkWelcome checks what a config in JSON may say beside the amount.
func checkWelcome(limit int, shares bool, welcome string) error {
	switch {
	case limit < 0 || limit > math.MaxInt32:
		return fmt.Errorf("a limit of %d welcome credits cannot be kept; write a whole number above zero, or leave it out", limit)
	case welcome == "" && (limit > 0 || shares):
		return fmt.Errorf("there is no welcome credit to limit or to share; write: welcome 0.60")
	}
	return nil
}
