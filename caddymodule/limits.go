package caddymodule

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout"
)

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

func parseCap(s string, currency paywall.Currency) (paywall.Money, error) {
	amount, err := resolve(s)
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
			return m, atSource(h.Rules[i].Source, err)
		}
		if rule.Price.Micros > m.Micros {
			return m, fmt.Errorf("cap %s is below the price %s, which nobody would ever pay; write a cap of at least %s", m, rule.Price, rule.Price)
		}
	}
	return m, nil
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
			return d.Errf("%s", unknown("subdirective of refund", d.Val(), []string{"limit"}))
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

// perMonth parses the rest of a line: <count> per month
func perMonth(d *caddyfile.Dispenser) (int, error) { return countPer(d, "month", 5) }

func countPer(d *caddyfile.Dispenser, period string, example int) (int, error) {
	word, args := d.Val(), d.RemainingArgs()
	if len(args) != 3 || args[1] != "per" || args[2] != period {
		return 0, d.Errf("%s needs a number and its time; write: %s %d per %s", word, word, example, period)
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n <= 0 || n > math.MaxInt32 {
		return 0, d.Errf("%s %q is not a whole number above zero", word, args[0])
	}
	return n, nil
}

func checkRefundLimit(limit int, refund time.Duration) error {
	switch {
	case limit < 0 || limit > math.MaxInt32:
		return fmt.Errorf("a limit of %d refunds cannot be kept; write a whole number above zero, or leave it out", limit)
	case limit > 0 && refund == 0:
		return fmt.Errorf("refund 0 lets nobody undo a purchase; leave the limit out")
	}
	return nil
}

// checkLimits checks the factor of the global option limits.
func checkLimits(factor int) error {
	if factor < 1 || factor > checkout.MaxLimitFactor {
		return fmt.Errorf("limits %d: write a whole number from 1 to %d", factor, checkout.MaxLimitFactor)
	}
	return nil
}
