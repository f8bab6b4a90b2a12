package topup

import (
	"context"
	"errors"
	"fmt"

	"github.com/tuppence/tuppence/paywall"
)

// warnedKey begins the key of a refund that a fraud warning asked for.
const warnedKey = "efw-"

// refundWarned gives back what is left of payments that a bank called fraud: a refund
// costs less than the dispute that would follow. The same payment is given back once.
func (s *Service) refundWarned(ctx context.Context, way *openWay, intent string, found Found) (returned bool, err error) {
	for _, payment := range found.Warned {
		left := leftOf(payment, found.Movements)
		if left.Micros <= 0 {
			continue
		}
		_, err := way.Return(ctx, paywall.CashOutPart{
			ID: warnedKey + payment, Way: way.Name(), Payment: payment, Intent: intent, Amount: left, At: s.o.Now(),
		})
		switch {
		case errors.Is(err, ErrRefused), errors.Is(err, ErrManual):
			s.o.Logger.Error("a payment that a bank called fraud could not be refunded; look at it at the provider", "way", way.Name(), "payment", payment, "error", err)
		case err != nil:
			return returned, fmt.Errorf("refunding a payment after a fraud warning: %w", err)
		default:
			s.o.Logger.Warn("a payment was refunded since a bank called it fraud", "way", way.Name(), "payment", payment)
			returned = true
		}
	}
	return returned, nil
}

// leftOf is what was not given back of a payment; nothing while it is disputed.
func leftOf(payment string, movements []paywall.Movement) (left paywall.Money) {
	for _, m := range movements {
		if m.Payment != payment {
			continue
		}
		left.Currency = m.Amount.Currency
		switch m.Kind {
		case paywall.MovedPayment, paywall.MovedRefundFailed:
			left.Micros += m.Amount.Micros
		case paywall.MovedRefund:
			left.Micros -= m.Amount.Micros
		case paywall.MovedDispute:
			return paywall.Money{}
		case paywall.MovedFee, paywall.MovedDisputeWon, paywall.MovedDisputeLost, paywall.MovedPayout, paywall.MovedPayoutFailed, paywall.MovedOther:
		}
	}
	return left
}
