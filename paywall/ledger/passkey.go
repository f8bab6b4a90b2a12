package ledger

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// passkey finds a passkey by its key in the state: [paywall.ErrNoPasskey].
func (v *view) passkey(key []byte) (p state.Passkey, w state.Wallet, err error) {
	value, err := v.Get(key)
	if err != nil {
		return p, w, err
	}
	if value == nil {
		return p, w, paywall.ErrNoPasskey
	}
	if p, err = state.DecodePasskey(value); err != nil {
		return p, w, err
	}
	if w, err = v.walletByID(p.Of); paywall.ErrorCode(err) == paywall.CodeNoWallet {
		err = paywall.ErrNoPasskey // its wallet was erased
	}
	return p, w, err
}

// SetPasskey gives a wallet a passkey, or replaces what is kept of it; SetAt is the
// ledger's. Another wallet's: [paywall.ErrConflict]. One too many, or too long:
// [paywall.CodeMalformed]. [paywall.ErrNoWallet].
func (l *Ledger) SetPasskey(ctx context.Context, wallet string, p paywall.Passkey) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(p.ID)
	fits := len(raw) > 0 && len(raw) <= paywall.MaxPasskeyID && p.Data != "" && len(p.Data) <= paywall.MaxPasskeyBytes
	if err != nil || !fits || strings.ContainsAny(p.ID, "\r\n") || !utf8.ValidString(p.Data) {
		return paywall.Errorf(paywall.CodeMalformed, "this passkey cannot be kept")
	}
	reads := walletReads(wallet, state.PasskeyKey(p.ID))
	reads.List = true
	return act(ctx, l, reads, func(v *view) (*journal.Record, error) { return decideSetPasskey(v, wallet, p) })
}

func decideSetPasskey(v *view, wallet string, p paywall.Passkey) (*journal.Record, error) {
	id, w, err := v.wallet(wallet)
	if err != nil {
		return nil, err
	}
	had, _, err := v.passkey(state.PasskeyKey(p.ID))
	switch {
	case err == nil && had.Of != id:
		return nil, paywall.ErrConflict
	case paywall.ErrorCode(err) == paywall.CodeNotFound:
		err = mayAddPasskey(v, w.Number)
	}
	if err != nil {
		return nil, err
	}
	r := &journal.Record{Wallet: wallet, Passkey: p.ID, Data: p.Data}
	r.Kind = paywall.KindPasskey
	return r, nil
}

func passkeyPrefix(n state.Number) []byte { return append(state.IndexPrefix(n), state.TagPasskey) }

func mayAddPasskey(v *view, n state.Number) error {
	has := 0
	err := v.Each(passkeyPrefix(n), func(_, _ []byte) error {
		has++
		return nil
	})
	if err == nil && has >= paywall.MaxPasskeys {
		err = paywall.Errorf(paywall.CodeMalformed, "a wallet has at most %d passkeys; remove one first", paywall.MaxPasskeys)
	}
	return err
}

// RemovePasskey takes it away: from the answer on it leads nowhere.
// [paywall.ErrNoPasskey], [paywall.ErrNoWallet].
func (l *Ledger) RemovePasskey(ctx context.Context, wallet, passkey string) error {
	return act(ctx, l, walletReads(wallet, state.PasskeyKey(passkey)), func(v *view) (*journal.Record, error) {
		id, _, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		had, _, err := v.passkey(state.PasskeyKey(passkey))
		if err != nil {
			return nil, err
		}
		if had.Of != id {
			return nil, paywall.ErrNoPasskey
		}
		r := &journal.Record{Wallet: wallet, Passkey: passkey}
		r.Kind = paywall.KindPasskey
		return r, nil
	})
}

// Passkey finds a passkey and the wallet it leads to. [paywall.ErrNoPasskey].
func (l *Ledger) Passkey(ctx context.Context, id string) (paywall.Passkey, paywall.Wallet, error) {
	var found paywall.Passkey
	leads, err := look(ctx, l, Reads{Keys: [][]byte{state.PasskeyKey(id)}}, func(v *view) (paywall.Wallet, error) {
		p, w, err := v.passkey(state.PasskeyKey(id))
		if err != nil {
			return paywall.Wallet{}, err
		}
		found, err = v.publicPasskey(p)
		return v.publicWallet(p.Of, &w), err
	})
	return found, leads, err
}

func (v *view) publicPasskey(p state.Passkey) (paywall.Passkey, error) {
	r, err := v.Record(p.Set)
	if err != nil {
		return paywall.Passkey{}, err
	}
	return paywall.Passkey{ID: r.Passkey, Data: r.Data, SetAt: r.Time}, nil
}

// Passkeys lists a wallet's, the latest set first. [paywall.ErrNoWallet].
func (l *Ledger) Passkeys(ctx context.Context, wallet string) ([]paywall.Passkey, error) {
	reads := walletReads(wallet)
	reads.List = true
	return look(ctx, l, reads, func(v *view) ([]paywall.Passkey, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		return v.passkeys(w.Number)
	})
}

func (v *view) passkeys(n state.Number) ([]paywall.Passkey, error) {
	list := []paywall.Passkey{}
	prefix := state.IndexPrefix(n)
	err := v.Each(passkeyPrefix(n), func(key, _ []byte) error {
		kept, _, err := v.passkey(key[len(prefix):])
		if err != nil {
			return err
		}
		p, err := v.publicPasskey(kept)
		list = append(list, p)
		return err
	})
	slices.SortFunc(list, func(a, b paywall.Passkey) int { return b.SetAt.Compare(a.SetAt) })
	return list, err
}
