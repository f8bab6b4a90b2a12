package storetest

import (
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// part is one of a cash-out that the suite made.
func (h *suite) cashOut(r reader, closes bool) paywall.CashOut {
	h.t.Helper()
	out, err := h.store.CashOut(h.t.Context(), r.ID, paywall.NewID(), closes)
	if err != nil {
		h.t.Fatalf("cashing out: %v", err)
	}
	return out
}

func (h *suite) moveCashOut(id string, to paywall.CashOutState) paywall.CashOutPart {
	h.t.Helper()
	p, err := h.store.MoveCashOut(h.t.Context(), id, to)
	if err != nil {
		h.t.Fatalf("a cash-out that is %s: %v", to, err)
	}
	return p
}

// testCashOut: paid credit goes back the way it came, newest payments first; free credit
// and what vouchers brought stay.
func testCashOut(t *testing.T, h *suite) {
	ctx := t.Context()
	r := h.mixed(60, 50) // by a voucher
	first, second := h.topUp(r, card, 300), h.topUp(r, bank, 200)
	disputed := h.topUp(r, card, 100)
	h.buy(r, h.offer("/articles/a", 100)) // 60 of it free
	h.book(h.moved(card, paywall.MovedDispute, disputed.Payment, 100))
	h.book(h.moved(card, paywall.MovedRefund, first.Payment, 20))
	h.wantCredit(r, 490, 0)
	offer, err := h.store.CashOutOffer(ctx, r.ID)
	if err != nil || offer.ID != "" || offer.Amount != euro(480) || offer.Rest != euro(10) || len(offer.Parts) != 2 {
		t.Fatalf("offered is %+v, %v", offer, err)
	}
	h.wantCredit(r, 490, 0)
	before := h.books()
	id := paywall.NewID()
	out, err := h.store.CashOut(ctx, r.ID, id, false)
	if err != nil || out.ID != id || out.Amount != offer.Amount || out.Rest != offer.Rest || len(out.Parts) != 2 {
		t.Fatalf("cashed out is %+v, %v", out, err)
	}
	for i, want := range []paywall.CashOutPart{
		{ID: id + "-0", Way: bank, Payment: second.Payment, Intent: second.Intent, Amount: euro(200)},
		{ID: id + "-1", Way: card, Payment: first.Payment, Intent: first.Intent, Amount: euro(280)},
	} {
		want.Wallet, want.State, want.Asked, want.At = r.ID, paywall.CashOutPlanned, out.At, out.Parts[i].At
		if out.Parts[i] != want {
			t.Errorf("part %d is %+v, want %+v", i, out.Parts[i], want)
		}
	}
	h.wantMoved(before, map[string]int64{wallets: -480, paywall.AccountTransit: 480})
	h.wantCredit(r, 10, 0)
	again, err := h.store.CashOut(ctx, r.ID, id, false)
	if err != nil || again.Amount != out.Amount || len(again.Parts) != 2 {
		t.Errorf("the same cash-out again is %+v, %v", again, err)
	}
	_, err = h.store.CashOut(ctx, r.ID, id, true)
	h.wantError(err, paywall.ErrConflict)
	_, err = h.store.CashOut(ctx, h.reader(0).ID, id, false)
	h.wantError(err, paywall.ErrConflict)
	_, err = h.store.CashOut(ctx, r.ID, paywall.NewID(), false)
	h.wantError(err, paywall.ErrConflict) // nothing is left that can go back

	h.partsEnd(out)
	list, err := h.store.CashOuts(ctx, r.ID)
	if err != nil || len(list) != 2 {
		t.Errorf("the wallet's cash-outs are %+v, %v", list, err)
	}
}

// testFreeCreditIsNotPaidOut, even where a payment could give more back than is left of it.
func testFreeCreditIsNotPaidOut(t *testing.T, h *suite) {
	r := h.reader(60)
	h.topUp(r, card, 300)
	given := h.buy(r, h.offer("/articles/a", 60)).Unlock
	h.buy(r, h.offer("/articles/b", 200))
	if _, err := h.store.Refund(t.Context(), r.ID, given.ID, 0); err != nil {
		t.Fatal(err)
	}
	h.wantCredit(r, 100, 60)
	if out := h.cashOut(r, false); out.Amount != euro(100) || !out.Rest.IsZero() {
		t.Errorf("of 1.00 that were paid and 0.60 that were given goes back %+v", out)
	}
	h.wantCredit(r, 0, 60)
}

// testCanceledStays: what was canceled or failed is in the wallet again, once, whatever
// is told later.
func testCanceledStays(t *testing.T, h *suite) {
	r := h.reader(0)
	h.topUp(r, card, 300)
	for _, end := range []paywall.CashOutState{paywall.CashOutCanceled, paywall.CashOutFailed} {
		part := h.cashOut(r, false).Parts[0].ID
		before := h.books()
		h.moveCashOut(part, end)
		for _, late := range []paywall.CashOutState{paywall.CashOutSent, paywall.CashOutPending, paywall.CashOutDone, paywall.CashOutFailed} {
			if p := h.moveCashOut(part, late); p.State != end {
				t.Errorf("what is %s is %s later", end, p.State)
			}
		}
		h.wantMoved(before, map[string]int64{paywall.AccountTransit: -300, wallets: 300})
	}
}

// partsEnd has one part done, and come back later, and the other fail.
func (h *suite) partsEnd(out paywall.CashOut) {
	h.t.Helper()
	ctx := h.t.Context()
	toBank, toCard := out.Parts[0], out.Parts[1]
	before := h.books()
	h.moveCashOut(toBank.ID, paywall.CashOutSent)
	h.moveCashOut(toCard.ID, paywall.CashOutPending)
	if open, err := h.store.OpenCashOuts(ctx, "", 10); err != nil || len(open) != 2 {
		h.t.Errorf("on the way are %+v, %v", open, err)
	}
	if p := h.moveCashOut(toCard.ID, paywall.CashOutSent); p.State != paywall.CashOutPending {
		h.t.Errorf("a part goes back to %s", p.State)
	}
	h.wantMoved(before, map[string]int64{})
	for range 2 {
		if p := h.moveCashOut(toBank.ID, paywall.CashOutFailed); p.State != paywall.CashOutFailed {
			h.t.Errorf("what failed is %+v", p)
		}
	}
	h.wantMoved(before, map[string]int64{paywall.AccountTransit: -200, wallets: 200})
	refund := h.moved(card, paywall.MovedRefund, toCard.Payment, 280)
	refund.CashOut = toCard.ID
	for i := range 3 {
		if b := h.book(refund); !b.Credited.IsZero() || b.Replayed != (i > 0) {
			h.t.Errorf("the refund of a cash-out for the %d. time is booked as %+v", i+1, b)
		}
	}
	h.moveCashOut(toCard.ID, paywall.CashOutDone)
	h.wantMoved(before, map[string]int64{paywall.AccountTransit: -480, wallets: 200, card: 280})
	failed := refund
	failed.Kind = paywall.MovedRefundFailed
	for range 2 {
		h.book(failed)
	}
	h.wantMoved(before, map[string]int64{paywall.AccountTransit: -480, wallets: 480})
	if open, err := h.store.OpenCashOuts(ctx, "", 10); err != nil || len(open) != 0 {
		h.t.Errorf("on the way are still %+v, %v", open, err)
	}
	_, err := h.store.MoveCashOut(ctx, "unknown-0", paywall.CashOutDone)
	h.wantError(err, paywall.ErrNotFound)
}

// testClosing: a cash-out that closes its wallet ends buying at once and reading never.
func testClosing(t *testing.T, h *suite) {
	ctx := t.Context()
	r := h.reader(60)
	h.buy(r, h.offer("/articles/a", 20))
	waiting := h.begin(r, bank, 100)
	paid := h.topUp(r, card, 500)
	out := h.cashOut(r, true)
	if !out.Closes || len(out.Parts) != 1 {
		t.Fatalf("a cash-out that closes is %+v", out)
	}
	closed := func() {
		t.Helper()
		_, err := h.unlock(r, h.offer("/articles/b", 1))
		h.wantError(err, paywall.ErrWalletClosed)
		quote, err := h.store.Quote(ctx, r.ID, h.offer("/articles/b", 1))
		if err != nil {
			t.Errorf("quoting: %v", err)
		}
		h.wantError(quote.Refusal, paywall.ErrWalletClosed)
		_, err = h.store.Tip(ctx, r.ID, tip(1))
		h.wantError(err, paywall.ErrWalletClosed)
		_, err = h.store.BeginTopUp(ctx, h.intent(r, card, 100))
		h.wantError(err, paywall.ErrWalletClosed)
		if _, err := h.store.Owned(ctx, r.keys.Key, site, "/articles/a"); err != nil {
			t.Errorf("a closed wallet reads no more: %v", err)
		}
	}
	closed()
	h.moveCashOut(out.Parts[0].ID, paywall.CashOutSent)
	h.moveCashOut(out.Parts[0].ID, paywall.CashOutDone)
	closed()
	before := h.books()
	if b := h.book(h.pays(waiting)); b.Placed {
		t.Errorf("what comes for a closed wallet is booked as %+v", b)
	}
	h.wantMoved(before, map[string]int64{bank: -100, paywall.AccountUnclaimed: 100})
	before = h.books()
	h.moveCashOut(out.Parts[0].ID, paywall.CashOutFailed)
	h.wantMoved(before, map[string]int64{card: -500, paywall.AccountUnclaimed: 500})
	h.book(h.moved(card, paywall.MovedDispute, paid.Payment, 500))
	closed() // not "top the wallet up": it cannot be
}

// testUnclaimed: money that nobody announced waits until somebody places it.
func testUnclaimed(t *testing.T, h *suite) {
	ctx := t.Context()
	r := h.reader(0)
	stray, other := h.moved(bank, paywall.MovedPayment, "", 700), h.moved(bank, paywall.MovedPayment, "", 50)
	for _, m := range []*paywall.Movement{&stray, &other} {
		m.Payment = m.ID
		if b := h.book(*m); b.Placed || b.Wallet != "" || !b.Credited.IsZero() {
			t.Errorf("money that nobody announced is booked as %+v", b)
		}
	}
	foreign := h.pays(h.begin(r, card, 90))
	foreign.Way = bank // an intent of another way
	if b := h.book(foreign); b.Placed {
		t.Errorf("money by another way than its intent's is booked as %+v", b)
	}
	if list, err := h.store.Unclaimed(ctx, "", 2); err != nil || len(list) != 2 {
		t.Errorf("a page of two is %+v, %v", list, err)
	}
	if list, err := h.store.Unclaimed(ctx, "", 10); err != nil || len(list) != 3 {
		t.Errorf("unclaimed is %+v, %v", list, err)
	}
	in := h.begin(r, bank, 100)
	before := h.books()
	for i := range 2 {
		b, err := h.store.Assign(ctx, bank, stray.ID, in.ID)
		if err != nil || b.Credited != euro(700) || b.Wallet != r.ID || !b.Placed || b.Replayed != (i > 0) {
			t.Errorf("assigned it is %+v, %v", b, err)
		}
	}
	h.wantMoved(before, map[string]int64{paywall.AccountUnclaimed: -700, wallets: 700})
	h.wantCredit(r, 700, 0)
	before = h.books()
	for range 2 {
		if err := h.store.SendBack(ctx, bank, other.ID); err != nil {
			t.Errorf("sending back: %v", err)
		}
	}
	h.wantMoved(before, map[string]int64{paywall.AccountUnclaimed: -50, bank: 50})
	_, err := h.store.Assign(ctx, bank, other.ID, in.ID)
	h.wantError(err, paywall.ErrConflict)
	h.wantError(h.store.SendBack(ctx, bank, stray.ID), paywall.ErrConflict)
	_, err = h.store.Assign(ctx, bank, "unknown", in.ID)
	h.wantError(err, paywall.ErrNotFound)
	h.wantError(h.store.SendBack(ctx, bank, "unknown"), paywall.ErrNotFound)
	if out := h.cashOut(r, false); len(out.Parts) != 1 || out.Parts[0].Amount != euro(700) {
		t.Errorf("what was assigned goes back as %+v", out)
	}
}

// testFundingOfErased: of a wallet that was erased the money entries stay, nameless.
func testFundingOfErased(t *testing.T, h *suite) {
	ctx := t.Context()
	r, owing := h.reader(0), h.reader(0)
	waiting := h.begin(r, card, 100)
	paid := h.topUp(r, card, 500)
	spent := h.topUp(owing, card, 200)
	h.buy(owing, h.offer("/articles/a", 200))
	h.book(h.moved(card, paywall.MovedRefund, spent.Payment, 200))
	second := h.topUp(r, card, 100)
	h.book(h.moved(card, paywall.MovedRefund, second.Payment, 10))
	out := h.cashOut(r, false)
	for _, id := range []string{r.ID, owing.ID} {
		if err := h.store.Erase(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	h.verify()
	before := h.books()
	if b := h.book(h.pays(waiting)); b.Placed {
		t.Errorf("what comes for an erased wallet is booked as %+v", b)
	}
	h.wantMoved(before, map[string]int64{card: -100, paywall.AccountUnclaimed: 100})
	before = h.books()
	h.moveCashOut(out.Parts[0].ID, paywall.CashOutSent)
	h.moveCashOut(out.Parts[0].ID, paywall.CashOutFailed)
	cents := out.Parts[0].Amount.Micros / 10_000
	h.wantMoved(before, map[string]int64{paywall.AccountTransit: -cents, paywall.AccountUnclaimed: cents})
	before = h.books()
	d := h.moved(card, paywall.MovedDispute, paid.Payment, 500)
	d.Fee = euro(20)
	h.book(d)
	h.wantMoved(before, map[string]int64{card: 520, paywall.AccountFees: -20, paywall.AccountReceivable: -500})
	before = h.books()
	d.Kind, d.Fee = paywall.MovedDisputeLost, euro(0)
	h.book(d)
	h.wantMoved(before, map[string]int64{paywall.AccountReceivable: 500, paywall.AccountLosses: -500})
}
