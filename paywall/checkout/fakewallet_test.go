package checkout

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/tuppence/tuppence/paywall"
)

// What the wallet page needs of the ledger beyond money.

func (s *fakeStore) Set(ctx context.Context, wallet string, to paywall.Settings) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := to.Check(s.currency); err != nil {
		return err
	}
	if s.wallets[wallet] == nil {
		return paywall.ErrNoWallet
	}
	s.writes++
	s.wallets[wallet].settings = to
	return nil
}

func (s *fakeStore) Settings(ctx context.Context, wallet string) (settings paywall.Settings, spent paywall.Spending, err error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return settings, spent, err
	}
	defer leave()
	w := s.wallets[wallet]
	if w == nil {
		return settings, spent, paywall.ErrNoWallet
	}
	settings = w.settings
	for _, m := range []*paywall.Money{
		&settings.Budget, &settings.Auto.PerArticle, &settings.Auto.PerWeek, &spent.Today, &spent.Week, &spent.Month,
	} {
		m.Currency = s.currency
	}
	for _, u := range s.unlocks {
		if u.Wallet == wallet && u.RefundedAt.IsZero() && u.At.Month() == s.now().Month() {
			spent.Month.Micros += u.Paid.Micros
			if !settings.Budget.IsZero() {
				spent.Today.Micros += u.Paid.Micros
			}
		}
	}
	for _, t := range s.tips {
		if t.wallet == wallet {
			spent.Month.Micros += t.Amount.Micros
		}
	}
	return settings, spent, nil
}

func fakeDevice(key paywall.Hash) string { return base64.RawURLEncoding.EncodeToString(key[:9]) }

func (s *fakeStore) Devices(ctx context.Context, wallet string, key paywall.Hash) ([]paywall.Device, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return s.devices(wallet, key), nil
}

func (s *fakeStore) devices(wallet string, key paywall.Hash) (list []paywall.Device) {
	for hash, id := range s.keys {
		if id == wallet {
			list = append(list, paywall.Device{ID: fakeDevice(hash), AddedAt: s.now(), Current: hash == key})
		}
	}
	slices.SortFunc(list, func(a, b paywall.Device) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

func (s *fakeStore) Drop(ctx context.Context, wallet string, d paywall.Drop) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	var out []paywall.Hash
	found, codes := false, 0
	for hash, id := range s.keys {
		if id != wallet {
			continue
		}
		meant := hash != d.Except
		if found = found || !meant; d.Device != "" {
			meant = fakeDevice(hash) == d.Device
			found = found || meant
		}
		if meant {
			out = append(out, hash)
		}
	}
	for _, id := range s.codes {
		if id == wallet {
			codes++
		}
	}
	switch {
	case !found:
		return paywall.ErrNoDevice
	case d.Codes && codes == len(out):
		return paywall.Errorf(paywall.CodeMalformed, "no recovery code would be left")
	}
	s.writes++
	for _, hash := range out {
		delete(s.keys, hash)
		if d.Codes {
			delete(s.codes, s.codeOf[hash])
		}
	}
	return nil
}

func (s *fakeStore) WalletExport(ctx context.Context, wallet string, part func(*paywall.WalletExport) error) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	w := s.wallets[wallet]
	if w == nil {
		return paywall.ErrNoWallet
	}
	err = part(&paywall.WalletExport{
		ID: wallet, Currency: s.currency, Balance: w.balance, OpenedAt: s.now(), Settings: w.settings, Devices: s.devices(wallet, paywall.Hash{}),
		Passkeys: []paywall.Passkey{},
	})
	for _, id := range s.order {
		if u := s.unlocks[id]; u != nil && u.Wallet == wallet {
			err = errors.Join(err, part(&paywall.WalletExport{Purchases: []paywall.Unlock{s.remembered(*u)}}))
		}
	}
	return errors.Join(err, s.exportBroken)
}
