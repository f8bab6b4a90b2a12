package ledger_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func (r *rig) move(part string, to, want paywall.CashOutState) paywall.CashOutPart {
	r.t.Helper()
	p := must[paywall.CashOutPart](r.t)(r.MoveCashOut(r.ctx, part, to))
	if p.State != want {
		r.t.Errorf("moved to %s it is %s, want %s", to, p.State, want)
	}
	return p
}

func returned(kind paywall.MovementKind, id, payment, part string, amount float64) paywall.Movement {
	m := movement(kind, id, payment, amount)
	m.CashOut = part
	return m
}

func TestUnspentPaidCreditGoesBackTheWayItCame(t *testing.T) {
	r := newRig(t)
	w := r.wallet(1)
	old, newer := r.pay(w, 5), r.pay(w, 3)
	r.fails(r.AddVouchers(r.ctx, []paywall.Voucher{{Code: paywall.Hash{1}, Amount: euro(2)}}), nil)
	must[paywall.TopUp](t)(r.Redeem(r.ctx, w, paywall.Hash{1}))
	r.bought(w, 4) // 1 free and 3 paid: of 10 paid, 7 are left
	offer := must[paywall.CashOut](t)(r.CashOutOffer(r.ctx, w))
	planned := must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "c", false))
	if offer.Amount != euro(7) || offer.Amount != planned.Amount || offer.Rest != planned.Rest || offer.ID != "" || len(offer.Parts) != 2 {
		t.Errorf("offered is %+v, planned %+v", offer, planned)
	}
	first, second := planned.Parts[0], planned.Parts[1]
	if first.ID != "c-0" || first.Payment != newer || first.Amount != euro(3) || second.ID != "c-1" || second.Payment != old || second.Amount != euro(4) {
		t.Errorf("the parts are %+v", planned.Parts)
	}
	r.has(w, 0, 0, 0)
	again := must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "c", false))
	if !slices.Equal(again.Parts, planned.Parts) || again.Amount != planned.Amount {
		t.Errorf("again it is %+v", again)
	}
	_, err := r.CashOut(r.ctx, w, "c", true)
	r.fails(err, paywall.ErrConflict)
	_, err = r.CashOut(r.ctx, r.wallet(0), "c", false)
	r.fails(err, paywall.ErrConflict)
	_, err = r.CashOut(r.ctx, w, "d", false)
	r.fails(err, paywall.ErrNothingToCashOut)

	r.move("c-0", paywall.CashOutSent, paywall.CashOutSent)
	r.move("c-0", paywall.CashOutPending, paywall.CashOutPending)
	r.move("c-0", paywall.CashOutSent, paywall.CashOutPending)
	if _, err := r.MoveCashOut(r.ctx, "c-0", paywall.CashOutCanceled); paywall.ErrorCode(err) != paywall.CodeConflict {
		t.Errorf("what the way was asked for is canceled: %v", err)
	}
	done := returned(paywall.MovedRefund, "2026.re", newer, "c-0", 3)
	for replayed := range 2 {
		if b := r.book(done); b.Wallet != w || b.Credited != euro(0) || b.Replayed != (replayed == 1) {
			t.Errorf("a part that is done is booked as %+v", b)
		}
	}
	r.move("c-0", paywall.CashOutDone, paywall.CashOutDone)
	r.move("c-1", paywall.CashOutCanceled, paywall.CashOutCanceled)
	r.move("c-1", paywall.CashOutDone, paywall.CashOutCanceled)
	r.has(w, 4, 0, 0)
	r.account("stripe", -8+3)
	r.account(paywall.AccountTransit, 0)
	list := must[[]paywall.CashOutPart](t)(r.CashOuts(r.ctx, w))
	if len(list) != 2 || list[0].ID != "c-1" || list[1].State != paywall.CashOutDone || list[1].Intent == "" {
		t.Errorf("listed are %+v", list)
	}
	_, err = r.MoveCashOut(r.ctx, "x-0", paywall.CashOutDone)
	r.fails(err, paywall.ErrNoCashOut)
}

func TestARefundThatFailsLaterIsInTheWalletAgain(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	p := r.pay(w, 5)
	must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "c", false))
	r.move("c-0", paywall.CashOutPending, paywall.CashOutPending)
	r.book(returned(paywall.MovedRefund, "2026.re", p, "c-0", 5))
	r.account("stripe", 0)
	for range 2 {
		r.book(returned(paywall.MovedRefundFailed, "2026.re", p, "c-0", 5))
		r.book(returned(paywall.MovedRefund, "2026.re", p, "c-0", 5)) // told again
	}
	r.has(w, 5, 0, 0)
	r.account("stripe", -5)
	must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "d", false)) // it can go back again

	// The failure is told before the refund.
	r.book(returned(paywall.MovedRefundFailed, "2026.re2", p, "d-0", 5))
	if b := r.book(returned(paywall.MovedRefund, "2026.re2", p, "d-0", 5)); !b.Replayed {
		t.Errorf("a refund that had failed is booked as %+v", b)
	}
	r.has(w, 5, 0, 0)
	r.account("stripe", -5)
	var told []paywall.MovementKind
	for m, err := range r.Movements(r.ctx, r.now) {
		if err != nil || m.Payment != p || m.Amount != euro(5) {
			t.Errorf("told is %+v, %v", m, err)
		}
		told = append(told, m.Kind)
	}
	if !slices.Equal(told, []paywall.MovementKind{paywall.MovedPayment, paywall.MovedRefund, paywall.MovedRefundFailed, paywall.MovedRefundFailed}) {
		t.Errorf("told are %v", told)
	}
}

// TestMoneyThatLeftAllTheSameIsTakenBack: a part was given up here, and the provider sent
// it.
func TestMoneyThatLeftAllTheSameIsTakenBack(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	p := r.pay(w, 5)
	must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "c", false))
	r.move("c-0", paywall.CashOutFailed, paywall.CashOutFailed)
	r.has(w, 5, 0, 0)
	r.book(returned(paywall.MovedRefund, "2026.re", p, "c-0", 5))
	r.has(w, 0, 0, 0)
	r.book(returned(paywall.MovedRefundFailed, "2026.re", p, "c-0", 5))
	r.has(w, 5, 0, 0)
	r.book(returned(paywall.MovedRefund, "2026.efw", p, "efw-1", 2)) // asked for by no cash-out
	r.has(w, 3, 0, 0)
	_, err := r.Book(r.ctx, returned(paywall.MovedRefundFailed, "2026.x", p, "efw-2", 2))
	r.fails(err, paywall.ErrNoCashOut)
	must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "d", false))
	r.book(returned(paywall.MovedRefund, "2026.y", p, "d-0", 2)) // not what was asked for
	r.has(w, 0, 0, 2)
	r.book(returned(paywall.MovedRefund, "2026.z", p, "d-0", 3))
	r.book(returned(paywall.MovedRefund, "2026.twice", p, "d-0", 3)) // with another key
	r.has(w, 0, 0, 5)
	r.account("stripe", 5)
}

// TestAPartThatAPersonDidIsNotDoneAgain by the movement that tells of it.
func TestAPartThatAPersonDidIsNotDoneAgain(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	p := r.pay(w, 5)
	must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "c", false))
	r.move("c-0", paywall.CashOutDone, paywall.CashOutDone)
	for range 2 {
		if b := r.book(returned(paywall.MovedRefund, "2026.re", p, "c-0", 5)); !b.Placed || !b.Credited.IsZero() {
			t.Errorf("it is booked as %+v", b)
		}
		r.account("stripe", 0)
		r.has(w, 0, 0, 0)
	}
	r.book(returned(paywall.MovedRefund, "2026.re2", p, "c-0", 5)) // another one
	r.account("stripe", 5)
	r.has(w, 0, 0, 5)
}

// TestWhatWasSentBackByHandIsToldOnce: the first refund tells of it, in parts or whole, and
// what goes beyond it is another one.
func TestWhatWasSentBackByHandIsToldOnce(t *testing.T) {
	r := newRig(t)
	r.book(movement(paywall.MovedPayment, "2026.p", "2026.p", 5))
	r.fails(r.SendBack(r.ctx, "stripe", "2026.p"), nil)
	r.book(movement(paywall.MovedRefund, "2026.r1", "2026.p", 2))
	r.account("stripe", 0)
	for range 2 {
		r.book(movement(paywall.MovedRefund, "2026.r2", "2026.p", 4)) // of which 3 were sent back
		r.account("stripe", 1)
		r.account(paywall.AccountReceivable, -1)
	}
	r.book(movement(paywall.MovedRefund, "2026.r3", "2026.p", 1))
	r.account("stripe", 2)
	r.account(paywall.AccountReceivable, -2)
	r.book(movement(paywall.MovedRefundFailed, "2026.r1", "2026.p", 2)) // which pays what nobody owes
	r.account("stripe", 0)
	r.account(paywall.AccountReceivable, 0)
	refunds := 0
	for m, err := range r.Movements(r.ctx, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == paywall.MovedRefund {
			refunds += int(m.Amount.Micros / 1e6)
		}
	}
	if refunds != 2+4+1 {
		t.Errorf("refunds of %d are told, want 7", refunds)
	}
}

// TestWhatCameBackAndWasSentBackByHandIsToldOnce: a part for a closed wallet failed, and a
// person sent that money back at the provider.
func TestWhatCameBackAndWasSentBackByHandIsToldOnce(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	p := r.pay(w, 5)
	must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "c", true))
	r.move("c-0", paywall.CashOutDone, paywall.CashOutDone)
	r.move("c-0", paywall.CashOutFailed, paywall.CashOutFailed)
	r.account(paywall.AccountUnclaimed, 5)
	r.fails(r.SendBack(r.ctx, "stripe", "c-0"), nil)
	r.book(movement(paywall.MovedRefund, "2026.r", p, 5))
	r.account("stripe", 0)
	r.has(w, 0, 0, 0)
	r.book(movement(paywall.MovedRefund, "2026.r2", p, 5))
	r.has(w, 0, 0, 5)
}

// TestADebtIsNoLossWhileTheWalletCanPay: the money of a cash-out that failed, or of a
// purchase that was undone, is there when the dispute is lost.
func TestADebtIsNoLossWhileTheWalletCanPay(t *testing.T) {
	r := newRig(t)
	w := r.wallet(1)
	own, stolen := r.pay(w, 5), r.pay(w, 4)
	r.bought(w, 6) // 1 of it free
	must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "c", false))
	r.book(movement(paywall.MovedDispute, "2026.d", stolen, 4))
	r.has(w, 0, 0, 4)
	r.move("c-0", paywall.CashOutFailed, paywall.CashOutFailed)
	r.has(w, 4, 0, 4)
	r.book(movement(paywall.MovedDisputeLost, "2026.d", stolen, 4))
	r.has(w, 0, 0, 0)
	r.account(paywall.AccountLosses, 0)
	_, err := r.CashOut(r.ctx, w, "x", false)
	r.fails(err, paywall.ErrNothingToCashOut) // to the own card
	_ = own
}

// TestWhatComesBackOfALostPaymentIsNobodys: it was written off; a person decides.
func TestWhatComesBackOfALostPaymentIsNobodys(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	p := r.pay(w, 5)
	must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "c", false))
	r.book(movement(paywall.MovedDispute, "2026.d", p, 5))
	r.book(movement(paywall.MovedDisputeLost, "2026.d", p, 5))
	r.account(paywall.AccountLosses, -5)
	r.move("c-0", paywall.CashOutFailed, paywall.CashOutFailed)
	r.has(w, 0, 0, 0)
	r.account(paywall.AccountUnclaimed, 5)
}

// TestACashOutIsWholeCents, however fine the prices were.
func TestACashOutIsWholeCents(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	r.pay(w, 5)
	r.bought(w, 0.012345)
	out := must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "c", false))
	if out.Amount != euro(4.98) || out.Rest.Micros != 7_655 || len(out.Parts) != 1 {
		t.Errorf("cashed out is %+v", out)
	}
	_, err := r.CashOut(r.ctx, w, "d", false)
	r.fails(err, paywall.ErrNothingToCashOut)
}

func TestAWalletClosesWhenAllItsPartsHaveEnded(t *testing.T) {
	r := newRig(t)
	w := r.wallet(1)
	p, q := r.pay(w, 5), r.pay(w, 3)
	r.bought(w, 1)
	intent := r.begin(w, "stripe", 5)
	code := paywall.Hash{1}
	r.fails(r.AddVouchers(r.ctx, []paywall.Voucher{{Code: code, Amount: euro(2)}}), nil)
	must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "c", true))
	closed := func() {
		t.Helper()
		r.fails(r.buy(w, 0.5), paywall.ErrWalletClosed)
		_, err := r.Redeem(r.ctx, w, code)
		r.fails(err, paywall.ErrWalletClosed)
		_, err = r.Tip(r.ctx, w, paywall.Tip{ID: "t", Site: site, Amount: euro(0.5)})
		r.fails(err, paywall.ErrWalletClosed)
		in := paywall.Intent{ID: r.id("i"), Wallet: w, Way: "stripe", Amount: euro(5), ExpiresAt: r.now.Add(1)}
		_, err = r.BeginTopUp(r.ctx, in)
		r.fails(err, paywall.ErrWalletClosed)
	}
	closed()
	late := movement(paywall.MovedPayment, "2026.late", "2026.late", 5)
	late.Intent = intent
	if b := r.book(late); b.Placed {
		t.Errorf("a payment into a closing wallet is booked as %+v", b)
	}
	r.book(returned(paywall.MovedRefund, "2026.re", q, "c-0", 3))
	r.move("c-1", paywall.CashOutFailed, paywall.CashOutFailed)
	r.has(w, 5, 0, 0) // it was closing still
	closed()
	r.book(returned(paywall.MovedRefundFailed, "2026.re", q, "c-0", 3))
	r.has(w, 5, 0, 0) // and is closed
	list := must[[]paywall.Unclaimed](t)(r.Unclaimed(r.ctx, "", 10))
	if len(list) != 2 || list[1].ID != "c-0" || list[1].Amount != euro(3) {
		t.Errorf("unclaimed are %+v", list)
	}
	must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "d", true)) // what is left can still go back
	r.book(returned(paywall.MovedRefund, "2026.re2", q, "d-0", 3))
	r.book(returned(paywall.MovedRefund, "2026.re3", p, "d-1", 2))
	r.has(w, 0, 0, 0)
	r.fails(r.SendBack(r.ctx, "stripe", "c-0"), nil)
	r.account("stripe", -8-5+5+3)
}

func TestDisputedPaymentsDoNotGoBack(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	old, newer := r.pay(w, 5), r.pay(w, 3)
	offered := func(want ...paywall.Money) {
		t.Helper()
		offer := must[paywall.CashOut](t)(r.CashOutOffer(r.ctx, w))
		var got []paywall.Money
		for _, p := range offer.Parts {
			got = append(got, p.Amount)
		}
		if !slices.Equal(got, want) || offer.Parts[len(want)-1].Payment != old {
			t.Errorf("offered are %+v, want %v", offer, want)
		}
	}
	r.book(movement(paywall.MovedDispute, "2026.d", newer, 3))
	offered(euro(5))
	r.book(movement(paywall.MovedDisputeWon, "2026.d", newer, 3))
	offered(euro(3), euro(5))
	r.book(movement(paywall.MovedDispute, "2026.d2", newer, 3))
	r.book(movement(paywall.MovedDisputeLost, "2026.d2", newer, 3))
	r.fails(r.AddVouchers(r.ctx, []paywall.Voucher{{Code: paywall.Hash{1}, Amount: euro(3)}}), nil)
	must[paywall.TopUp](t)(r.Redeem(r.ctx, w, paywall.Hash{1}))
	offered(euro(5))
}

// TestADisputeThatWasWonIsNoLoss, also when the provider says so later.
func TestADisputeThatWasWonIsNoLoss(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	p, q := r.pay(w, 5), r.pay(w, 3)
	r.bought(w, 8)
	r.book(movement(paywall.MovedDispute, "2026.d", p, 5))
	r.book(movement(paywall.MovedDisputeWon, "2026.d", p, 5))
	r.book(movement(paywall.MovedDispute, "2026.d2", q, 3))
	r.book(movement(paywall.MovedDisputeLost, "2026.d", p, 5))
	r.has(w, 0, 0, 3)
	r.account(paywall.AccountLosses, 0)
	_, err := r.Book(r.ctx, movement(paywall.MovedDisputeWon, "2026.d2", q, 2))
	r.fails(err, paywall.ErrNeverTaken) // not what was taken
	r.book(movement(paywall.MovedDisputeLost, "2026.d2", q, 3))
	_, err = r.Book(r.ctx, movement(paywall.MovedDisputeWon, "2026.d2", q, 3))
	r.fails(err, paywall.ErrNeverTaken)
	r.account(paywall.AccountLosses, -3)
}

func TestOnlyTheNewestHundredPaymentsGoBack(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	for range 103 {
		r.pay(w, 1)
	}
	c := must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "c", false))
	if c.Amount != euro(100) || c.Rest != euro(3) || len(c.Parts) != 100 {
		t.Errorf("planned are %s in %d parts, the rest is %s", c.Amount, len(c.Parts), c.Rest)
	}
	again := must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "c", false))
	if !slices.Equal(again.Parts, c.Parts) || again.Rest != c.Rest {
		t.Errorf("again planned are %s in %d parts, the rest is %s", again.Amount, len(again.Parts), again.Rest)
	}
}

func TestWhatIsOnItsWayFromAnErasedWalletEndsAsItWould(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	p, q := r.pay(w, 5), r.pay(w, 3)
	must[paywall.CashOut](t)(r.CashOut(r.ctx, w, "c", false))
	r.fails(r.Erase(r.ctx, w), nil)
	for _, part := range must[[]paywall.CashOutPart](t)(r.OpenCashOuts(r.ctx, "", 10)) {
		if part.Wallet != "" || part.Payment == "" {
			t.Errorf("of an erased wallet it is %+v", part)
		}
	}
	r.book(returned(paywall.MovedRefund, "2026.re", q, "c-0", 3))
	r.book(returned(paywall.MovedRefundFailed, "2026.re1", p, "c-1", 5))
	r.account(paywall.AccountUnclaimed, 5)
	r.account("stripe", -5)
}
