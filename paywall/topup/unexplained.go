package topup

import (
	"context"
	"errors"
	"fmt"

	"github.com/tuppence/tuppence/paywall"
)

// neverTaken reports whether money came back that was not taken so, or was given up: of a
// dispute that was lost and is won then, or is won with another amount.
func neverTaken(err error) bool {
	e, ok := errors.AsType[*paywall.Error](err)
	return ok && e == paywall.ErrNeverTaken
}

// bookUnexplained books a movement that nothing here explains, such as of a payment of a
// year whose key is gone. It stands in suspense, so that the way's account is right.
func (s *Service) bookUnexplained(ctx context.Context, l Ledger, m paywall.Movement) (paywall.Booked, error) {
	other, moves := unexplained(m)
	switch {
	case !moves:
		return paywall.Booked{}, nil
	case m.At.Before(s.o.Seals.lastGone()):
		return paywall.Booked{}, fmt.Errorf("a %s of %s may have been booked under a key that is gone: %w", m.Kind, m.At.Format("January 2006"), errForgotten)
	}
	booked, err := l.Book(ctx, other)
	if err == nil && !booked.Replayed {
		s.o.Logger.Error("a way named a movement that nothing here explains; it stands in suspense", "way", m.Way, "kind", m.Kind, "id", m.ID)
	}
	return booked, err
}

// unexplained is a movement without the payment that it belongs to; moves is false if
// nothing moved at the provider.
func unexplained(m paywall.Movement) (other paywall.Movement, moves bool) {
	other = paywall.Movement{Way: m.Way, Kind: paywall.MovedOther, ID: string(m.Kind) + ":" + m.ID, Amount: m.Amount, At: m.At}
	switch m.Kind {
	case paywall.MovedFee, paywall.MovedRefund:
		other.Amount = m.Amount.Neg()
	case paywall.MovedDispute:
		other.Amount.Micros = -m.Amount.Micros - m.Fee.Micros
	case paywall.MovedRefundFailed, paywall.MovedDisputeWon:
	case paywall.MovedPayment, paywall.MovedDisputeLost, paywall.MovedPayout, paywall.MovedPayoutFailed, paywall.MovedOther:
		return other, false
	}
	return other, true
}
