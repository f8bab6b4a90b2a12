package checkout

import (
	"context"

	"github.com/tuppence/tuppence/paywall"
)

// reading is what the fake knows of a wallet beyond its balance.
type reading struct {
	spent   int64 // under a cap; the fake has one site, and its month never ends
	budget  int64 // for ever
	refunds int
}

func (s *fakeStore) readingOf(wallet string) *reading {
	if s.readings == nil {
		s.readings = map[string]*reading{}
	}
	if s.readings[wallet] == nil {
		s.readings[wallet] = new(reading)
	}
	return s.readings[wallet]
}

// chargeOf says what an offer takes, and why it would be refused.
func (s *fakeStore) chargeOf(wallet string, o *paywall.Offer) (paywall.Money, error) {
	r := s.readingOf(wallet)
	charge := o.Charge(paywall.Money{Micros: r.spent, Currency: s.currency})
	switch {
	case charge.Micros > s.wallets[wallet].balance.Micros:
		return charge, paywall.ErrInsufficientFunds
	case r.budget > 0 && charge.Micros > r.budget:
		return charge, paywall.ErrOverBudget
	}
	return charge, nil
}

func (s *fakeStore) Quote(ctx context.Context, wallet string, o paywall.Offer) (q paywall.Quote, err error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return q, err
	}
	defer leave()
	if s.wallets[wallet] == nil {
		return q, paywall.ErrNoWallet
	}
	q.Spent = paywall.Money{Currency: s.currency}
	if !o.Cap.IsZero() {
		q.Spent.Micros = s.readingOf(wallet).spent
	}
	for _, u := range s.unlocks {
		if u.Wallet == wallet && u.Site == o.Site && u.Resource == o.Resource && u.Live(s.now()) {
			q.Owned, q.Charge = true, paywall.Money{Currency: s.currency}
			return q, nil
		}
	}
	q.Charge, q.Refusal = s.chargeOf(wallet, &o)
	q.Auto = q.Refusal == nil && s.unasked(wallet, q.Charge, &o)
	return q, nil
}

// unasked reports whether a purchase may be made without asking; weeks are for ever.
func (s *fakeStore) unasked(wallet string, charge paywall.Money, o *paywall.Offer) bool {
	auto, spent := s.wallets[wallet].settings.Auto, charge.Micros
	undone, asked := false, false
	for _, id := range s.order { // the newest first
		u := s.unlocks[id]
		if u == nil || u.Wallet != wallet {
			continue
		}
		if u.Auto && u.RefundedAt.IsZero() {
			spent += u.Paid.Micros
		}
		if u.Site == o.Site && u.Resource == o.Resource && !asked {
			asked, undone = true, !u.RefundedAt.IsZero()
		}
	}
	return !auto.PerWeek.IsZero() && charge.Micros <= auto.PerArticle.Micros && spent <= auto.PerWeek.Micros && !undone
}

// set changes what the fake knows of a wallet.
func (s *fakeStore) set(wallet string, change func(*reading)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.readingOf(wallet))
}
