package topup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tuppence/tuppence/paywall"
)

// sweepCashOuts sends what is planned, and asks what became of the rest.
func (s *Service) sweepCashOuts(ctx context.Context, l Ledger, all bool) error {
	var failed []error
	for after := ""; ; {
		page, err := l.OpenCashOuts(ctx, after, pageSize)
		if err != nil {
			return err
		}
		for _, part := range page {
			after = part.ID
			if part.State != paywall.CashOutPending || all {
				failed = append(failed, s.send(ctx, l, part))
			}
		}
		if len(page) < pageSize || ctx.Err() != nil {
			return firstOf(failed)
		}
	}
}

// send asks a way to give a part of a payment back. Before the way is asked the ledger
// knows that it will be. When no answer came, the payment is looked at first: providers
// forget keys after a day.
func (s *Service) send(ctx context.Context, l Ledger, part paywall.CashOutPart) error {
	way := s.ways[part.Way]
	if way == nil {
		return fmt.Errorf("money waits to go back by %q: configure this way again", part.Way)
	}
	asking, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	if part.State == paywall.CashOutPlanned {
		if _, err := l.MoveCashOut(ctx, part.ID, paywall.CashOutSent); err != nil {
			return err
		}
	} else if seen, err := s.sawReturn(asking, l, way, part); seen || err != nil || part.State == paywall.CashOutPending && !way.asks() {
		return err // a refund that failed before anything moved is no movement: the way is asked for it
	}
	clearPart, err := s.openedPart(part)
	if err != nil {
		return err
	}
	state, err := way.Return(asking, clearPart)
	done := state == paywall.CashOutDone
	switch {
	case errors.Is(err, ErrManual):
		state = paywall.CashOutPending // on a person
	case errors.Is(err, ErrRefused):
		s.o.Logger.Error("a way refused to give money back; it is in the wallet again", "way", part.Way, "error", err)
		state = paywall.CashOutFailed
	case err != nil:
		return fmt.Errorf("giving money back by %s: %w", part.Way, err)
	case done:
		state = paywall.CashOutPending // done when the movement is booked, under its own id
	}
	if _, err := l.MoveCashOut(ctx, part.ID, state); err != nil || state == paywall.CashOutFailed || !way.asks() {
		return err
	}
	seen, err := s.sawReturn(asking, l, way, part)
	if done && !seen && err == nil { // of money that was assigned, which no intent leads to
		_, err = l.MoveCashOut(ctx, part.ID, paywall.CashOutDone)
	}
	return err
}

// sawReturn settles the intent that a part gives back, and reports whether the part's
// refund was among its movements.
func (s *Service) sawReturn(ctx context.Context, l Ledger, way *openWay, part paywall.CashOutPart) (bool, error) {
	if !way.asks() || part.Intent == "" {
		return false, nil
	}
	in, err := l.Intent(ctx, part.Intent)
	if err != nil {
		return false, err
	}
	out, err := s.settle(ctx, l, in)
	seen := slices.ContainsFunc(out.found.Movements, func(m paywall.Movement) bool { return m.CashOut == part.ID })
	return seen, err
}
