package checkout

import (
	"context"

	"github.com/tuppence/tuppence/paywall"
)

// What gift links need of the ledger.

type fakeGift struct {
	paywall.Gift
	giver  string
	opened int
	state  paywall.GiftState
}

func (s *fakeStore) AddGift(ctx context.Context, wallet string, g paywall.Gift) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	made := 0
	for _, have := range s.gifts {
		if have.Key == g.Key && (have.giver != wallet || have.Unlock != g.Unlock || have.Readers != g.Readers) {
			return paywall.ErrOfferChanged
		}
		if have.Key == g.Key {
			return nil
		}
		if have.giver == wallet {
			made++
		}
	}
	u := s.unlocks[g.Unlock]
	switch {
	case s.wallets[wallet] == nil:
		return paywall.ErrNoWallet
	case u == nil || u.Wallet != wallet || !u.Live(s.now()) || u.Gift != paywall.Hash{}:
		return paywall.ErrNotFound
	case g.Limit > 0 && made >= g.Limit:
		return paywall.ErrTooManyGifts
	}
	s.writes++
	s.gifts = append([]*fakeGift{{Gift: g, giver: wallet, state: paywall.GiftState{
		Unlock: u.ID, Site: u.Site, Resource: u.Resource, URL: paywall.EscapePath(u.Resource), Title: u.Title,
		Readers: g.Readers, MadeAt: s.now(), ExpiresAt: u.ExpiresAt,
	}}}, s.gifts...)
	return nil
}

// gift is nil for a link that is not known, or whose giver is gone.
func (s *fakeStore) gift(key paywall.Hash) *fakeGift {
	for _, g := range s.gifts {
		if g.Key == key && s.unlocks[g.Unlock] != nil {
			return g
		}
	}
	return nil
}

func (s *fakeStore) opens(g *fakeGift) bool {
	return g.opened < g.Readers && s.unlocks[g.Unlock].Live(s.now())
}

func (s *fakeStore) Gift(ctx context.Context, key paywall.Hash) (paywall.GiftState, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.GiftState{}, err
	}
	defer leave()
	g := s.gift(key)
	if g == nil {
		return paywall.GiftState{}, paywall.ErrGiftOver
	}
	state := g.state
	state.Unlock, state.Opened = "", g.opened
	if !s.opens(g) {
		return state, paywall.ErrGiftOver
	}
	return state, nil
}

func (s *fakeStore) OpenGift(ctx context.Context, wallet string, key paywall.Hash) (paywall.Receipt, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.Receipt{}, err
	}
	defer leave()
	w, g := s.wallets[wallet], s.gift(key)
	if w == nil {
		return paywall.Receipt{}, paywall.ErrNoWallet
	}
	if g == nil {
		return paywall.Receipt{}, paywall.ErrGiftOver
	}
	for _, u := range s.unlocks {
		if u.Wallet == wallet && u.Site == g.state.Site && u.Resource == g.state.Resource && u.Live(s.now()) {
			return paywall.Receipt{Unlock: *u, Balance: w.balance, AlreadyOwned: u.Gift != key}, nil
		}
	}
	if !s.opens(g) {
		return paywall.Receipt{}, paywall.ErrGiftOver
	}
	s.writes++
	g.opened++
	s.unlocks[g.Unlock].Given = true
	u := &paywall.Unlock{
		ID: paywall.NewID(), Wallet: wallet, Site: g.state.Site, Resource: g.state.Resource, URL: g.state.URL, Title: g.state.Title,
		Paid: paywall.Money{Currency: s.currency}, Gift: key, At: s.now(), RefundableUntil: s.now(), ExpiresAt: g.state.ExpiresAt,
	}
	s.unlocks[u.ID] = u
	s.order = append([]string{u.ID}, s.order...)
	return paywall.Receipt{Unlock: *u, Balance: w.balance}, nil
}

func (s *fakeStore) Gifts(ctx context.Context, wallet string, limit int) ([]paywall.GiftState, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	list := []paywall.GiftState{}
	for _, g := range s.gifts {
		if g.giver == wallet {
			state := g.state
			state.Opened = g.opened
			list = append(list, state)
		}
	}
	return list[:min(len(list), limit)], nil
}
