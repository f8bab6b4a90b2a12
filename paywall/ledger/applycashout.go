package ledger

import (
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// applyCashOut follows a part of a cash-out: it belongs to its wallet's list, counts there
// while it has not ended, and what goes back of its payment is not there to go back again.
func (tx *Tx) applyCashOut(r *journal.Record, at Ref) error {
	if r.State == string(paywall.CashOutPlanned) {
		return tx.applyPlanned(r, at)
	}
	p, known, err := tx.part(r.CashOut)
	if err != nil || !known {
		return orNot(err, paywall.ErrNoCashOut)
	}
	was := p.State
	p.State, p.Last = paywall.CashOutState(r.State), at
	tx.put(state.CashOutKey(r.CashOut), p.Encode())
	if endedPart(p.State) {
		tx.put(state.OpenPartKey(r.CashOut), nil)
	}
	if r.ID != "" {
		kind := paywall.MovedRefund
		if p.State == paywall.CashOutFailed {
			kind = paywall.MovedRefundFailed
		}
		tx.put(state.BookedKey(kind, p.plan.Way, r.ID), state.AppendRef(nil, at))
	}
	if endedPart(p.State) && p.State != paywall.CashOutDone {
		if err := tx.backInWallet(r, at, p.plan); err != nil {
			return err
		}
	}
	if r.Wallet == "" || !endedPart(p.State) {
		return nil
	}
	raw, w, err := tx.wallet(r.Wallet)
	if err != nil {
		return err
	}
	if !endedPart(was) {
		w.Leaving.Parts--
	}
	if legOf(r, paywall.WalletAccount(r.Wallet)) != 0 {
		tx.putTransfer(raw, &w, r, at)
		return nil
	}
	tx.putWallet(raw, &w)
	return nil
}

// backInWallet notes that what was to go back did not.
func (tx *Tx) backInWallet(r *journal.Record, at Ref, plan *journal.Record) error {
	payment, known, err := tx.payment(plan.Way, plan.Payment)
	if err != nil || !known {
		return orNot(err, paywall.ErrNoPayment)
	}
	payment.Returned -= plan.Paid()
	tx.put(state.PaymentKey(plan.Way, plan.Payment), payment.Encode())
	if micros := legOf(r, paywall.AccountUnclaimed); micros > 0 {
		tx.put(state.UnclaimedKey(plan.Way, r.CashOut), state.Unclaimed{Came: at, Amount: micros}.Encode())
	}
	return nil
}

func (tx *Tx) applyPlanned(r *journal.Record, at Ref) error {
	raw, w, err := tx.wallet(r.Wallet)
	if err != nil {
		return err
	}
	payment, known, err := tx.payment(r.Way, r.Payment)
	if err != nil || !known {
		return orNot(err, paywall.ErrNoPayment)
	}
	payment.Returned += r.Paid()
	tx.put(state.PaymentKey(r.Way, r.Payment), payment.Encode())
	tx.put(state.CashOutKey(r.CashOut), state.CashOut{State: paywall.CashOutPlanned, Planned: at, Last: at, Prev: w.Leaving.Newest}.Encode())
	tx.put(state.OpenPartKey(r.CashOut), []byte{})
	w.Leaving.Newest = at
	w.Leaving.Parts++
	w.Leaving.Closes = w.Leaving.Closes || r.Closes
	tx.putTransfer(raw, &w, r, at)
	return nil
}
