package ledger

import (
	"bytes"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// view reads a state at a time. Decisions are methods of it: they follow from the
// state and the time alone, and change nothing.
type view struct {
	State
	tx       *Tx // the State, if it is one
	now      time.Time
	currency paywall.Currency
}

// Get asks a Tx without the interface, and others with a copy: so most keys stay on the
// stack.
func (v *view) Get(key []byte) ([]byte, error) {
	if v.tx != nil {
		return v.tx.Get(key)
	}
	return v.State.Get(bytes.Clone(key))
}

func (v *view) money(micros int64) paywall.Money {
	return paywall.Money{Micros: micros, Currency: v.currency}
}

// wallet finds a wallet by its id as callers write it: [paywall.ErrNoWallet].
func (v *view) wallet(id string) (state.WalletID, state.Wallet, error) {
	raw, ok := state.ParseWalletID(id)
	if !ok {
		return raw, state.Wallet{}, paywall.ErrNoWallet
	}
	w, err := v.walletByID(raw)
	return raw, w, err
}

// walletOf finds a wallet by a key or code in the state: [paywall.ErrNoWallet].
func (v *view) walletOf(key []byte) (id state.WalletID, w state.Wallet, err error) {
	value, err := v.Get(key)
	if err != nil {
		return id, w, err
	}
	if len(value) != len(id) {
		return id, w, paywall.ErrNoWallet
	}
	id = state.WalletID(value)
	w, err = v.walletByID(id)
	return id, w, err
}

func (v *view) walletByID(id state.WalletID) (state.Wallet, error) {
	if v.tx != nil && v.tx.isRecent && v.tx.recentID == id {
		return v.tx.recent, nil
	}
	value, err := v.Get(state.WalletKey(id))
	if err != nil {
		return state.Wallet{}, err
	}
	if value == nil {
		return state.Wallet{}, paywall.ErrNoWallet
	}
	w, err := state.DecodeWallet(value)
	if err == nil && v.tx != nil {
		v.tx.recentID, v.tx.recent, v.tx.isRecent = id, w, true
	}
	return w, err
}

// publicWallet is a wallet in the words of the port.
func (v *view) publicWallet(id state.WalletID, w *state.Wallet) paywall.Wallet {
	return paywall.Wallet{
		ID: id.String(), Balance: v.money(w.Balance), Free: v.money(w.Free),
		Owed: v.money(w.Owed), Closed: w.Leaving.Closes,
	}
}

// unlock finds an unlock by its id; ok is false if there is none.
func (v *view) unlock(id string) (u state.Unlock, ok bool, err error) {
	value, err := v.Get(state.UnlockKey(id))
	if err != nil || value == nil {
		return u, false, err
	}
	u, err = state.DecodeUnlock(value)
	return u, true, err
}

// bought finds a purchase of a wallet by its id: [paywall.ErrNotFound].
func (v *view) bought(n state.Number, id string) (state.Unlock, error) {
	u, ok, err := v.unlock(id)
	if err == nil && (!ok || u.Number != n) {
		err = paywall.ErrNotFound
	}
	return u, err
}

// owned finds the purchases of a resource by a wallet.
func (v *view) owned(n state.Number, site, resource string) (o state.Owned, err error) {
	value, err := v.Get(state.ResourceKey(n, site, resource))
	if err != nil || value == nil {
		return o, err
	}
	return state.DecodeOwned(value)
}

// unlockOf puts together what the purchase's record and its refund's say.
func (v *view) unlockOf(r *journal.Record, refund *journal.Record) paywall.Unlock {
	u := paywall.Unlock{
		ID: r.Unlock, Wallet: r.Wallet, Offer: r.Offer, Site: r.Site, Resource: r.Resource,
		URL: r.URL, Title: r.Title, Paid: v.money(r.Paid()), Auto: r.Auto, Gift: r.Gift,
		At: r.Time, RefundableUntil: r.Time.Add(r.Refund),
	}
	if r.Access > 0 {
		u.ExpiresAt = r.Time.Add(r.Access)
	}
	if r.Access > 0 && r.Access < r.Refund { // an article that was read to the end of its access was no mistake
		u.RefundableUntil = u.ExpiresAt
	}
	if refund != nil {
		u.RefundedAt = refund.Time
	}
	return u
}

// counter reads a counter.
func (v *view) counter(key []byte) (c state.Counter, err error) {
	value, err := v.Get(key)
	if err != nil || value == nil {
		return c, err
	}
	return state.DecodeCounter(value)
}

// counted is what a counter has in a period.
func (v *view) counted(key []byte, period uint64) (int64, error) {
	c, err := v.counter(key)
	if err != nil || c.Period != period {
		return 0, err
	}
	return c.Amount, nil
}
