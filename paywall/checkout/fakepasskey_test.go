package checkout

import (
	"cmp"
	"context"
	"slices"

	"github.com/tuppence/tuppence/paywall"
)

// fakePasskey is a passkey in the ledger in memory.
type fakePasskey struct {
	paywall.Passkey
	wallet string
}

func (s *fakeStore) Admit(ctx context.Context, wallet string, next paywall.KeyHashes) (paywall.Wallet, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.Wallet{}, err
	}
	defer leave()
	if s.wallets[wallet] == nil {
		return paywall.Wallet{}, paywall.ErrNoWallet
	}
	s.writes++
	s.keys[next.Key], s.codes[next.Code], s.codeOf[next.Key] = wallet, wallet, next.Code
	return s.wallet(wallet), nil
}

func (s *fakeStore) SetPasskey(ctx context.Context, wallet string, p paywall.Passkey) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	had, known := s.passkeys[p.ID]
	switch {
	case known && had.wallet != wallet:
		return paywall.ErrOfferChanged
	case !known && len(s.passkeysOf(wallet)) == paywall.MaxPasskeys, len(p.Data) > paywall.MaxPasskeyBytes:
		return paywall.Errorf(paywall.CodeMalformed, "this passkey cannot be kept")
	}
	s.writes++
	p.SetAt = s.now()
	s.passkeys[p.ID] = fakePasskey{p, wallet}
	return nil
}

func (s *fakeStore) RemovePasskey(ctx context.Context, wallet, id string) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if s.passkeys[id].wallet != wallet {
		return paywall.ErrNoPasskey
	}
	s.writes++
	delete(s.passkeys, id)
	return nil
}

func (s *fakeStore) Passkey(ctx context.Context, id string) (paywall.Passkey, paywall.Wallet, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return paywall.Passkey{}, paywall.Wallet{}, err
	}
	defer leave()
	p, ok := s.passkeys[id]
	if !ok {
		return paywall.Passkey{}, paywall.Wallet{}, paywall.ErrNoPasskey
	}
	return p.Passkey, s.wallet(p.wallet), nil
}

func (s *fakeStore) Passkeys(ctx context.Context, wallet string) ([]paywall.Passkey, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return s.passkeysOf(wallet), nil
}

func (s *fakeStore) passkeysOf(wallet string) (list []paywall.Passkey) {
	for _, p := range s.passkeys {
		if p.wallet == wallet {
			list = append(list, p.Passkey)
		}
	}
	slices.SortFunc(list, func(a, b paywall.Passkey) int { return cmp.Or(b.SetAt.Compare(a.SetAt), cmp.Compare(a.ID, b.ID)) })
	return list
}
