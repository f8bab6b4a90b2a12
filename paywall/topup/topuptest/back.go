package topuptest

import (
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// paid is a reader with one payment in the wallet.
func (h *house) paid() (reader, paywall.Intent) {
	h.t.Helper()
	r := h.reader()
	in := h.begin(r)
	h.Pay(in)
	h.deliver()
	h.has(r, in.Amount.Micros)
	h.expect(r, in.Amount.Micros)
	return r, in
}

func refundsAtTheProvider(t *testing.T, b Bench) {
	needs(t, b.Refund != nil)
	h := newHouse(t, b)
	r, in := h.paid()
	part := h.part()
	h.Refund(in, part)
	h.deliver()
	h.expect(r, -part.Micros)
	h.has(r, in.Amount.Micros-part.Micros)
	h.Refund(in, part) // the same amount again is another refund
	h.deliver()
	h.expect(r, -part.Micros)
	h.Refund(in, paywall.Money{Micros: in.Amount.Micros - 2*part.Micros, Currency: Currency})
	h.deliver()
	h.has(r, 0)
	h.expect(r, 2*part.Micros-in.Amount.Micros)
	h.proved()

	early := h.reader() // told of the refund before the payment
	in = h.begin(early)
	h.Pay(in)
	first := h.calls()
	h.Refund(in, part)
	h.deliver()
	h.expect(early, in.Amount.Micros-part.Micros)
	for _, c := range first {
		h.hook(c)
	}
	h.proved()
}

func disputes(t *testing.T, b Bench) {
	needs(t, b.Dispute != nil)
	h := newHouse(t, b)
	winner, won := h.paid()
	loser, lost := h.paid()
	win, lose := h.Dispute(won), h.Dispute(lost)
	h.deliver()
	h.has(winner, 0)
	h.has(loser, 0)
	h.reconciled()
	win(true)
	lose(false)
	h.deliver()
	h.has(winner, won.Amount.Micros)
	h.expect(loser, -lost.Amount.Micros)
	h.proved()
}

func warnedPaymentIsRefunded(t *testing.T, b Bench) {
	needs(t, b.Warn != nil)
	h := newHouse(t, b)
	r, in := h.paid()
	h.Warn(in)
	calls := h.calls()
	for _, c := range append(calls, calls...) {
		h.hook(c)
	}
	h.deliver()
	h.has(r, 0)
	h.expect(r, -in.Amount.Micros)
	back := int64(0)
	for _, m := range h.look(t, in).Movements {
		if m.Kind == paywall.MovedRefund {
			back += m.Amount.Micros
		}
	}
	if back != in.Amount.Micros {
		t.Errorf("%d went back after a fraud warning", back)
	}
	h.proved()
}

func cashOut(t *testing.T, b Bench) {
	h := newHouse(t, b)
	r, in := h.paid()
	_, err := h.service.CashOut(t.Context(), r.id, "twice", false)
	h.must(err)
	again, err := h.service.CashOut(t.Context(), r.id, "twice", false)
	h.must(err)
	if again.Amount != in.Amount || len(again.Parts) != 1 {
		t.Errorf("%s goes back in %d parts, of %s", again.Amount, len(again.Parts), in.Amount)
	}
	h.has(r, 0)
	h.expect(r, -in.Amount.Micros)
	h.must(h.service.Sweep(t.Context()))
	switch {
	case b.asks():
	case b.Refund != nil: // the statement tells what a person sent
		h.openByHand(in)
		b.Refund(in, in.Amount)
	default:
		h.done(h.openByHand(in))
	}
	h.deliver()
	h.must(h.service.Sweep(t.Context()))
	h.state(r, paywall.CashOutDone)
	h.proved()
}

// cashOutByHand is one that a person says is done; a statement may tell it later.
func cashOutByHand(t *testing.T, b Bench) {
	needs(t, !b.asks())
	h := newHouse(t, b)
	r, in := h.paid()
	c, err := h.service.CashOut(t.Context(), r.id, "by-hand", true)
	h.must(err)
	_, err = h.ledger.MoveCashOut(t.Context(), c.Parts[0].ID, paywall.CashOutSent) // and then a crash
	h.must(err)
	h.expect(r, -in.Amount.Micros)
	h.must(h.service.Sweep(t.Context()))
	h.done(h.openByHand(in))
	h.state(r, paywall.CashOutDone)
	if b.Refund != nil { // the statement tells it, too
		b.Refund(in, in.Amount)
		h.deliver()
		h.has(r, 0)
		stats, err := h.ledger.Stats(t.Context())
		h.must(err)
		if !stats.Funding.Receivable.IsZero() {
			t.Errorf("the reader owes %s for a cash-out that was done by hand", stats.Funding.Receivable)
		}
	}
	if status, err := h.service.Begin(t.Context(), h.request(r)); err == nil {
		t.Errorf("a wallet that was closed with it is paid into: %+v", status)
	}
	h.proved()
}

// openByHand is the part that a person has to send back.
func (h *house) openByHand(in paywall.Intent) paywall.CashOutPart {
	h.t.Helper()
	open, err := h.service.OpenCashOuts(h.t.Context(), h.Way.Name(), "", 10)
	h.must(err)
	if len(open) != 1 || open[0].State != paywall.CashOutPending || open[0].Intent != in.ID || open[0].Wallet != "" {
		h.t.Fatalf("what a person has to send back is listed as %+v", open)
	}
	return open[0]
}

// done has a person say that a part was sent.
func (h *house) done(part paywall.CashOutPart) {
	h.t.Helper()
	_, err := h.service.CashOutDone(h.t.Context(), part.ID)
	h.must(err)
}

// state checks how far a reader's only cash-out is.
func (h *house) state(r reader, want paywall.CashOutState) {
	h.t.Helper()
	parts, err := h.service.CashOuts(h.t.Context(), r.id)
	h.must(err)
	if len(parts) != 1 || parts[0].State != want || parts[0].Payment != "" || parts[0].Intent != "" {
		h.t.Errorf("the cash-out stands as %+v instead of %s", parts, want)
	}
}

func cashOutSurvivesALostAnswer(t *testing.T, b Bench) {
	needs(t, b.asks(), b.LoseOnce != nil)
	h := newHouse(t, b)
	r, in := h.paid()
	h.expect(r, -in.Amount.Micros)
	_, err := h.service.CashOut(t.Context(), r.id, "lost", false)
	h.must(err)
	h.LoseOnce()
	_ = h.service.Sweep(t.Context()) // whether the way tried again by itself is its own affair
	h.must(h.service.Sweep(t.Context()))
	h.deliver()
	h.state(r, paywall.CashOutDone)
	back := int64(0)
	for _, m := range h.look(t, in).Movements {
		if m.Kind == paywall.MovedRefund {
			back += m.Amount.Micros
		}
	}
	if back != in.Amount.Micros {
		t.Errorf("%d went back of %s", back, in.Amount)
	}
	h.proved()
}

func unexplainedMoneyIsKept(t *testing.T, b Bench) {
	needs(t, b.Payout != nil || b.Move != nil || b.Stranger != nil)
	h := newHouse(t, b)
	h.paid()
	if b.Payout != nil {
		b.Payout(h.part())
	}
	if b.Move != nil {
		b.Move(h.part())
		b.Move(h.part().Neg())
	}
	if b.Stranger != nil {
		b.Stranger(b.Amount)
	}
	h.deliver()
	h.proved()
	if b.Stranger == nil {
		return
	}
	list, err := h.service.Unclaimed(t.Context(), 10)
	h.must(err)
	if len(list) != 1 || list[0].Amount != b.Amount || list[0].Way != b.Way.Name() {
		t.Fatalf("a stranger's money stands in unclaimed as %+v", list)
	}
	r := h.reader()
	in := h.begin(r)
	_, err = h.service.Assign(t.Context(), b.Way.Name(), list[0].ID, in.ID)
	h.must(err)
	h.expect(r, b.Amount.Micros)
	h.proved()
}
