package ledger

import (
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// decideReversal decides about a payment that was refunded at its provider. So much as a
// person sent back by hand before has moved already: this tells of it.
func decideReversal(v *view, m *paywall.Movement) (*journal.Record, paywall.Booked, error) {
	p, known, err := v.payment(m.Way, m.Payment)
	if err != nil || !known {
		return nil, paywall.Booked{}, orNot(err, paywall.ErrNoPayment)
	}
	h, err := v.holder(p)
	if err != nil {
		return nil, paywall.Booked{}, err
	}
	r := movementRecord(paywall.KindReversal, m)
	moves := m.Amount.Micros
	if told := min(p.SentBack, moves); told > 0 {
		r.Amount = moves
		moves -= told
	}
	if moves > 0 {
		r.Legs = []paywall.Leg{{Account: m.Way, Micros: moves}}
	}
	err = takeBack(v, r, p, &h, moves)
	return r, h.booked(v, r), err
}

// takeBack adds the legs by which a payment is taken back: from where it stands, and what
// is not there any more is owed.
func takeBack(v *view, r *journal.Record, p state.Payment, h *holder, micros int64) error {
	r.Wallet = h.id
	if p.Number == (state.Number{}) && micros > 0 {
		u, _, err := v.unclaimedPayment(r.Way, p)
		if err != nil {
			return err
		}
		if taken := min(u.Amount, micros); taken > 0 {
			r.Legs = append(r.Legs, paywall.Leg{Account: paywall.AccountUnclaimed, Micros: -taken})
			micros -= taken
		}
	}
	if micros > 0 {
		r.Legs = append(r.Legs, h.take(micros)...)
	}
	r.Free = h.freeTaken(r)
	return nil
}

// decideDispute decides about a payment that a bank took back.
func decideDispute(v *view, m *paywall.Movement) (*journal.Record, paywall.Booked, error) {
	p, known, err := v.payment(m.Way, m.Payment)
	if err != nil || !known {
		return nil, paywall.Booked{}, orNot(err, paywall.ErrNoPayment)
	}
	h, err := v.holder(p)
	if err != nil {
		return nil, paywall.Booked{}, err
	}
	r := movementRecord(paywall.KindDispute, m)
	r.Legs = []paywall.Leg{{Account: m.Way, Micros: m.Amount.Micros + m.Fee.Micros}}
	if !m.Fee.IsZero() {
		r.Legs = append(r.Legs, paywall.Leg{Account: paywall.AccountFees, Micros: -m.Fee.Micros})
	}
	err = takeBack(v, r, p, &h, m.Amount.Micros)
	return r, h.booked(v, r), err
}

// ended finds the payment that a movement belongs to, and the record of what it ends.
func ended(v *view, m *paywall.Movement, begun paywall.MovementKind) (first *journal.Record, h holder, err error) {
	p, known, err := v.payment(m.Way, m.Payment)
	if err != nil || !known {
		return nil, h, orNot(err, paywall.ErrNoPayment)
	}
	if first, err = v.bookedAs(begun, m.Way, m.ID); err != nil {
		return nil, h, err
	}
	if first == nil {
		return nil, h, paywall.ErrNoPayment
	}
	if first.Payment != m.Payment {
		return nil, h, paywall.ErrConflict
	}
	h, err = v.holder(p)
	return first, h, err
}

// bookedAs is the record that a movement became, nil if it was not booked.
func (v *view) bookedAs(kind paywall.MovementKind, way, id string) (*journal.Record, error) {
	value, err := v.Get(state.BookedKey(kind, way, id))
	if err != nil || value == nil {
		return nil, err
	}
	at, _, err := state.CutRef(value)
	if err != nil {
		return nil, err
	}
	return v.Record(at)
}

// decideRestored decides about money that came back to the provider: of a refund that
// failed, or a dispute that was won.
func decideRestored(v *view, m *paywall.Movement, kind paywall.Kind, begun paywall.MovementKind) (*journal.Record, paywall.Booked, error) {
	first, h, err := ended(v, m, begun)
	if err != nil {
		return nil, paywall.Booked{}, err
	}
	if taken, _ := movementOf(first, v.currency); taken.Amount != m.Amount {
		return nil, paywall.Booked{}, paywall.ErrNeverTaken
	}
	if kind == paywall.KindDisputeWon {
		if lost, err := v.bookedAs(paywall.MovedDisputeLost, m.Way, m.ID); err != nil || lost != nil {
			return nil, paywall.Booked{}, orNot(err, paywall.ErrNeverTaken)
		}
	}
	r := movementRecord(kind, m)
	r.Wallet = h.id
	r.Legs = h.credit(m.Way, m.Amount.Micros)
	if h.id != "" {
		r.Free = max(min(first.Free, legOf(r, paywall.WalletAccount(h.id))), 0)
	}
	return r, h.booked(v, r), nil
}

// decideLost decides about a dispute that ended with the payment gone: the wallet pays
// what it still owes of it, and what it does not have never comes. It can have something
// while it owes: a purchase that was undone, or a cash-out that failed. Of a dispute that
// was won this changes nothing.
func decideLost(v *view, m *paywall.Movement) (*journal.Record, paywall.Booked, error) {
	first, h, err := ended(v, m, paywall.MovedDispute)
	if err != nil {
		return nil, paywall.Booked{}, err
	}
	won, err := v.bookedAs(paywall.MovedDisputeWon, m.Way, m.ID)
	if err != nil {
		return nil, paywall.Booked{}, err
	}
	if won != nil {
		return nil, h.again(v, won), nil
	}
	r := movementRecord(paywall.KindDisputeLost, m)
	r.Wallet = h.id
	owed := min(-legOf(first, paywall.AccountReceivable), h.owed)
	if owed <= 0 {
		return r, h.booked(v, r), nil
	}
	r.Legs = []paywall.Leg{{Account: paywall.AccountReceivable, Micros: owed}}
	for _, leg := range h.take(owed) {
		if leg.Account == paywall.AccountReceivable {
			leg.Account = paywall.AccountLosses
		}
		r.Legs = append(r.Legs, leg)
	}
	r.Free = h.freeTaken(r)
	return r, h.booked(v, r), nil
}
