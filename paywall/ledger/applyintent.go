package ledger

import (
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// applyIntent notes a top-up's state, and lists it while it is not final.
func (tx *Tx) applyIntent(r *journal.Record, at Ref) error {
	i := state.Intent{Begun: at}
	if r.State != string(paywall.IntentOpen) {
		was, known, err := tx.intent(r.Intent)
		if err != nil || !known {
			return orNot(err, paywall.ErrNoIntent)
		}
		i = was.Intent
	}
	if i.State = paywall.IntentState(r.State); r.Object != "" {
		i.Named = at
	}
	return tx.putIntent(r.Intent, r.Wallet, i)
}

func (tx *Tx) putIntent(id, wallet string, i state.Intent) error {
	tx.put(state.IntentKey(id), i.Encode())
	listed := []byte{}
	if i.State.Final() {
		listed = nil
	}
	tx.put(state.OpenIntentKey(id), listed)
	if wallet == "" {
		return nil
	}
	_, w, err := tx.wallet(wallet)
	if err == nil {
		tx.put(state.IndexKey(w.Number, state.OpenIntentKey(id)), listed)
	}
	return err
}

// payIntent notes that a top-up was paid.
func (tx *Tx) payIntent(id, wallet string) error {
	i, known, err := tx.intent(id)
	if err != nil || !known {
		return orNot(err, paywall.ErrNoIntent)
	}
	i.State = paywall.IntentPaid
	return tx.putIntent(id, wallet, i.Intent)
}
