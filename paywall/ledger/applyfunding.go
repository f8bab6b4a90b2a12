package ledger

import (
	"fmt"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// movementKind is the kind of what a record says that it happened, "" if it tells no
// movement.
func movementKind(r *journal.Record) paywall.MovementKind {
	switch r.Kind {
	case paywall.KindTopUp, paywall.KindUnclaimed:
		return paywall.MovedPayment
	case paywall.KindFee:
		return paywall.MovedFee
	case paywall.KindReversal:
		return paywall.MovedRefund
	case paywall.KindReversalFailed:
		return paywall.MovedRefundFailed
	case paywall.KindDispute:
		return paywall.MovedDispute
	case paywall.KindDisputeWon:
		return paywall.MovedDisputeWon
	case paywall.KindDisputeLost:
		return paywall.MovedDisputeLost
	case paywall.KindSettlement:
		return paywall.MovedPayout
	case paywall.KindSettlementFailed:
		return paywall.MovedPayoutFailed
	case paywall.KindSuspense:
		return paywall.MovedOther
	case paywall.KindAssign:
		return state.BookedAssign
	case paywall.KindSendBack:
		return state.BookedSendBack
	default:
	}
	return ""
}

// applyFunding does to the state what follows from a record of money in or out.
func (tx *Tx) applyFunding(r *journal.Record, at Ref) error {
	switch r.Kind {
	case paywall.KindIntent:
		return tx.applyIntent(r, at)
	case paywall.KindCashOut:
		return tx.applyCashOut(r, at)
	case paywall.KindRevoke:
		return tx.applyRevoke(r, at)
	default:
	}
	kind := movementKind(r)
	if kind == "" {
		return fmt.Errorf("its kind: %w", state.ErrValue)
	}
	tx.put(state.BookedKey(kind, r.Way, r.ID), state.AppendRef(nil, at))
	switch r.Kind {
	case paywall.KindTopUp, paywall.KindUnclaimed:
		return tx.applyPayment(r, at)
	case paywall.KindAssign, paywall.KindSendBack:
		return tx.applyPlaced(r, at)
	case paywall.KindReversal, paywall.KindReversalFailed, paywall.KindDispute, paywall.KindDisputeWon, paywall.KindDisputeLost:
		return tx.applyTakenBack(r, at)
	default: // concerns no wallet
		return nil
	}
}

// applyPayment keeps a new payment.
func (tx *Tx) applyPayment(r *journal.Record, at Ref) error {
	p := state.Payment{Booked: at, Amount: -legOf(r, r.Way)}
	if r.Kind == paywall.KindUnclaimed {
		tx.put(state.UnclaimedKey(r.Way, r.ID), state.Unclaimed{Came: at, Amount: p.Amount}.Encode())
		tx.put(state.PaymentKey(r.Way, r.Payment), p.Encode())
		return nil
	}
	if err := tx.fund(r, at, r.Payment, &p); err != nil {
		return err
	}
	return tx.payIntent(r.Intent, r.Wallet)
}

// fund puts a payment in front of a wallet's others.
func (tx *Tx) fund(r *journal.Record, at Ref, id string, p *state.Payment) error {
	raw, w, err := tx.wallet(r.Wallet)
	if err != nil {
		return err
	}
	p.Number, p.Prev, p.Booked = w.Number, w.Funded, at
	w.Funded = at
	w.Owed -= legOf(r, paywall.AccountReceivable)
	tx.put(state.PaymentKey(r.Way, id), p.Encode())
	tx.putTransfer(raw, &w, r, at)
	return nil
}

// applyPlaced takes unclaimed money away, into a wallet or back.
func (tx *Tx) applyPlaced(r *journal.Record, at Ref) error {
	u, err := tx.unclaimed(r.Way, r.ID)
	if err != nil {
		return err
	}
	tx.put(state.UnclaimedKey(r.Way, r.ID), nil)
	of, err := tx.cameBy(&u)
	if err != nil {
		return err
	}
	p, known, err := tx.payment(r.Way, of)
	if err != nil || !known {
		return orNot(err, paywall.ErrNoPayment)
	}
	if r.Kind == paywall.KindSendBack {
		p.SentBack += u.Amount
		tx.put(state.PaymentKey(r.Way, of), p.Encode())
		return nil
	}
	if u.payment() {
		err = tx.fund(r, at, of, &p)
	} else {
		err = tx.settle(r, at, state.Number{})
	}
	if err != nil {
		return err
	}
	return tx.payIntent(r.Intent, r.Wallet)
}

// applyTakenBack follows a payment that was refunded or disputed.
func (tx *Tx) applyTakenBack(r *journal.Record, at Ref) error {
	p, known, err := tx.payment(r.Way, r.Payment)
	if err != nil || !known {
		return orNot(err, paywall.ErrNoPayment)
	}
	switch r.Kind {
	case paywall.KindReversal:
		p.Returned += reversed(r)
		p.SentBack -= reversed(r) - legOf(r, r.Way)
	case paywall.KindReversalFailed:
		p.Returned += legOf(r, r.Way)
	case paywall.KindDispute:
		p.Disputes++
	case paywall.KindDisputeWon, paywall.KindDisputeLost:
		p.Disputes = max(p.Disputes, 1) - 1
		p.Lost = p.Lost || r.Kind == paywall.KindDisputeLost
	default:
	}
	tx.put(state.PaymentKey(r.Way, r.Payment), p.Encode())
	if err := tx.wait(r, at, p); err != nil {
		return err
	}
	return tx.settle(r, at, p.Number)
}

// wait follows a record's unclaimed leg: what it adds stands there under the record's own
// id, and what it takes was under that of its payment.
func (tx *Tx) wait(r *journal.Record, at Ref, p state.Payment) error {
	micros := legOf(r, paywall.AccountUnclaimed)
	switch {
	case micros > 0:
		tx.put(state.UnclaimedKey(r.Way, r.ID), state.Unclaimed{Came: at, Amount: micros}.Encode())
	case micros < 0:
		u, key, err := tx.unclaimedPayment(r.Way, p)
		if err != nil {
			return err
		}
		if u.Amount += micros; u.Amount == 0 {
			tx.put(key, nil)
			return nil
		}
		tx.put(key, u.Encode())
	}
	return nil
}

// settle follows what a record does to a wallet beside its balance: to what it owes, its
// free credit and its list. Of an erased wallet it is what that owes.
func (tx *Tx) settle(r *journal.Record, at Ref, n state.Number) error {
	owed := -legOf(r, paywall.AccountReceivable)
	if r.Wallet == "" {
		return tx.owe(n, owed)
	}
	raw, w, err := tx.wallet(r.Wallet)
	if err != nil {
		return err
	}
	w.Owed += owed
	switch r.Kind {
	case paywall.KindReversal, paywall.KindDispute, paywall.KindDisputeLost:
		w.Free -= r.Free
	case paywall.KindReversalFailed, paywall.KindDisputeWon:
		w.Free += r.Free
	default:
	}
	if r.Kind == paywall.KindDisputeLost && r.Paid() == 0 {
		tx.putWallet(raw, &w)
		return nil
	}
	tx.putTransfer(raw, &w, r, at)
	return nil
}

// owe changes what an erased wallet owes.
func (tx *Tx) owe(n state.Number, micros int64) error {
	if micros == 0 {
		return nil
	}
	owed, err := tx.debt(n)
	if err != nil {
		return err
	}
	if owed += micros; owed == 0 {
		tx.put(state.DebtKey(n), nil)
		return nil
	}
	tx.put(state.DebtKey(n), state.EncodeBalance(owed))
	return nil
}

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
