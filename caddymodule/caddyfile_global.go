package caddymodule

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/tuppence/tuppence/caddymodule/internal/words"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("paywall", parseGlobalOption)
}

// parseGlobalOption sets up the app from Caddyfile tokens. Syntax:
//
//	paywall {
//		currency <code>
//		storage badger <path>
//		welcome <amount> {
//			limit <count> per day
//			shares
//		}
//		refund <duration> {
//			limit <count> per month
//		}
//		limits <factor>
//		topup voucher {
//			buy <url>
//		}
//		topup stripe {
//			secret_key <key>
//			webhook_secret <secrets...>
//			amounts <amounts...>
//			endpoint <url>
//			page_origin <origin>
//		}
//		topup bank {
//			name <text>
//			iban <number>
//			bic <code>
//			amounts <amounts...>
//			statements <folder>
//		}
//		ui {
//			name <text>
//			logo <path>
//			accent <color>
//			languages <tags...>
//			templates <folder>
//		}
//	}
//
// Without the option, or without a line of it: USD, the folder "paywall" in
// Caddy's data directory, no welcome credit, 30m and 5 per month, limits of 1,
// vouchers, pages that show the site's host, in all languages. A welcome has a
// limit of 500 per day, and no shares.
func parseGlobalOption(d *caddyfile.Dispenser, existing any) (any, error) {
	d.Next()
	if existing != nil {
		return nil, d.Errf("the global option paywall is given twice")
	}
	if d.NextArg() {
		return nil, d.ArgErr()
	}
	app := new(App)
	seen := make(map[string]string) // word → where it stands
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		if err := app.unmarshalOption(d, seen); err != nil {
			return nil, err
		}
		seen[word] = words.Source(d)
	}
	// The currency may be written below the amount.
	currency, err := paywall.ParseCurrency(cmp.Or(app.Currency, defaultCurrency))
	if err == nil {
		_, err = parseWelcome(app.Welcome, currency)
	}
	if err != nil {
		return nil, words.AtSource(seen["welcome"], err)
	}
	if err := app.checkTopUps(currency); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: "paywall", Value: caddyconfig.JSON(app, nil)}, nil
}

// unmarshalOption reads one line of the option.
func (a *App) unmarshalOption(d *caddyfile.Dispenser, seen map[string]string) error {
	word := d.Val()
	if !slices.Contains(globalWords, word) {
		return d.Errf("%s", words.Unknown("option of paywall", word, globalWords))
	}
	if word == "ui" {
		if seen[word] != "" {
			return d.Errf("%s is given twice", word)
		}
		return a.unmarshalUI(d)
	}
	if word == "topup" {
		return a.unmarshalTopUp(d, seen)
	}
	args := d.RemainingArgs()
	if word == "refund" {
		return a.unmarshalRefund(d, args, seen[word] != "")
	}
	if word == "storage" && len(args) == 2 && args[0] == "badger" {
		a.Storage = &Storage{Store: args[0], Path: args[1]}
	} else if word == "storage" {
		return d.Errf("unknown storage; write: storage badger <path>")
	} else if len(args) != 1 {
		return d.ArgErr()
	}
	if seen[word] != "" {
		return d.Errf("%s is given twice", word)
	}
	switch word {
	case "storage":
	case "currency":
		currency, err := paywall.ParseCurrency(args[0])
		if err != nil {
			return d.WrapErr(err)
		}
		a.Currency = string(currency)
	case "welcome":
		return a.unmarshalWelcome(d, args[0])
	case "limits":
		factor, err := strconv.Atoi(args[0])
		if err == nil {
			err = checkLimits(factor)
		}
		if err != nil {
			return d.Errf("limits %q is not a whole number from 1 to %d; write 100 to let one address do a hundred times as much", args[0], checkout.MaxLimitFactor)
		}
		a.Limits = factor
	}
	if nesting := d.Nesting(); d.NextBlock(nesting) {
		return d.Errf("%s takes no block", word)
	}
	return nil
}

// unmarshalRefund parses: refund <duration> [{ limit <count> per month }]
func (a *App) unmarshalRefund(d *caddyfile.Dispenser, args []string, twice bool) error {
	if twice {
		return d.Errf("refund is given twice")
	}
	refund, err := duration(d, "refund", args)
	if err != nil {
		return err
	}
	if refund < 0 || refund > maxRefund {
		return d.Errf("refund %s is out of range; write a duration from 0, which lets nobody undo, to 90d", args[0])
	}
	a.Refund = (*caddy.Duration)(&refund)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if d.Val() != "limit" {
			return d.Errf("%s", words.Unknown("subdirective of refund", d.Val(), []string{"limit"}))
		}
		if a.RefundLimit != 0 {
			return d.Errf("limit is given twice")
		}
		if a.RefundLimit, err = perMonth(d); err != nil {
			return err
		}
	}
	if err := checkRefundLimit(a.RefundLimit, refund); err != nil {
		return d.WrapErr(err)
	}
	return nil
}
