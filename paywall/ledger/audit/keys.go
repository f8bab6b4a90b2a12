package audit

import (
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

type key struct {
	of      state.WalletID
	at      Ref // of the record that has it
	dropped bool
}

func (a *Audit) addKeys(r *journal.Record, at Ref, id state.WalletID, w *wallet) {
	if _, twice := a.keys[r.Key]; twice {
		a.problem(r, "its key opens a wallet already")
	}
	if _, twice := a.codes[r.Code]; twice {
		a.problem(r, "its recovery code leads to a wallet already")
	}
	a.keys[r.Key], a.codes[r.Code] = key{of: id, at: at}, id
	w.keys, w.codes = append(w.keys, r.Key), append(w.codes, r.Code)
}

func (a *Audit) addDrop(r *journal.Record, id state.WalletID) {
	key, ok := a.keys[r.Key]
	if !ok || key.of != id || key.dropped {
		a.problem(r, "it drops a key that its wallet does not have")
		return
	}
	key.dropped = true
	a.keys[r.Key] = key
	if r.Code == (paywall.Hash{}) {
		return
	}
	if added, err := a.record(key.at); err != nil || added.Code != r.Code || a.codes[r.Code] != id {
		a.problem(r, "the recovery code that it drops is not the key's (%v)", err)
	}
	delete(a.codes, r.Code)
}

func (a *Audit) addPasskey(r *journal.Record, at Ref, w *wallet) {
	key := string(state.PasskeyKey(r.Passkey))
	if r.Data == "" {
		if _, has := w.passkeys[key]; !has {
			a.problem(r, "it removes a passkey that its wallet does not have")
		}
		delete(w.passkeys, key)
		return
	}
	if w.passkeys == nil {
		w.passkeys = map[string]Ref{}
	}
	if w.passkeys[key] = at; len(w.passkeys) > paywall.MaxPasskeys {
		a.problem(r, "its wallet has more than %d passkeys", paywall.MaxPasskeys)
	}
}
