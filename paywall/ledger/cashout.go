package ledger

import (
	"context"
	"strconv"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// maxReturned is how many of a wallet's newest payments a cash-out looks at, and with it
// how many parts it has at most.
const maxReturned = 100

// CashOutOffer is the decision of [Ledger.CashOut] with its records thrown away: what
// would go back now, which may be nothing. [paywall.ErrNoWallet], [paywall.ErrOwing].
func (l *Ledger) CashOutOffer(ctx context.Context, wallet string) (paywall.CashOut, error) {
	return look(ctx, l, walletReads(wallet), func(v *view) (paywall.CashOut, error) {
		_, offer, err := decideCashOut(v, wallet, "", false)
		if paywall.ErrorCode(err) == paywall.CodeConflict {
			err = nil
		}
		return offer, err
	})
}

// CashOut takes unspent paid credit from a wallet, to be given back the way it came: of
// its newest payments first, the newest hundred at most, and none that is disputed. Each
// part is an amount that can be transferred; smaller fractions stay. Key:
// the ID, of letters, digits and the like; the same wallet and closes again get the first
// cash-out as it was planned, others [paywall.ErrConflict]. A wallet that closes with it
// buys nothing more from now on; it is closed when all its parts have ended.
// [paywall.ErrNothingToCashOut], [paywall.ErrOwing], [paywall.ErrNoWallet].
func (l *Ledger) CashOut(ctx context.Context, wallet, id string, closes bool) (paywall.CashOut, error) {
	if !named(id, false) || len(id) > 64 {
		return paywall.CashOut{}, paywall.Errorf(paywall.CodeMalformed, "a cash-out cannot be named so")
	}
	reads := walletReads(wallet, state.CashOutKey(partID(id, 0)))
	return commit(ctx, l, Change{Reads: reads}, func(tx *Tx) (paywall.CashOut, error) {
		again, known, err := cashOutAgain(&tx.view, wallet, id, closes)
		if err != nil || known {
			return again, err
		}
		records, planned, err := decideCashOut(&tx.view, wallet, id, closes)
		if err == nil {
			err = tx.appendAll(records)
		}
		return planned, err
	})
}

func partID(id string, n int) string { return id + "-" + strconv.Itoa(n) }

// cashOutAgain answers a cash-out that was planned before.
func cashOutAgain(v *view, wallet, id string, closes bool) (c paywall.CashOut, known bool, err error) {
	_, w, err := v.wallet(wallet)
	if err != nil {
		return c, false, err
	}
	c = paywall.CashOut{ID: id, Amount: v.money(0), Rest: v.money(w.Balance - w.Free), Closes: closes}
	for n := range maxReturned {
		p, known, err := v.part(partID(id, n))
		if err != nil || !known {
			return c, n > 0, err
		}
		if p.plan.Wallet != wallet || p.plan.Closes != closes {
			return c, false, paywall.ErrConflict
		}
		c.Parts, c.At = append(c.Parts, p.public(v)), p.plan.Time
		c.Amount.Micros += p.plan.Paid()
	}
	return c, true, nil
}

func decideCashOut(v *view, wallet, id string, closes bool) (records []*journal.Record, c paywall.CashOut, err error) {
	_, w, err := v.wallet(wallet)
	if err != nil {
		return nil, c, err
	}
	if w.Owed > 0 {
		return nil, c, paywall.ErrOwing
	}
	paid := w.Balance - w.Free
	c = paywall.CashOut{ID: id, Amount: v.money(0), Rest: v.money(paid), Closes: closes, At: v.now}
	at := w.Funded
	for range maxReturned {
		if at.IsZero() || c.Rest.IsZero() {
			break
		}
		p, err := v.paymentAt(at)
		if err != nil {
			return nil, c, err
		}
		at = p.Prev
		back := min(p.Left(), c.Rest.Micros)
		if back -= back % v.currency.Smallest(); back == 0 {
			continue
		}
		c.Rest.Micros, c.Amount.Micros = c.Rest.Micros-back, c.Amount.Micros+back
		r := &journal.Record{Wallet: wallet, Funding: &journal.Funding{
			CashOut: partID(id, len(records)), State: string(paywall.CashOutPlanned), Way: p.way, Payment: p.id, Closes: closes,
		}}
		r.Kind = paywall.KindCashOut
		r.Legs = []paywall.Leg{{Account: paywall.WalletAccount(wallet), Micros: -back}, {Account: paywall.AccountTransit, Micros: back}}
		records = append(records, r)
		c.Parts = append(c.Parts, paywall.CashOutPart{
			ID: r.CashOut, Wallet: wallet, Way: p.way, Payment: p.id, Intent: p.intent,
			Amount: v.money(back), State: paywall.CashOutPlanned, Asked: v.now, At: v.now,
		})
	}
	if len(records) == 0 {
		return nil, c, paywall.ErrNothingToCashOut
	}
	return records, c, nil
}

// fundedBy is a payment into a wallet, with what its records say.
type fundedBy struct {
	state.Payment
	way, id, intent string
}

// paymentAt finds a payment by the record that put it into a wallet. Of one that was
// assigned, the intent is the one that it named itself, if it did.
func (v *view) paymentAt(at Ref) (p fundedBy, err error) {
	r, err := v.Record(at)
	if err != nil {
		return p, err
	}
	p.way, p.id, p.intent = r.Way, r.Payment, r.Intent
	if r.Kind == paywall.KindAssign {
		came, err := v.bookedAs(paywall.MovedPayment, r.Way, r.ID)
		if err != nil || came == nil {
			return p, orNot(err, paywall.ErrNoPayment)
		}
		if p.id = came.Payment; came.Intent != "" {
			p.intent = came.Intent
		}
	}
	var known bool
	if p.Payment, known, err = v.payment(p.way, p.id); err == nil && !known {
		err = paywall.ErrNoPayment
	}
	return p, err
}

// CashOuts lists the parts of a wallet's newest cash-outs, newest first, a hundred at most.
// [paywall.ErrNoWallet].
func (l *Ledger) CashOuts(ctx context.Context, wallet string) ([]paywall.CashOutPart, error) {
	return look(ctx, l, walletReads(wallet), func(v *view) ([]paywall.CashOutPart, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		list := []paywall.CashOutPart{}
		for at := w.Leaving.Newest; !at.IsZero() && len(list) < maxReturned; {
			plan, err := v.Record(at)
			if err != nil {
				return nil, err
			}
			p, known, err := v.part(plan.CashOut)
			if err != nil || !known {
				return nil, orNot(err, paywall.ErrNoCashOut)
			}
			list, at = append(list, p.public(v)), p.Prev
		}
		return list, nil
	})
}

// OpenCashOuts lists parts of cash-outs that have not ended, at most limit of them, in the
// order of their ids and after the given one.
func (l *Ledger) OpenCashOuts(ctx context.Context, after string, limit int) ([]paywall.CashOutPart, error) {
	return look(ctx, l, Reads{List: true}, func(v *view) ([]paywall.CashOutPart, error) {
		list := []paywall.CashOutPart{}
		err := v.after(state.OpenPartKey(""), after, limit, func(id string, _ []byte) error {
			p, known, err := v.part(id)
			if err != nil || !known {
				return orNot(err, paywall.ErrNoCashOut)
			}
			list = append(list, p.public(v))
			return nil
		})
		return list, err
	})
}

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
	was, byHand := p.State, p.byHand()
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
	if err := tx.partEnds(r, at, &p, byHand); err != nil {
		return err
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

// partEnds notes on a payment that what was to go back did not, or that a person sent it
// and a refund is still to tell.
func (tx *Tx) partEnds(r *journal.Record, at Ref, p *part, byHand bool) error {
	done := p.State == paywall.CashOutDone
	if !endedPart(p.State) || done && r.ID != "" {
		return nil
	}
	plan := p.plan
	payment, known, err := tx.payment(plan.Way, plan.Payment)
	if err != nil || !known {
		return orNot(err, paywall.ErrNoPayment)
	}
	payment.PartEnds(plan.Paid(), done, byHand)
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
