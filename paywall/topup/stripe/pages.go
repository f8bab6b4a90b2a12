package stripe

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/stripe/stripe-go/v85"

	"github.com/tuppence/tuppence/paywall/topup"
)

const (
	// pageSize is the most that Stripe lists at once.
	pageSize = 100
	// maxPages bounds a list.
	maxPages = 20
)

// errTooMany: a list is longer than its bound; what is left out is not taken for missing.
var errTooMany = errors.New("too many objects are listed")

// listing is what is listed and how.
type listing[E any] struct {
	operation
	params *stripe.ListParams // of list; changed from page to page
	list   func(context.Context) *stripe.V1List[*E]
	id     func(*E) string
}

// all yields the objects, newest first. Each page is asked for with retries, which the
// SDK's own iterator cannot.
func (l listing[E]) all(ctx context.Context) iter.Seq2[*E, error] {
	return func(yield func(*E, error) bool) {
		l.params.Limit, l.params.Single = stripe.Int64(pageSize), true
		for range maxPages {
			page, err := call(ctx, l.operation, func(ctx context.Context) (*stripe.V1List[*E], error) {
				p := l.list(ctx)
				return p, p.Err()
			})
			if err != nil {
				yield(nil, err)
				return
			}
			last := ""
			for _, v := range page.Data() {
				if v == nil || l.id(v) == "" {
					yield(nil, fmt.Errorf("%w: a list of %s holds an object without id", topup.ErrProvider, l.resource))
					return
				}
				last = l.id(v)
				if !yield(v, nil) {
					return
				}
			}
			if !page.Meta().HasMore || last == "" {
				return
			}
			l.params.StartingAfter = &last
		}
		yield(nil, fmt.Errorf("%w: %w: more than %d %s", topup.ErrProvider, errTooMany, maxPages*pageSize, l.resource))
	}
}

func (w *Way) sessions(p *stripe.CheckoutSessionListParams) listing[stripe.CheckoutSession] {
	return listing[stripe.CheckoutSession]{readSession, &p.ListParams,
		func(ctx context.Context) *stripe.V1List[*stripe.CheckoutSession] {
			return w.api.sessions(ctx, p)
		},
		func(s *stripe.CheckoutSession) string { return s.ID }}
}

// refunds are those of a payment, with their balance transactions.
func (w *Way) refunds(payment string) listing[stripe.Refund] {
	p := &stripe.RefundListParams{}
	if isCharge(payment) {
		p.Charge = &payment
	} else {
		p.PaymentIntent = &payment
	}
	p.AddExpand("data.balance_transaction")
	p.AddExpand("data.failure_balance_transaction")
	return listing[stripe.Refund]{readRefunds, &p.ListParams,
		func(ctx context.Context) *stripe.V1List[*stripe.Refund] { return w.api.refunds(ctx, p) },
		func(r *stripe.Refund) string { return r.ID }}
}

func (w *Way) disputes(payment string) listing[stripe.Dispute] {
	p := &stripe.DisputeListParams{PaymentIntent: &payment}
	return listing[stripe.Dispute]{readDisputes, &p.ListParams,
		func(ctx context.Context) *stripe.V1List[*stripe.Dispute] { return w.api.disputes(ctx, p) },
		func(d *stripe.Dispute) string { return d.ID }}
}

func (w *Way) warnings(payment string) listing[stripe.RadarEarlyFraudWarning] {
	p := &stripe.RadarEarlyFraudWarningListParams{PaymentIntent: &payment}
	return listing[stripe.RadarEarlyFraudWarning]{readWarnings, &p.ListParams,
		func(ctx context.Context) *stripe.V1List[*stripe.RadarEarlyFraudWarning] {
			return w.api.warnings(ctx, p)
		},
		func(e *stripe.RadarEarlyFraudWarning) string { return e.ID }}
}

func (w *Way) transactions(p *stripe.BalanceTransactionListParams) listing[stripe.BalanceTransaction] {
	return listing[stripe.BalanceTransaction]{readBalance, &p.ListParams,
		func(ctx context.Context) *stripe.V1List[*stripe.BalanceTransaction] {
			return w.api.transactions(ctx, p)
		},
		func(t *stripe.BalanceTransaction) string { return t.ID }}
}
