package stripe

import (
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/tuppence/tuppence/paywall"
)

// step is a movement, and the balance transaction that made it, "" if that is not known yet.
//
// What moves by one balance transaction sums to its net. Which movements these are follows
// from the object that it is for, by the same functions in Look, Hook and Movements:
//
//	charge    payment (ID: payment intent), refund if the payment failed later (ID: balance transaction)
//	refund    refund, refund-failed (ID: refund)
//	dispute   dispute, dispute-won, dispute-lost (ID: dispute)
//	payout    payout, payout-failed (ID: payout)
//	its fee, and all else: fee, other (ID: balance transaction)
type step struct {
	txn string
	paywall.Movement
}

// movements are those that move something of the ledger's currency.
func movements(steps []step) []paywall.Movement {
	var all []paywall.Movement
	for _, s := range steps {
		if !s.Amount.IsZero() {
			all = append(all, s.Movement)
		}
	}
	return all
}

// ofCharge is what a payment brought. It is booked once it succeeded, also while its
// balance transaction, and the fee with that, is not known. Where a payment failed after
// it had succeeded, both show.
func (w *Way) ofCharge(c *stripe.Charge, payment, intent string) []step {
	own, failure := c.BalanceTransaction, c.FailureBalanceTransaction
	paid := c.Paid && c.Captured && c.Status == stripe.ChargeStatusSucceeded
	if !paid && (own == nil || failure == nil) {
		return nil
	}
	s := step{Movement: paywall.Movement{
		Way: Name, Kind: paywall.MovedPayment, ID: payment, Payment: payment, Intent: intent, At: at(c.Created),
	}}
	if own != nil {
		s.txn = own.ID
	}
	switch {
	case w.ours(c.Currency) && paid:
		s.Amount = w.money(c.AmountCaptured)
	case w.ours(c.Currency):
		s.Amount = w.money(c.Amount)
	case own != nil && w.ours(own.Currency):
		s.Amount = w.money(own.Amount) // charged in another currency, and converted
	}
	steps := append([]step{s}, w.fee(own, payment)...)
	if failure != nil {
		steps = append(steps, w.step(failure, paywall.Movement{
			Kind: paywall.MovedRefund, ID: failure.ID, Payment: payment, Amount: w.money(-failure.Amount), At: at(failure.Created),
		})...)
	}
	return steps
}

// ofRefund is what a refund moved: nothing while it waits for the publisher's balance.
func (w *Way) ofRefund(r *stripe.Refund) []step {
	payment := paymentOf(r.PaymentIntent, r.Charge)
	var steps []step
	if own := r.BalanceTransaction; own != nil {
		steps = w.step(own, paywall.Movement{
			Kind: paywall.MovedRefund, ID: r.ID, Payment: payment, CashOut: r.Metadata[metaCashOut],
			Amount: w.money(-own.Amount), At: at(r.Created),
		})
	}
	if back := r.FailureBalanceTransaction; back != nil {
		steps = append(steps, w.step(back, paywall.Movement{
			Kind: paywall.MovedRefundFailed, ID: r.ID, Payment: payment, CashOut: r.Metadata[metaCashOut],
			Amount: w.money(back.Amount), At: at(back.Created),
		})...)
	}
	return steps
}

// ofDispute is what a dispute moved. That follows from its balance transactions, not from
// its status: an inquiry has none, and one that is won but not paid back yet has one. Only
// that it is over, without money back, is taken from the status.
func (w *Way) ofDispute(d *stripe.Dispute) []step {
	payment := paymentOf(d.PaymentIntent, d.Charge)
	txns := slices.DeleteFunc(slices.Clone(d.BalanceTransactions), func(t *stripe.BalanceTransaction) bool { return t == nil })
	slices.SortStableFunc(txns, func(a, b *stripe.BalanceTransaction) int { return int(a.Created - b.Created) })
	var steps []step
	var taken paywall.Money
	takenBy, won := "", false
	for _, t := range txns {
		m := paywall.Movement{ID: d.ID, Payment: payment}
		switch {
		case t.Amount < 0 && taken.IsZero():
			taken, takenBy = w.money(-t.Amount), t.ID
			m.Kind, m.Amount, m.Fee, m.At = paywall.MovedDispute, taken, w.money(max(t.Fee, 0)), at(d.Created)
		case t.Amount > 0 && !taken.IsZero() && !won:
			won = true
			m.Kind, m.Amount, m.At = paywall.MovedDisputeWon, w.money(t.Amount), at(t.Created)
		default:
			steps = append(steps, w.ofOther(t, payment)...)
			continue
		}
		steps = append(steps, w.step(t, m)...)
	}
	over := d.Status == stripe.DisputeStatusLost || d.Status == stripe.DisputeStatusPrevented
	if over && !won && len(steps) > 0 && takenBy != "" {
		steps = append(steps, step{takenBy, paywall.Movement{ // when is not told
			Way: Name, Kind: paywall.MovedDisputeLost, ID: d.ID, Payment: payment, Amount: taken, At: at(d.Created),
		}})
	}
	return steps
}

// ofPayout is what went to the publisher's bank. A payout below zero comes from there, to
// cover a negative balance; that is other.
func (w *Way) ofPayout(p *stripe.Payout) []step {
	var steps []step
	if own := p.BalanceTransaction; own != nil {
		if own.Amount > 0 {
			return w.ofOther(own, "")
		}
		steps = w.step(own, paywall.Movement{Kind: paywall.MovedPayout, ID: p.ID, Amount: w.money(-own.Amount), At: at(p.Created)})
	}
	if back := p.FailureBalanceTransaction; back != nil {
		steps = append(steps, w.step(back, paywall.Movement{
			Kind: paywall.MovedPayoutFailed, ID: p.ID, Amount: w.money(back.Amount), At: at(back.Created),
		})...)
	}
	return steps
}

// ofOther is a balance transaction by itself.
func (w *Way) ofOther(t *stripe.BalanceTransaction, payment string) []step {
	m := paywall.Movement{Kind: paywall.MovedOther, ID: t.ID, Payment: payment, Amount: w.money(t.Amount), At: at(t.Created)}
	switch t.Type {
	case stripe.BalanceTransactionTypeStripeFee, stripe.BalanceTransactionTypeStripeFxFee, stripe.BalanceTransactionTypeTaxFee:
		if t.Amount < 0 && t.Fee == 0 {
			m.Kind, m.Amount = paywall.MovedFee, w.money(-t.Amount)
		}
	}
	if t.Fee < 0 { // one movement of this kind and id
		m.Amount = w.money(t.Amount - t.Fee)
		return w.step(&stripe.BalanceTransaction{ID: t.ID, Currency: t.Currency}, m)
	}
	return w.step(t, m)
}

// step is a movement by a balance transaction, and the fee of that. There is none in
// another currency than the ledger's: Stripe keeps a balance for each.
func (w *Way) step(t *stripe.BalanceTransaction, m paywall.Movement) []step {
	if !w.ours(t.Currency) {
		return nil
	}
	m.Way = Name
	steps := []step{{txn: t.ID, Movement: m}}
	if m.Kind == paywall.MovedDispute && t.Fee > 0 {
		return steps // that is in the movement
	}
	return append(steps, w.fee(t, m.Payment)...)
}

// fee is what a balance transaction cost beside its amount, or gave back of that.
func (w *Way) fee(t *stripe.BalanceTransaction, payment string) []step {
	if t == nil || t.Fee == 0 || !w.ours(t.Currency) {
		return nil
	}
	m := paywall.Movement{Way: Name, Kind: paywall.MovedFee, ID: t.ID, Payment: payment, Amount: w.money(t.Fee), At: at(t.Created)}
	if t.Fee < 0 {
		m.Kind, m.Amount = paywall.MovedOther, w.money(-t.Fee)
	}
	return []step{{txn: t.ID, Movement: m}}
}

// paymentOf is a payment's id: that of its payment intent, or of its charge if it has none.
func paymentOf(p *stripe.PaymentIntent, c *stripe.Charge) string {
	switch {
	case p != nil && p.ID != "":
		return p.ID
	case c != nil:
		return c.ID
	}
	return ""
}

// isCharge reports whether a payment's id is that of a charge.
func isCharge(payment string) bool {
	return strings.HasPrefix(payment, "ch_") || strings.HasPrefix(payment, "py_")
}

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
