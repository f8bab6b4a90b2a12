package caddymodule

import (
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/tuppence/tuppence/caddymodule/internal/topups"
	"github.com/tuppence/tuppence/caddymodule/internal/words"
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
			return d.Errf("%s", words.Unknown("subdirective of welcome", word, []string{"limit", "shares"}))
		}
		if nesting := d.Nesting(); d.NextBlock(nesting) {
			return d.Errf("the lines of welcome take no block")
		}
	}
	return nil
}

// unmarshalTopUp parses one way of the option. Syntax:
//
//	topup voucher {
//		buy <url>
//	}
//	topup stripe { ... }
//	topup bank { ... }
//
// Vouchers are always taken. The blocks of the other ways are those of their modules.
func (a *App) unmarshalTopUp(d *caddyfile.Dispenser, seen map[string]string) error {
	ways := append([]string{"voucher"}, topups.Names()...)
	if !d.NextArg() {
		return d.Errf("topup needs a way; write one of: %s", strings.Join(ways, ", "))
	}
	way := d.Val()
	if !slices.Contains(ways, way) {
		return d.Errf("%s", words.Unknown("way of topup", way, ways))
	}
	key := "topup " + way
	if seen[key] != "" {
		return d.Errf("%s is given twice", key)
	}
	seen[key] = words.Source(d)
	if a.TopUp == nil {
		a.TopUp = new(TopUp)
	}
	if way == "voucher" {
		a.TopUp.Voucher = &Voucher{Source: seen[key]}
		return a.TopUp.Voucher.unmarshal(d)
	}
	guest, err := caddyfile.UnmarshalModule(d, topups.Namespace+"."+way)
	if err != nil {
		return err
	}
	var warnings []caddyconfig.Warning
	a.TopUp.WaysRaw = append(a.TopUp.WaysRaw, caddyconfig.JSONModuleObject(guest, "way", way, &warnings))
	if len(warnings) > 0 {
		return d.Errf("topup %s: %s", way, warnings[0].Message)
	}
	if guest, ok := guest.(topups.Guest); ok {
		a.guests = append(a.guests, guest)
	}
	return nil
}

// unmarshal reads the block of "topup voucher".
func (v *Voucher) unmarshal(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Errf("topup voucher takes a block; write: topup voucher { buy https://shop.example/vouchers }, each on a line of its own")
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if d.Val() != "buy" {
			return d.Errf("%s", words.Unknown("option of topup voucher", d.Val(), []string{"buy"}))
		}
		if v.Buy != "" {
			return d.Errf("buy is given twice")
		}
		if args := d.RemainingArgs(); len(args) == 1 && args[0] != "" {
			v.Buy = args[0]
		} else {
			return d.Errf("buy needs the address where people get a voucher; write: buy https://shop.example/vouchers")
		}
		if _, err := v.url(); err != nil {
			return d.WrapErr(err)
		}
		if nesting := d.Nesting(); d.NextBlock(nesting) {
			return d.Errf("buy takes no block")
		}
	}
	return nil
}

// checkTopUps refuses ways that cannot be offered in the currency, which may be written
// below them. A placeholder that has no value here may have one where the server runs.
func (a *App) checkTopUps(currency paywall.Currency) error {
	for _, guest := range a.guests {
		if _, err := guest.Offer(currency, slog.New(slog.DiscardHandler)); err != nil && !errors.Is(err, topups.ErrUnresolved) {
			return err
		}
	}
	return nil
}
