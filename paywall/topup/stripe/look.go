package stripe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v85"
	"golang.org/x/sync/errgroup"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

// skew is how far our clock and Stripe's may be apart.
const skew = 5 * time.Minute

// Look reads the session, its payment, and what became of that. A session that is not as
// the intent has it does not pay for the intent: its payment is answered without Intent,
// and an error is logged.
func (w *Way) Look(ctx context.Context, in paywall.Intent) (topup.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, readerWaits)
	defer cancel()
	s, err := w.sessionOf(ctx, in)
	if err != nil {
		return topup.Found{}, err
	}
	if s == nil && w.now().Before(in.ExpiresAt) {
		return topup.Found{State: paywall.IntentOpen}, nil
	}
	if s == nil {
		return topup.Found{State: paywall.IntentExpired}, nil
	}
	state, err := sessionState(s)
	if err != nil {
		return topup.Found{}, err
	}
	found := topup.Found{State: state}
	wrong := w.differs(s, in)
	if wrong != "" {
		w.logger.LogAttrs(ctx, slog.LevelError, "a Checkout Session is not as it was asked for; what it brings stays unclaimed",
			slog.String("session", s.ID), slog.String("differs", wrong))
		found.State = paywall.IntentFailed
	}
	if found.State == paywall.IntentOffered && w.onPage(s.URL) {
		found.URL = s.URL
	}
	if s.PaymentIntent == nil || s.PaymentIntent.LatestCharge == nil {
		if state == paywall.IntentPaid {
			return topup.Found{}, fmt.Errorf("%w: a paid session has no charge", topup.ErrProvider)
		}
		return found, nil
	}
	intent := in.ID
	if wrong != "" {
		intent = ""
	}
	found.Movements, found.Warned, err = w.moved(ctx, s.PaymentIntent, intent)
	return found, err
}

// sessionState translates a session's state. A payment that succeeded is paid whatever the
// session says: the two change one after the other.
func sessionState(s *stripe.CheckoutSession) (paywall.IntentState, error) {
	var payment stripe.PaymentIntentStatus
	if s.PaymentIntent != nil {
		payment = s.PaymentIntent.Status
	}
	switch {
	case payment == stripe.PaymentIntentStatusSucceeded, s.PaymentStatus == stripe.CheckoutSessionPaymentStatusPaid:
		return paywall.IntentPaid, nil
	case s.Status == stripe.CheckoutSessionStatusOpen:
		return paywall.IntentOffered, nil
	case s.Status == stripe.CheckoutSessionStatusExpired:
		return paywall.IntentExpired, nil
	case s.Status != stripe.CheckoutSessionStatusComplete:
		return "", fmt.Errorf("%w: a session is %q, which is not known", topup.ErrProvider, short(string(s.Status)))
	case payment == stripe.PaymentIntentStatusRequiresPaymentMethod, payment == stripe.PaymentIntentStatusCanceled:
		return paywall.IntentFailed, nil // it was on its way for days
	}
	return paywall.IntentPending, nil
}

// sessionOf reads an intent's session, nil if there is none.
func (w *Way) sessionOf(ctx context.Context, in paywall.Intent) (*stripe.CheckoutSession, error) {
	id := in.Object
	if id == "" {
		var err error
		if id, err = w.findSession(ctx, in); id == "" {
			return nil, err
		}
	}
	s, err := call(ctx, readSession, func(ctx context.Context) (*stripe.CheckoutSession, error) {
		p := &stripe.CheckoutSessionRetrieveParams{}
		p.AddExpand("payment_intent.latest_charge.balance_transaction")
		p.AddExpand("payment_intent.latest_charge.failure_balance_transaction")
		return w.api.session(ctx, id, p)
	})
	if missing(err) && !w.now().Before(in.ExpiresAt) {
		w.logger.LogAttrs(ctx, slog.LevelWarn, "a Checkout Session is not on this account; was it begun with the key of another?",
			slog.String("session", id))
		return nil, nil
	}
	return s, err
}

// findSession looks for the session of an intent whose answer was lost, "" if none was
// made. Sessions cannot be asked for by what they refer to; those begun while the intent
// could be asked for are listed. Where there are several, nobody but Stripe knew the others.
func (w *Way) findSession(ctx context.Context, in paywall.Intent) (string, error) {
	p := &stripe.CheckoutSessionListParams{CreatedRange: &stripe.RangeQueryParams{
		GreaterThanOrEqual: in.Begun.Add(-skew).Unix(),
		LesserThanOrEqual:  in.ExpiresAt.Add(skew).Unix(),
	}}
	best := ""
	for s, err := range w.sessions(p).all(ctx) {
		switch {
		case err != nil:
			return "", err
		case s.ClientReferenceID != in.ID || s.Metadata[metaIntent] != in.ID:
		case s.Status == stripe.CheckoutSessionStatusComplete:
			return s.ID, nil
		case best == "":
			best = s.ID
		}
	}
	return best, nil
}

// missing reports whether Stripe has no such object.
func missing(err error) bool {
	p, ok := errors.AsType[*problem](err)
	return ok && p.status == http.StatusNotFound && p.code == stripe.ErrorCodeResourceMissing
}

// moved is what moved for a payment, and the payment if a bank warned of it.
func (w *Way) moved(ctx context.Context, p *stripe.PaymentIntent, intent string) ([]paywall.Movement, []string, error) {
	all := w.ofCharge(p.LatestCharge, p.ID, intent)
	if len(all) == 0 {
		return nil, nil, nil // nothing was paid, so nothing can have gone back
	}
	if txn := p.LatestCharge.BalanceTransaction; txn != nil && !w.ours(txn.Currency) {
		w.logger.LogAttrs(ctx, slog.LevelError, "Stripe converts payments to another currency, so the books cannot follow its balance; add a bank account in the ledger's currency in the Dashboard",
			slog.String("ledger", string(w.currency)), slog.String("stripe", string(txn.Currency)))
	}
	var refunds, disputes []step
	var warned []string
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		for r, err := range w.refunds(p.ID).all(ctx) {
			if err != nil {
				return err
			}
			refunds = append(refunds, w.ofRefund(r)...)
		}
		return nil
	})
	group.Go(func() error {
		for d, err := range w.disputes(p.ID).all(ctx) {
			if err != nil {
				return err
			}
			disputes = append(disputes, w.ofDispute(d)...)
		}
		return nil
	})
	group.Go(func() error {
		warned = w.warned(ctx, p.ID)
		return nil
	})
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	return movements(append(append(all, refunds...), disputes...)), warned, nil
}

// warned is the payment if a bank called it fraud and it is neither disputed nor given
// back. No credit waits for this answer: when it fails, it is logged.
func (w *Way) warned(ctx context.Context, payment string) []string {
	for warning, err := range w.warnings(payment).all(ctx) {
		if err != nil {
			if ctx.Err() == nil {
				w.logger.LogAttrs(ctx, slog.LevelError, "early fraud warnings cannot be read; disputes that a refund avoids will come", slog.Any("error", err))
			}
			return nil
		}
		if warning.Actionable {
			return []string{payment}
		}
	}
	return nil
}
