package ledger

import (
	"context"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// part is a part of a cash-out, with what its records say.
type part struct {
	state.CashOut
	plan, last *journal.Record
	intent     string
	lost       bool   // the payment, in a dispute
	holder     holder // of the wallet that it came from
}

// byHand reports whether a person did it, and nothing told of it by its own id.
func (p *part) byHand() bool { return p.State == paywall.CashOutDone && p.last.ID == "" }

// part finds a part of a cash-out by its id; known is false if there is none.
func (v *view) part(id string) (p part, known bool, err error) {
	value, err := v.Get(state.CashOutKey(id))
	if err != nil || value == nil {
		return p, false, err
	}
	if p.CashOut, err = state.DecodeCashOut(value); err != nil {
		return p, false, err
	}
	if p.plan, err = v.Record(p.Planned); err != nil {
		return p, false, err
	}
	if p.last, err = v.Record(p.Last); err != nil {
		return p, false, err
	}
	payment, known, err := v.payment(p.plan.Way, p.plan.Payment)
	if err != nil || !known {
		return p, false, orNot(err, paywall.ErrNoPayment)
	}
	of, err := v.paymentAt(payment.Booked)
	if err != nil {
		return p, false, err
	}
	p.intent, p.lost = of.intent, payment.Lost
	p.holder, err = v.concerned(p.plan.Wallet)
	return p, true, err
}

// public is a part in the words of the port.
func (p *part) public(v *view) paywall.CashOutPart {
	return paywall.CashOutPart{
		ID: p.plan.CashOut, Wallet: p.holder.id, Way: p.plan.Way, Payment: p.plan.Payment, Intent: p.intent,
		Amount: v.money(p.plan.Paid()), State: p.State, Asked: p.plan.Time, At: p.last.Time,
	}
}

// ended reports whether nothing is on its way any more.
func endedPart(s paywall.CashOutState) bool {
	return s == paywall.CashOutDone || s == paywall.CashOutFailed || s == paywall.CashOutCanceled
}

var errAsked = paywall.Errorf(paywall.CodeConflict, "the way was asked to give this back already; it cannot be canceled any more")

// MoveCashOut records how far a part of a cash-out is. Going back, or staying, changes
// nothing and is no error. Only what is planned can be canceled: else
// [paywall.CodeConflict]. What is done can still fail. Money that did not go back is in
// the wallet again, or in unclaimed under the part's ID: when the wallet is closed or
// erased, or its payment was lost in a dispute and what it owed for that given up.
// [paywall.ErrNoCashOut].
func (l *Ledger) MoveCashOut(ctx context.Context, id string, to paywall.CashOutState) (paywall.CashOutPart, error) {
	if _, known := partRank(to); !known {
		return paywall.CashOutPart{}, paywall.Errorf(paywall.CodeMalformed, "a cash-out cannot be %q", to)
	}
	return change(ctx, l, Reads{Keys: [][]byte{state.CashOutKey(id)}}, func(v *view) (*journal.Record, paywall.CashOutPart, error) {
		p, known, err := v.part(id)
		if err != nil || !known {
			return nil, paywall.CashOutPart{}, orNot(err, paywall.ErrNoCashOut)
		}
		if to == paywall.CashOutCanceled && p.State != to && p.State != paywall.CashOutPlanned {
			return nil, paywall.CashOutPart{}, errAsked
		}
		was, _ := partRank(p.State)
		if rank, _ := partRank(to); rank <= was {
			return nil, p.public(v), nil
		}
		r := p.move(to, "")
		p.State, p.last = to, &journal.Record{}
		p.last.Time = v.now
		return r, p.public(v), nil
	})
}

// partRank orders the states of a part: it only ever goes to a higher one.
func partRank(s paywall.CashOutState) (int, bool) {
	switch s {
	case paywall.CashOutPlanned:
		return 0, true
	case paywall.CashOutSent:
		return 1, true
	case paywall.CashOutPending:
		return 2, true
	case paywall.CashOutDone:
		return 3, true
	case paywall.CashOutFailed, paywall.CashOutCanceled:
		return 4, true
	}
	return 0, false
}

// move is the record of a part's next state; id is that of the movement that tells it.
func (p *part) move(to paywall.CashOutState, id string) *journal.Record {
	r := &journal.Record{Wallet: p.holder.id, Funding: &journal.Funding{CashOut: p.plan.CashOut, State: string(to), ID: id}}
	r.Kind = paywall.KindCashOut
	from, back := paywall.AccountTransit, p.plan.Paid()
	if p.State == paywall.CashOutDone {
		from = p.plan.Way
	}
	switch {
	case to == paywall.CashOutDone:
		r.Legs = []paywall.Leg{{Account: from, Micros: -back}, {Account: p.plan.Way, Micros: back}}
	case endedPart(to) && p.lost:
		r.Legs = (&holder{}).credit(from, back)
	case endedPart(to):
		r.Legs = p.holder.credit(from, back)
	}
	return r
}

// decideReturned decides about a refund that was asked for by a cash-out, or its failure.
// Where nothing of that was asked for here, or it had ended otherwise, the payment was
// refunded at the provider all the same.
func decideReturned(v *view, m *paywall.Movement) (*journal.Record, paywall.Booked, error) {
	p, known, err := v.part(m.CashOut)
	if err != nil {
		return nil, paywall.Booked{}, err
	}
	reversed, err := v.bookedAs(paywall.MovedRefund, m.Way, m.ID)
	if err != nil {
		return nil, paywall.Booked{}, err
	}
	switch {
	case m.Kind == paywall.MovedRefundFailed && reversed != nil && reversed.Kind == paywall.KindReversal:
		return decideRestored(v, m, paywall.KindReversalFailed, paywall.MovedRefund)
	case !known && m.Kind == paywall.MovedRefund:
		return decideReversal(v, m)
	case !known:
		return nil, paywall.Booked{}, paywall.ErrNoCashOut
	}
	to := paywall.CashOutDone
	if m.Kind == paywall.MovedRefundFailed {
		to = paywall.CashOutFailed
	}
	was, _ := partRank(p.State)
	rank, _ := partRank(to)
	switch fits := p.fits(m); {
	case fits && rank > was:
		r := p.move(to, m.ID)
		return r, p.holder.booked(v, r), nil
	case fits && (m.Kind == paywall.MovedRefundFailed || p.last.ID == m.ID):
		return nil, p.holder.again(v, p.last), nil
	case m.Kind == paywall.MovedRefundFailed:
		return nil, paywall.Booked{}, paywall.ErrNeverTaken
	}
	if m.Payment == "" {
		return nil, paywall.Booked{}, paywall.ErrConflict
	}
	return decideReversal(v, m)
}

// fits reports whether a movement is the part's.
func (p *part) fits(m *paywall.Movement) bool {
	return p.plan.Way == m.Way && (m.Payment == "" || m.Payment == p.plan.Payment) && p.plan.Paid() == m.Amount.Micros
}

// returnedBefore answers a movement that ended a part of a cash-out.
func returnedBefore(v *view, r *journal.Record, m *paywall.Movement) (*journal.Record, paywall.Booked, error) {
	p, known, err := v.part(r.CashOut)
	if err != nil || !known {
		return nil, paywall.Booked{}, orNot(err, paywall.ErrNoCashOut)
	}
	if !p.fits(m) || m.CashOut != "" && m.CashOut != r.CashOut {
		return nil, paywall.Booked{}, paywall.ErrConflict
	}
	return nil, p.holder.again(v, r), nil
}

// returnOf is the movement that a record of a part tells, which was planned so; ok is
// false if it tells none.
func returnOf(plan, r *journal.Record, currency paywall.Currency) (m paywall.Movement, ok bool) {
	if plan == nil {
		return m, false
	}
	m = paywall.Movement{
		Way: plan.Way, Kind: paywall.MovedRefund, ID: r.ID, Payment: plan.Payment, CashOut: plan.CashOut,
		Amount: paywall.Money{Micros: plan.Paid(), Currency: currency}, Fee: paywall.Money{Currency: currency}, At: r.Time,
	}
	switch paywall.CashOutState(r.State) {
	case paywall.CashOutDone:
		return m, true
	case paywall.CashOutFailed:
		m.Kind = paywall.MovedRefundFailed
		return m, r.ID != ""
	case paywall.CashOutPlanned, paywall.CashOutSent, paywall.CashOutPending, paywall.CashOutCanceled:
	}
	return m, false
}
