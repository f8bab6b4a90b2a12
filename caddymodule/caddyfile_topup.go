package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
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

// unmarshalTopUp parses: topup voucher
func (a *App) unmarshalTopUp(d *caddyfile.Dispenser, way string) error {
	if way != "voucher" {
		return d.Errf("unknown top-up %q; write: topup voucher", way)
	}
	a.TopUp = &TopUp{Voucher: &struct{}{}}
	return nil
}
