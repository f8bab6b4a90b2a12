package stripe

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/tuppence/tuppence/paywall"
)

const (
	// firstWindow and maxWindow are how much time is listed at once; see [Way.Movements].
	firstWindow = 24 * time.Hour
	maxWindow   = 64 * 24 * time.Hour
)

// opened is when Stripe opened: nothing moved before.
var opened = time.Date(2011, 9, 1, 0, 0, 0, 0, time.UTC)

// Movements lists the account's balance transactions in the ledger's currency. Stripe
// lists the newest first; so windows of time are listed one after the other, larger ones
// where little happened, and the memory that this takes does not grow with the account.
//
// A payment's Intent is what its metadata says. Only [Way.Look] checks it against the
// intent. A payment whose success is not certain yet is left out with all that belongs to
// it; no balance has it either.
func (w *Way) Movements(ctx context.Context, since time.Time) iter.Seq2[paywall.Movement, error] {
	return func(yield func(paywall.Movement, error) bool) {
		from, end := since, w.now().Add(skew)
		if from.Before(opened) {
			from = opened
		}
		window := firstWindow
		for from.Before(end) {
			to := from.Add(window)
			all, n, err := w.between(ctx, from, to)
			if errors.Is(err, errTooMany) && window > 2*time.Second {
				window /= 2
				continue
			}
			if err != nil {
				yield(paywall.Movement{}, err)
				return
			}
			for _, m := range slices.Backward(all) {
				if !yield(m, nil) {
					return
				}
			}
			from = to
			if n < pageSize {
				window = min(2*window, maxWindow)
			}
		}
	}
}

// between lists the movements of the balance transactions that were made from one time to
// another, newest first, and says how many of those there were.
func (w *Way) between(ctx context.Context, from, to time.Time) (all []paywall.Movement, n int, err error) {
	p := &stripe.BalanceTransactionListParams{
		Currency:     stripe.String(strings.ToLower(string(w.currency))),
		CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: from.Unix(), LesserThan: to.Unix()},
	}
	p.AddExpand("data.source")
	for t, err := range w.transactions(p).all(ctx) {
		if err != nil {
			return nil, 0, err
		}
		n++
		of := movements(w.ofTransaction(t))
		slices.Reverse(of)
		all = append(all, of...)
	}
	return all, n, nil
}

// ofTransaction is what moved by one balance transaction. A dispute that is lost comes with
// the one that took the money.
func (w *Way) ofTransaction(t *stripe.BalanceTransaction) []step {
	var steps []step
	placed, payment := true, ""
	switch src := t.Source; {
	case src == nil:
		return w.ofOther(t, "")
	case src.Charge != nil:
		c := src.Charge
		payment = paymentOf(c.PaymentIntent, c)
		placed = place(t, &c.BalanceTransaction, &c.FailureBalanceTransaction, t.Amount > 0)
		steps = w.ofCharge(c, payment, intentOf(c.Metadata))
	case src.Refund != nil:
		r := src.Refund
		payment = paymentOf(r.PaymentIntent, r.Charge)
		placed = place(t, &r.BalanceTransaction, &r.FailureBalanceTransaction, t.Amount < 0)
		steps = w.ofRefund(r)
	case src.Dispute != nil:
		d := src.Dispute
		if !slices.ContainsFunc(d.BalanceTransactions, func(o *stripe.BalanceTransaction) bool { return o != nil && o.ID == t.ID }) {
			d.BalanceTransactions = append(d.BalanceTransactions, t)
		}
		steps = w.ofDispute(d)
	case src.Payout != nil:
		p := src.Payout
		placed = place(t, &p.BalanceTransaction, &p.FailureBalanceTransaction, t.Type == stripe.BalanceTransactionTypePayout)
		steps = w.ofPayout(p)
	default:
		return w.ofOther(t, "")
	}
	if !placed {
		return w.ofOther(t, payment)
	}
	return slices.DeleteFunc(steps, func(s step) bool { return s.txn != t.ID })
}

// place puts a balance transaction where its object names it, or where it names none yet.
// It reports whether there is such a place.
func place(t *stripe.BalanceTransaction, own, back **stripe.BalanceTransaction, first bool) bool {
	switch {
	case *own != nil && (*own).ID == t.ID:
		*own = t
	case *back != nil && (*back).ID == t.ID:
		*back = t
	case first && *own == nil:
		*own = t
	case !first && *back == nil:
		*back = t
	default:
		return false
	}
	return true
}
