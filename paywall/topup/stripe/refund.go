package stripe

import (
	"context"
	"fmt"

	"github.com/stripe/stripe-go/v85"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

// Return refunds a part of a payment. It looks for the refund first: Stripe forgets an
// idempotency key after a day, and a failure that it stored with one says nothing of what
// was done. Only where there is no refund is it asked for one, with the next key if the
// answer to the last is stored.
func (w *Way) Return(ctx context.Context, part paywall.CashOutPart) (paywall.CashOutState, error) {
	amount, err := minor(part.Amount)
	if err != nil {
		return part.State, err
	}
	ctx, cancel := context.WithTimeout(ctx, nobodyWaits)
	defer cancel()
	for n := range maxKeys {
		r, err := w.refundFor(ctx, part)
		if err != nil {
			return part.State, err
		}
		if r == nil {
			r, err = call(ctx, createRefund, func(ctx context.Context) (*stripe.Refund, error) {
				return w.api.createRefund(ctx, refundParams(part, amount, n))
			})
		}
		switch {
		case err == nil:
			return refundState(r)
		case !stored(err):
			return part.State, err
		}
	}
	return part.State, fmt.Errorf("%w: Stripe answers with earlier failures; it forgets them after a day", topup.ErrProvider)
}

func refundParams(part paywall.CashOutPart, amount int64, n int) *stripe.RefundCreateParams {
	p := &stripe.RefundCreateParams{Amount: &amount, Metadata: map[string]string{metaCashOut: part.ID}}
	if isCharge(part.Payment) {
		p.Charge = &part.Payment
	} else {
		p.PaymentIntent = &part.Payment
	}
	p.SetIdempotencyKey(key(part.ID, n))
	return p
}

// refundFor finds the refund that was made for a part, nil if none was.
func (w *Way) refundFor(ctx context.Context, part paywall.CashOutPart) (*stripe.Refund, error) {
	for r, err := range w.refunds(part.Payment).all(ctx) {
		if missing(err) { // the payment, and so will the refund be refused
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if r.Metadata[metaCashOut] == part.ID {
			return r, nil
		}
	}
	return nil, nil
}

// refundState translates a refund's state. One that waits for the publisher's balance, or
// for the reader to say where to send it, is pending.
func refundState(r *stripe.Refund) (paywall.CashOutState, error) {
	switch r.Status {
	case stripe.RefundStatusSucceeded:
		return paywall.CashOutDone, nil
	case stripe.RefundStatusPending, stripe.RefundStatusRequiresAction:
		return paywall.CashOutPending, nil
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		return paywall.CashOutFailed, nil
	}
	return paywall.CashOutPending, fmt.Errorf("%w: a refund is %q, which is not known", topup.ErrProvider, short(string(r.Status)))
}
