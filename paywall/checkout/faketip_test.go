package checkout

import (
	"context"

	"github.com/tuppence/tuppence/paywall"
)

// What tips need of the ledger. The fake's purchases all have one share.

type fakeTip struct {
	paywall.Tip
	wallet string
	state  paywall.TipState
}

var fakeShares = []paywall.Share{{Creator: "alice", PPM: 700_000}}

func (s *fakeStore) Shares(ctx context.Context, wallet, unlock string) ([]paywall.Share, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	u := s.unlocks[unlock]
	if u == nil || u.Wallet != wallet || u.Paid.IsZero() || !u.RefundedAt.IsZero() {
		return nil, paywall.ErrNotFound
	}
	return fakeShares, nil
}

func (s *fakeStore) Tip(ctx context.Context, wallet string, t paywall.Tip) (paywall.Wallet, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.Wallet{}, err
	}
	defer leave()
	w := s.wallets[wallet]
	if w == nil {
		return paywall.Wallet{}, paywall.ErrNoWallet
	}
	for _, given := range s.tips {
		switch {
		case given.wallet != wallet || given.ID != t.ID:
		case given.Resource != t.Resource || given.Amount != t.Amount:
			return paywall.Wallet{}, paywall.ErrOfferChanged
		default:
			return s.wallet(wallet), nil
		}
	}
	if t.ID == "" || len(t.ID) > 64 {
		return paywall.Wallet{}, paywall.Errorf(paywall.CodeMalformed, "this tip cannot be given here")
	}
	if r := s.readingOf(wallet); r.budget > 0 && t.Amount.Micros > r.budget {
		return paywall.Wallet{}, paywall.ErrOverBudget
	}
	if t.Amount.Micros > w.balance.Micros {
		return paywall.Wallet{}, paywall.ErrInsufficientFunds
	}
	s.writes++
	s.debits++
	w.balance.Micros -= t.Amount.Micros
	state := paywall.TipState{Site: t.Site, Resource: t.Resource, Amount: t.Amount, At: s.now()}
	if w.settings.Forget {
		state.Resource = ""
	}
	s.tips = append([]fakeTip{{t, wallet, state}}, s.tips...)
	return s.wallet(wallet), nil
}

func (s *fakeStore) Tips(ctx context.Context, wallet string, limit int) ([]paywall.TipState, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	list := []paywall.TipState{}
	for _, t := range s.tips {
		if t.wallet == wallet {
			list = append(list, t.state)
		}
	}
	return list[:min(len(list), limit)], nil
}
