package ledger

import (
	"context"
	"iter"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// movementOf is what a record says that happened at its provider, but of a cash-out; ok
// is false if it says nothing of that.
func movementOf(r *journal.Record, currency paywall.Currency) (m paywall.Movement, ok bool) {
	kind := movementKind(r)
	if kind == "" || kind == state.BookedAssign || kind == state.BookedSendBack {
		return m, false
	}
	money := func(micros int64) paywall.Money { return paywall.Money{Micros: micros, Currency: currency} }
	m = paywall.Movement{Way: r.Way, Kind: kind, ID: r.ID, Payment: r.Payment, Intent: r.Intent, At: r.Time}
	fee := int64(0)
	if kind == paywall.MovedDispute {
		fee = -legOf(r, paywall.AccountFees)
	}
	micros := legOf(r, r.Way)
	switch {
	case r.Kind == paywall.KindReversal:
		micros = reversed(r)
	case kind == paywall.MovedOther:
		micros = -micros
	default:
		micros = max(micros, -micros)
	}
	m.Amount, m.Fee = money(micros-fee), money(fee)
	return m, true
}

// reversed is the amount of a refund that somebody made at the provider.
func reversed(r *journal.Record) int64 { return max(r.Amount, legOf(r, r.Way)) }

// bookedBefore answers a movement whose key was booked already.
func bookedBefore(v *view, value []byte, m *paywall.Movement) (*journal.Record, paywall.Booked, error) {
	at, _, err := state.CutRef(value)
	if err != nil {
		return nil, paywall.Booked{}, err
	}
	r, err := v.Record(at)
	if err != nil {
		return nil, paywall.Booked{}, err
	}
	if r.Kind == paywall.KindCashOut {
		return returnedBefore(v, r, m)
	}
	was, _ := movementOf(r, v.currency)
	same := was.Payment == m.Payment && (was.Amount == m.Amount || m.Kind == paywall.MovedDisputeLost) && was.Fee.Micros == m.Fee.Micros
	if m.Kind == paywall.MovedPayment {
		same = same && was.Intent == m.Intent
	}
	if m.Kind == paywall.MovedPayout || m.Kind == paywall.MovedPayoutFailed {
		same = was.Amount == m.Amount
	}
	if !same {
		return nil, paywall.Booked{}, paywall.ErrConflict
	}
	if r.Kind == paywall.KindUnclaimed {
		return unclaimedBefore(v, r)
	}
	h, err := v.concerned(r.Wallet)
	booked := h.again(v, r)
	booked.Placed = booked.Placed && r.Kind != paywall.KindSuspense
	return nil, booked, err
}

// unclaimedBefore answers a payment that stood in unclaimed at first.
func unclaimedBefore(v *view, r *journal.Record) (*journal.Record, paywall.Booked, error) {
	assigned, err := v.bookedAs(state.BookedAssign, r.Way, r.ID)
	if err != nil {
		return nil, paywall.Booked{}, err
	}
	if assigned != nil {
		h, err := v.concerned(assigned.Wallet)
		return nil, h.again(v, assigned), err
	}
	left, err := v.Get(state.UnclaimedKey(r.Way, r.ID))
	return nil, paywall.Booked{Placed: left == nil, Replayed: true}, err
}

// concerned is the holder of a wallet's id, nobody if the wallet is gone.
func (v *view) concerned(wallet string) (h holder, err error) {
	_, h.wallet, err = v.wallet(wallet)
	if err == nil {
		h.id = wallet
	} else if paywall.ErrorCode(err) == paywall.CodeNoWallet {
		err = nil
	}
	return h, err
}

// again is the answer to what was booked before.
func (h *holder) again(v *view, r *journal.Record) paywall.Booked {
	b := h.booked(v, r)
	b.Replayed = true
	b.Balance = v.money(h.wallet.Balance)
	return b
}

// BookedAt is when a movement was booked, by its key; zero if it was not.
func (l *Ledger) BookedAt(ctx context.Context, way string, kind paywall.MovementKind, id string) (time.Time, error) {
	return look(ctx, l, Reads{Keys: [][]byte{state.BookedKey(kind, way, id)}}, func(v *view) (time.Time, error) {
		r, err := v.bookedAs(kind, way, id)
		if err != nil || r == nil {
			return time.Time{}, err
		}
		return r.Time, nil
	})
}

// Began is when the first top-up by a way was begun, zero if none was. It reads the journal
// from its beginning up to there.
func (l *Ledger) Began(ctx context.Context, way string) (time.Time, error) {
	for line, err := range l.engine.Lines(ctx, 0) {
		if err == nil {
			err = l.interrupted(ctx)
		}
		var r journal.Record
		if err == nil {
			r, err = line.Record(l.info.Currency)
		}
		if err != nil {
			return time.Time{}, err
		}
		if r.Kind == paywall.KindIntent && r.Way == way {
			return r.Time, nil
		}
	}
	return time.Time{}, nil
}

// Movements tells every movement that was booked since a time, as it was booked, with that
// of its record as At. A part of a cash-out that a person did has no ID. What was lost in
// a dispute, assigned or sent back by hand is no movement. It reads the journal from its
// beginning.
func (l *Ledger) Movements(ctx context.Context, since time.Time) iter.Seq2[paywall.Movement, error] {
	return func(yield func(paywall.Movement, error) bool) {
		planned := map[string]*journal.Record{} // parts of cash-outs
		for line, err := range l.engine.Lines(ctx, 0) {
			if err == nil {
				err = l.interrupted(ctx)
			}
			var r journal.Record
			if err == nil {
				r, err = line.Record(l.info.Currency)
			}
			if err != nil {
				yield(paywall.Movement{}, err)
				return
			}
			m, ok := movementOf(&r, l.info.Currency)
			if r.Kind == paywall.KindCashOut {
				if r.State == string(paywall.CashOutPlanned) {
					planned[r.CashOut] = &r
				}
				m, ok = returnOf(planned[r.CashOut], &r, l.info.Currency)
			}
			if !ok || m.Kind == paywall.MovedDisputeLost || m.At.Before(since) {
				continue
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}
