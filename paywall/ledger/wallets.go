package ledger

import (
	"context"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// OpenWallet makes a wallet and pays the welcome credit into it, unless the site has
// given that to as many today as its limit says: then the wallet is empty. Key: the hash
// of the wallet's key; the same key again answers the same wallet.
func (l *Ledger) OpenWallet(ctx context.Context, keys paywall.KeyHashes, welcome paywall.Welcome) (paywall.Wallet, error) {
	if credit := welcome.Amount; !amount(credit, l.info.Currency) || welcome.Limit < 0 || !utf8.ValidString(welcome.Site) {
		return paywall.Wallet{}, paywall.Errorf(paywall.CodeMalformed, "a welcome credit of %s %s cannot be given", credit, credit.Currency)
	}
	id := paywall.NewID()
	reads := Reads{Keys: [][]byte{state.KeyKey(keys.Key), state.CodeKey(keys.Code), state.WelcomeKey(welcome.Site)}}
	return change(ctx, l, reads, func(v *view) (*journal.Record, paywall.Wallet, error) { return decideOpen(v, id, keys, welcome) })
}

// decideOpen decides about opening a wallet with a new id.
func decideOpen(v *view, id string, keys paywall.KeyHashes, welcome paywall.Welcome) (_ *journal.Record, w paywall.Wallet, err error) {
	if known, w, err := v.opened(keys); err != nil || known {
		return nil, w, err
	}
	r := &journal.Record{Wallet: id, Key: keys.Key, Code: keys.Code}
	r.Kind = paywall.KindOpen
	given, err := v.counted(state.WelcomeKey(welcome.Site), day(v.now))
	if err != nil {
		return nil, w, err
	}
	credit := welcome.Amount.Micros
	if welcome.Limit > 0 && given >= int64(welcome.Limit) {
		credit = 0
	}
	if credit > 0 {
		r.Site = welcome.Site
		r.Legs = []paywall.Leg{
			{Account: paywall.WalletAccount(id), Micros: credit},
			{Account: paywall.AccountPromo, Micros: -credit},
		}
	}
	return r, paywall.Wallet{ID: id, Balance: v.money(credit), Free: v.money(credit), Owed: v.money(0)}, nil
}

// Welcomes answers how many wallets a site has given its welcome credit to in this UTC
// day.
func (l *Ledger) Welcomes(ctx context.Context, site string) (int, error) {
	key := state.WelcomeKey(site)
	return look(ctx, l, Reads{Keys: [][]byte{key}}, func(v *view) (int, error) {
		given, err := v.counted(key, day(v.now))
		return int(given), err
	})
}

// AddKey lets a further browser into the wallet whose recovery code has this hash: from
// now on next.Key opens it and next.Code recovers it. Key: next.Key. Without such a
// wallet: [paywall.ErrNoWallet]. A key that was dropped is never taken again:
// [paywall.ErrConflict]. Where it is one above [paywall.MaxDevices], the key that came
// first opens the wallet no more; its recovery code still leads to it.
func (l *Ledger) AddKey(ctx context.Context, code paywall.Hash, next paywall.KeyHashes) (paywall.Wallet, error) {
	return addKey(ctx, l, next, func(v *view) (state.WalletID, state.Wallet, error) { return v.walletOf(state.CodeKey(code)) })
}

// Admit is AddKey for a wallet whose owner has shown otherwise who they are, such as
// with a passkey. [paywall.ErrNoWallet].
func (l *Ledger) Admit(ctx context.Context, id string, next paywall.KeyHashes) (paywall.Wallet, error) {
	return addKey(ctx, l, next, func(v *view) (state.WalletID, state.Wallet, error) { return v.wallet(id) })
}

func addKey(ctx context.Context, l *Ledger, next paywall.KeyHashes, find func(*view) (state.WalletID, state.Wallet, error)) (paywall.Wallet, error) {
	reads := Reads{Keys: [][]byte{state.KeyKey(next.Key), state.CodeKey(next.Code)}, List: true}
	return commit(ctx, l, Change{Reads: reads}, func(tx *Tx) (paywall.Wallet, error) {
		id, w, err := find(&tx.view)
		if err != nil {
			return paywall.Wallet{}, err
		}
		records, err := decideKey(&tx.view, id, w.Number, next)
		if err != nil {
			return paywall.Wallet{}, err
		}
		return tx.publicWallet(id, &w), tx.appendAll(records)
	})
}

// decideKey decides about one more key of a wallet.
func decideKey(v *view, id state.WalletID, n state.Number, next paywall.KeyHashes) ([]*journal.Record, error) {
	known, had, err := v.opened(next)
	if err != nil {
		return nil, err
	}
	if known {
		if had.ID != id.String() {
			return nil, paywall.ErrConflict
		}
		return nil, nil
	}
	records, err := roomForDevice(v, id.String(), n)
	if err != nil {
		return nil, err
	}
	r := &journal.Record{Wallet: id.String(), Key: next.Key, Code: next.Code}
	r.Kind = paywall.KindKey
	return append(records, r), nil
}

// appendAll appends the records of one change.
func (tx *Tx) appendAll(records []*journal.Record) error {
	for _, r := range records {
		if err := tx.Append(r); err != nil {
			return err
		}
	}
	return nil
}

// roomForDevice signs the oldest devices out where one more would be too many. Their
// recovery codes stay: one of them may be the one that was written down. Of a wallet that
// has far too many, from an older version, it takes a few each time.
func roomForDevice(v *view, wallet string, n state.Number) (records []*journal.Record, err error) {
	all, err := v.devices(n)
	if err != nil {
		return nil, err
	}
	const few = 8
	for _, d := range all[:min(max(len(all)-paywall.MaxDevices+1, 0), few)] {
		r, err := dropOf(v, wallet, d, false)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// opened finds the wallet that these keys open already. Keys of which only one is known,
// or which lead to different wallets, are not the ones used before.
func (v *view) opened(keys paywall.KeyHashes) (bool, paywall.Wallet, error) {
	byKey, err := v.leads(state.KeyKey(keys.Key))
	if err != nil {
		return false, paywall.Wallet{}, err
	}
	byCode, err := v.leads(state.CodeKey(keys.Code))
	if err != nil {
		return false, paywall.Wallet{}, err
	}
	if byKey == nil && byCode == nil {
		return false, paywall.Wallet{}, nil
	}
	if string(byKey) != string(byCode) || len(byKey) != len(state.WalletID{}) { // or dropped
		return false, paywall.Wallet{}, paywall.ErrConflict
	}
	id := state.WalletID(byKey)
	w, err := v.walletByID(id)
	return err == nil, v.publicWallet(id, &w), err
}

// leads is the value of a key or code; nil if there is none, or its wallet was erased.
func (v *view) leads(key []byte) ([]byte, error) {
	value, err := v.Get(key)
	if err != nil || len(value) != len(state.WalletID{}) {
		return value, err
	}
	if _, err = v.walletByID(state.WalletID(value)); paywall.ErrorCode(err) == paywall.CodeNoWallet {
		return nil, nil
	}
	return value, err
}

// Wallet finds a wallet by its key. [paywall.ErrNoWallet].
func (l *Ledger) Wallet(ctx context.Context, key paywall.Hash) (paywall.Wallet, error) {
	return look(ctx, l, Reads{Keys: [][]byte{state.KeyKey(key)}}, func(v *view) (paywall.Wallet, error) {
		id, w, err := v.walletOf(state.KeyKey(key))
		return v.publicWallet(id, &w), err
	})
}
