package topup

import (
	"context"
	"errors"

	"github.com/tuppence/tuppence/paywall"
)

// CashOutOffer is what could go back to a reader now, and what could not.
func (s *Service) CashOutOffer(ctx context.Context, wallet string) (paywall.CashOut, error) {
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return paywall.CashOut{}, err
	}
	offer, err := l.CashOutOffer(ctx, wallet)
	return forReader(offer), err
}

// CashOut takes a wallet's unspent money out of it and sends it back the way it came. The
// same id again answers the first receipt.
func (s *Service) CashOut(ctx context.Context, wallet, id string, closes bool) (paywall.CashOut, error) {
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return paywall.CashOut{}, err
	}
	c, err := l.CashOut(ctx, wallet, id, closes)
	if err != nil {
		return paywall.CashOut{}, err
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return forReader(c), nil
}

// CashOuts are a wallet's, newest first.
func (s *Service) CashOuts(ctx context.Context, wallet string) ([]paywall.CashOutPart, error) {
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	parts, err := l.CashOuts(ctx, wallet)
	return withoutIDs(parts), err
}

func forReader(c paywall.CashOut) paywall.CashOut {
	c.Parts = withoutIDs(c.Parts)
	return c
}

// withoutIDs leaves out what readers do not need.
func withoutIDs(parts []paywall.CashOutPart) []paywall.CashOutPart {
	shown := make([]paywall.CashOutPart, len(parts))
	for i, part := range parts {
		part.Payment, part.Intent = "", ""
		shown[i] = part
	}
	return shown
}

// OpenCashOuts lists the parts of one way that did not end, without their wallets, for
// the person who sends them back. After and the ids of payments and intents are in clear,
// but for those whose key is gone.
func (s *Service) OpenCashOuts(ctx context.Context, way, after string, limit int) ([]paywall.CashOutPart, error) {
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	var open []paywall.CashOutPart
	for len(open) < limit {
		page, err := l.OpenCashOuts(ctx, after, pageSize)
		if err != nil {
			return nil, err
		}
		for _, part := range page {
			after = part.ID
			if part.Way != way || len(open) == limit {
				continue
			}
			shown, err := s.openedPart(part)
			switch {
			case errors.Is(err, errForgotten): // its ids stay sealed
				shown = part
				shown.Wallet = ""
			case err != nil:
				return nil, err
			}
			open = append(open, shown)
		}
		if len(page) < pageSize {
			break
		}
	}
	return open, nil
}

// CashOutDone records that a person gave a part back by hand.
func (s *Service) CashOutDone(ctx context.Context, part string) (paywall.CashOutPart, error) {
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return paywall.CashOutPart{}, err
	}
	done, err := l.MoveCashOut(ctx, part, paywall.CashOutDone)
	if err != nil {
		return paywall.CashOutPart{}, err
	}
	return s.openedPart(done)
}

// openedPart is a part with its ids in clear and without its wallet.
func (s *Service) openedPart(part paywall.CashOutPart) (paywall.CashOutPart, error) {
	var failed [2]error
	part.Wallet = ""
	part.Payment, failed[0] = s.o.Seals.open(part.Payment)
	part.Intent, failed[1] = s.o.Seals.open(part.Intent)
	return part, errors.Join(failed[:]...)
}
