package topuptest

import (
	"net/http"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// hooked sends all calls that wait, and each must be answered: the provider ends calling.
func (h *house) hooked() {
	h.t.Helper()
	for _, c := range h.calls() {
		for range 2 {
			if code := h.hook(c); code != http.StatusOK {
				h.t.Errorf("a call is answered %d, for ever", code)
			}
		}
	}
}

// TestDisputeThatEndsOtherwiseStandsInSuspense: it was lost and is won then, or is won with
// another amount. The money is real.
func TestDisputeThatEndsOtherwiseStandsInSuspense(t *testing.T) {
	h, p := newPurseHouse(t)
	loser, lost := h.paid()
	end := h.Dispute(lost)
	end(false)
	h.hooked()
	h.expect(loser, -lost.Amount.Micros)
	end(true)
	h.hooked()
	if status, err := h.service.Look(t.Context(), lost.ID); err != nil || status.Late {
		t.Errorf("looked at again, the top-up is %+v, %v", status, err)
	}
	half, in := h.paid()
	h.Dispute(in)
	h.hooked()
	h.expect(half, -in.Amount.Micros)
	id := p.moved[len(p.moved)-1].ID
	p.move(p.orders[in.Object], paywall.Movement{Kind: paywall.MovedDisputeWon, ID: id, Amount: h.part()})
	h.hooked()
	moved := h.suspense()
	if len(moved) != 2 || moved[0].Amount != lost.Amount || moved[1].Amount != h.part() {
		t.Errorf("in suspense stand %+v", moved)
	}
	h.proved()
}

// TestOnlyALookSaysWhatPaysForAnIntent: the account lists a payment with the intent's id
// that is not the session's.
func TestOnlyALookSaysWhatPaysForAnIntent(t *testing.T) {
	h, p := newPurseHouse(t)
	_, in := h.paid()
	r := h.reader()
	waiting := h.begin(r)
	for id, of := range map[string]paywall.Intent{"forged-1": in, "forged-2": waiting} {
		p.moved = append(p.moved, paywall.Movement{
			Way: p.Name(), Kind: paywall.MovedPayment, ID: id, Payment: id, Intent: of.ID, Amount: h.part(), At: p.now(),
		})
	}
	out, err := h.service.Reconcile(t.Context(), time.Time{}, nil)
	h.must(err)
	list, err := h.service.Unclaimed(t.Context(), 10)
	h.must(err)
	if out.Mended != 1 || out.Open != 1 || len(list) != 1 || list[0].ID != "forged-1" {
		t.Errorf("%d were mended and %d are open; in unclaimed stand %+v", out.Mended, out.Open, list)
	}
	h.has(r, 0)
	h.clock.forward(p.Life() + time.Hour)
	p.orders[waiting.Object].state = paywall.IntentExpired
	h.proved()
	if list, err = h.service.Unclaimed(t.Context(), 10); err != nil || len(list) != 2 {
		t.Errorf("in unclaimed stand %+v, %v", list, err)
	}
}

// TestTransferIsOneInWhateverYearABankDatesIt: nobody's intent says which key seals it.
func TestTransferIsOneInWhateverYearABankDatesIt(t *testing.T) {
	h, p := newPurseHouse(t)
	h.until(time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC))
	h.paid()
	m := paywall.Movement{Way: p.Name(), Kind: paywall.MovedPayment, ID: "transfer", Payment: "transfer", Amount: h.part()}
	for _, day := range []time.Time{
		time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC),
	} {
		m.At = day
		placed, err := h.service.Place(t.Context(), []paywall.Movement{m})
		h.must(err)
		h.must(placed[0].Err)
	}
	if list, err := h.service.Unclaimed(t.Context(), 10); err != nil || len(list) != 1 {
		t.Errorf("in unclaimed stand %+v, %v", list, err)
	}
}

// TestBankThatCountsAnewEachYearLosesNoTransfer: the same reference and amount a year later.
func TestBankThatCountsAnewEachYearLosesNoTransfer(t *testing.T) {
	h, p := newPurseHouse(t)
	m := paywall.Movement{Way: p.Name(), Kind: paywall.MovedPayment, ID: "000123", Payment: "000123", Amount: h.part()}
	for year := 2027; year < 2029; year++ {
		h.until(time.Date(year, 1, 6, 0, 0, 0, 0, time.UTC))
		m.At = time.Date(year, 1, 5, 0, 0, 0, 0, time.UTC)
		placed, err := h.service.Place(t.Context(), []paywall.Movement{m, m})
		h.must(err)
		h.must(placed[0].Err)
	}
	if list, err := h.service.Unclaimed(t.Context(), 10); err != nil || len(list) != 2 {
		t.Errorf("in unclaimed stand %+v, %v", list, err)
	}
}

// TestHistoryBeforeTheFirstTopUpIsLeftAlone: the account at the provider is older than the
// ledger.
func TestHistoryBeforeTheFirstTopUpIsLeftAlone(t *testing.T) {
	h, p := newPurseHouse(t)
	h.Stranger(h.part())
	h.Payout(h.part())
	h.Move(h.part())
	h.Hooks() // long ago
	h.clock.forward(24 * time.Hour)
	if out := h.reconciled(); out.Mended != 0 || out.Earlier != 3 {
		t.Errorf("before the first top-up, reconciled is %+v", out)
	}
	h.paid()
	if out := h.reconciled(); out.Mended != 0 || out.Earlier != 3 {
		t.Errorf("reconciled is %+v", out)
	}
	p.move(nil, paywall.Movement{Kind: paywall.MovedRefund, ID: "late", Payment: p.moved[0].ID, Amount: h.part()}) // of then
	h.deliver()
	if moved := h.suspense(); len(moved) != 1 || moved[0].Amount != h.part().Neg() {
		t.Errorf("in suspense stand %+v", moved)
	}
	h.proved()
}

// TestSecondRefundOfWhatWasSentBackIsBooked: the first tells of what a person did.
func TestSecondRefundOfWhatWasSentBackIsBooked(t *testing.T) {
	h, p := newPurseHouse(t)
	h.paid()
	h.Stranger(h.Amount)
	h.hooked()
	stranger := p.moved[len(p.moved)-1]
	h.must(h.service.SendBack(t.Context(), p.Name(), stranger.ID))
	for _, id := range []string{"back", "twice"} {
		p.move(nil, paywall.Movement{Kind: paywall.MovedRefund, ID: id, Payment: stranger.Payment, Amount: h.Amount})
		h.hooked()
	}
	told := 0
	for m, err := range h.ledger.Movements(t.Context(), time.Time{}) {
		h.must(err)
		if m.Kind == paywall.MovedRefund {
			told++
		}
	}
	stats, err := h.ledger.Stats(t.Context())
	h.must(err)
	if told != 2 || stats.Funding.Receivable != h.Amount {
		t.Errorf("%d refunds are told, and %s are receivable", told, stats.Funding.Receivable)
	}
	h.proved()
}

// TestIntentWithAForeignPaymentEnds: what its session brought is not what was asked for.
func TestIntentWithAForeignPaymentEnds(t *testing.T) {
	h, p := newPurseHouse(t)
	r := h.reader()
	in := h.begin(r)
	p.orders[in.Object].intent = "AAAAAAAAAAAAAAAA"
	h.Pay(in)
	h.hooked()
	status, err := h.service.Look(t.Context(), in.ID)
	h.must(err)
	if status.Intent.State != paywall.IntentFailed || status.Late {
		t.Errorf("the top-up is %+v", status)
	}
	list, err := h.service.Unclaimed(t.Context(), 10)
	h.must(err)
	if len(list) != 1 {
		t.Fatalf("in unclaimed stand %+v", list)
	}
	_, err = h.service.Assign(t.Context(), p.Name(), list[0].ID, in.ID)
	h.must(err)
	h.expect(r, in.Amount.Micros)
	if status, err := h.service.Look(t.Context(), in.ID); err != nil || status.Intent.State != paywall.IntentPaid {
		t.Errorf("once assigned, the top-up is %+v, %v", status, err)
	}
	h.proved()
}

// TestCashOutOfWhatWasAssignedEnds: no intent of ours leads to that payment.
func TestCashOutOfWhatWasAssignedEnds(t *testing.T) {
	h, p := newPurseHouse(t)
	h.Stranger(h.Amount)
	r := h.reader()
	in := h.begin(r)
	h.hooked()
	_, err := h.service.Assign(t.Context(), p.Name(), p.moved[0].ID, in.ID)
	h.must(err)
	_, err = h.service.CashOut(t.Context(), r.id, "assigned", false)
	h.must(err)
	h.must(h.service.Sweep(t.Context()))
	h.state(r, paywall.CashOutDone)
	h.hooked()
	h.proved()
}

// TestReaderCannotNameACashOutLikeAWarning: the ids are the readers' own.
func TestReaderCannotNameACashOutLikeAWarning(t *testing.T) {
	h, _ := newPurseHouse(t)
	r, in := h.paid()
	_, err := h.service.CashOut(t.Context(), r.id, "efw-AAAAAAAAAAAAAAAAAA", false)
	h.must(err)
	h.must(h.service.Sweep(t.Context()))
	h.hooked()
	h.state(r, paywall.CashOutDone)
	h.expect(r, -in.Amount.Micros)
	h.proved()
}

// TestForgottenTopUpEnds: its money never came, and nobody can look it up any more. Nor does
// a cash-out of that year keep a person from seeing others.
func TestForgottenTopUpEnds(t *testing.T) {
	h, _ := newPurseHouse(t)
	r, _ := h.paid()
	h.PayLater(h.begin(h.reader()))
	h.deliver()
	h.Break()
	_, err := h.service.CashOut(t.Context(), r.id, "old", false)
	h.must(err)
	_ = h.service.Sweep(t.Context())
	h.Mend()
	h.until(time.Date(2028, 3, 2, 0, 0, 0, 0, time.UTC))
	_ = h.service.Sweep(t.Context())
	if open, err := h.ledger.OpenIntents(t.Context(), "", 10); err != nil || len(open) != 0 {
		t.Errorf("open are %+v, %v", open, err)
	}
	if parts, err := h.service.OpenCashOuts(t.Context(), h.Way.Name(), "", 10); err != nil || len(parts) != 1 {
		t.Errorf("on the way are %+v, %v", parts, err)
	}
}
