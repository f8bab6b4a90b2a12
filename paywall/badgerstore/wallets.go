package badgerstore

import (
	"context"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// OpenWallet implements [paywall.Store].
func (s *Store) OpenWallet(ctx context.Context, keys paywall.KeyHashes, welcome paywall.Welcome) (paywall.Wallet, error) {
	if credit := welcome.Amount; !s.amount(credit) || welcome.Limit < 0 || !utf8.ValidString(welcome.Site) {
		return paywall.Wallet{}, paywall.Errorf(paywall.CodeMalformed, "a welcome credit of %s %s cannot be given", credit, credit.Currency)
	}
	return change(ctx, s, false, func(g *group) (paywall.Wallet, error) {
		if known, w, err := g.opened(keys); err != nil || known {
			return w, err
		}
		r := journal.Record{Wallet: paywall.NewID(), Key: keys.Key, Code: keys.Code}
		r.Kind = paywall.KindOpen
		given, err := g.counted(welcomeKey(welcome.Site), day(g.now))
		if err != nil {
			return paywall.Wallet{}, err
		}
		if welcome.Limit > 0 && given >= int64(welcome.Limit) {
			welcome.Amount.Micros = 0
		}
		if credit := welcome.Amount.Micros; credit > 0 {
			r.Site = welcome.Site
			r.Legs = []paywall.Leg{
				{Account: paywall.WalletAccount(r.Wallet), Micros: credit},
				{Account: paywall.AccountPromo, Micros: -credit},
			}
		}
		if err := g.record(&r); err != nil {
			return paywall.Wallet{}, err
		}
		credit := s.money(welcome.Amount.Micros)
		return paywall.Wallet{ID: r.Wallet, Balance: credit, Free: credit}, nil
	})
}

// Welcomes implements [paywall.Store].
func (s *Store) Welcomes(ctx context.Context, site string) (int, error) {
	return query(ctx, s, s.latest, func(v *view) (int, error) {
		given, err := v.counted(welcomeKey(site), day(s.now()))
		return int(given), err
	})
}

// AddKey implements [paywall.Store].
func (s *Store) AddKey(ctx context.Context, code paywall.Hash, next paywall.KeyHashes) (paywall.Wallet, error) {
	return s.addKey(ctx, next, func(g *group) (walletID, wallet, error) { return g.walletOf(codeKey(code)) })
}

// Admit implements [paywall.Store].
func (s *Store) Admit(ctx context.Context, id string, next paywall.KeyHashes) (paywall.Wallet, error) {
	return s.addKey(ctx, next, func(g *group) (walletID, wallet, error) { return g.wallet(id) })
}

func (s *Store) addKey(ctx context.Context, next paywall.KeyHashes, find func(*group) (walletID, wallet, error)) (paywall.Wallet, error) {
	return change(ctx, s, false, func(g *group) (paywall.Wallet, error) {
		id, w, err := find(g)
		if err != nil {
			return paywall.Wallet{}, err
		}
		known, had, err := g.opened(next)
		if err != nil {
			return paywall.Wallet{}, err
		}
		if known {
			if had.ID != id.String() {
				return paywall.Wallet{}, paywall.ErrOfferChanged
			}
			return had, nil
		}
		if err := g.roomForDevice(id.String(), w.number); err != nil {
			return paywall.Wallet{}, err
		}
		r := journal.Record{Wallet: id.String(), Key: next.Key, Code: next.Code}
		r.Kind = paywall.KindKey
		if err := g.record(&r); err != nil {
			return paywall.Wallet{}, err
		}
		return s.wallet(id, w), nil
	})
}

// roomForDevice signs the oldest devices out where one more would be too many.
// Their recovery codes stay: one of them may be the one that was written down.
// Of a wallet that has far too many, from an older version, it takes a few each time.
func (g *group) roomForDevice(wallet string, n number) error {
	all, err := g.devices(n)
	if err != nil {
		return err
	}
	const few = 8
	for _, d := range all[:min(max(len(all)-paywall.MaxDevices+1, 0), few)] {
		if err := g.drop(wallet, d, false); err != nil {
			return err
		}
	}
	return nil
}

// opened finds the wallet that these keys open already. Keys of which only one
// is known, or which lead to different wallets, are not the ones used before.
func (g *group) opened(keys paywall.KeyHashes) (bool, paywall.Wallet, error) {
	byKey, err := g.leads(keyKey(keys.Key))
	if err != nil {
		return false, paywall.Wallet{}, err
	}
	byCode, err := g.leads(codeKey(keys.Code))
	if err != nil {
		return false, paywall.Wallet{}, err
	}
	if byKey == nil && byCode == nil {
		return false, paywall.Wallet{}, nil
	}
	if string(byKey) != string(byCode) || len(byKey) != len(walletID{}) { // or dropped
		return false, paywall.Wallet{}, paywall.ErrOfferChanged
	}
	id, w, err := g.walletByID(walletID(byKey))
	return err == nil, g.s.wallet(id, w), err
}

// leads is the value of a key or code; nil if there is none, or its wallet was erased.
func (g *group) leads(key []byte) ([]byte, error) {
	value, err := g.get(key)
	if err != nil || len(value) != len(walletID{}) {
		return value, err
	}
	if _, _, err = g.walletByID(walletID(value)); paywall.ErrorCode(err) == paywall.CodeNoWallet {
		return nil, nil
	}
	return value, err
}
