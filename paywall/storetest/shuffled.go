package storetest

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// testParallelFunding: whoever comes at the same moment, money moves once.
func testParallelFunding(t *testing.T, h *suite) {
	for range rounds {
		onePayment(t, h)
		oneRefundOfAPayment(t, h)
		oneCashOut(t, h)
		cashOutAgainstPurchase(t, h)
		fourTopUps(t, h)
	}
}

// onePayment: a webhook, the return page and reconciliation, fifty times at once.
func onePayment(t *testing.T, h *suite) {
	r := h.reader(0)
	paid := h.pays(h.begin(r, card, 500))
	var first atomic.Int32
	together(50, func(int) {
		b, err := h.store.Book(t.Context(), paid)
		if err != nil || b.Credited != euro(500) || b.Balance != euro(500) {
			t.Errorf("a payment in parallel: %+v, %v", b, err)
		}
		if !b.Replayed {
			first.Add(1)
		}
	})
	if first.Load() != 1 {
		t.Errorf("one payment was credited %d times", first.Load())
	}
	h.wantBalance(r, 500)
}

func oneRefundOfAPayment(t *testing.T, h *suite) {
	r := h.reader(0)
	paid := h.topUp(r, card, 500)
	back := h.moved(card, paywall.MovedRefund, paid.Payment, 200)
	together(20, func(int) {
		if _, err := h.store.Book(t.Context(), back); err != nil {
			t.Errorf("a refund in parallel: %v", err)
		}
	})
	h.wantBalance(r, 300)
}

// oneCashOut: twenty that were asked for at once find the money of one.
func oneCashOut(t *testing.T, h *suite) {
	r := h.reader(30)
	h.topUp(r, card, 500)
	h.topUp(r, bank, 100)
	var made atomic.Int32
	together(20, func(int) {
		out, err := h.store.CashOut(t.Context(), r.ID, paywall.NewID(), false)
		switch {
		case err == nil && out.Amount == euro(600):
			made.Add(1)
		case paywall.ErrorCode(err) != paywall.CodeConflict:
			t.Errorf("a cash-out in parallel: %+v, %v", out, err)
		}
	})
	if made.Load() != 1 {
		t.Errorf("one wallet was cashed out %d times", made.Load())
	}
	h.wantBalance(r, 30)
	list, err := h.store.CashOuts(t.Context(), r.ID)
	if err != nil || len(list) != 2 {
		t.Fatalf("the cash-outs are %+v, %v", list, err)
	}
	together(20, func(i int) {
		to := paywall.CashOutDone
		if i%2 == 0 {
			to = paywall.CashOutCanceled
		}
		_, err := h.store.MoveCashOut(t.Context(), list[0].ID, to)
		if err != nil && (i%2 == 1 || paywall.ErrorCode(err) != paywall.CodeConflict) {
			t.Errorf("a part that is %s in parallel: %v", to, err)
		}
	})
}

// cashOutAgainstPurchase: what goes back is not spent, whatever comes first.
func cashOutAgainstPurchase(t *testing.T, h *suite) {
	r := h.reader(0)
	h.topUp(r, card, 100)
	var back, spent atomic.Int64
	together(2, func(i int) {
		if i == 0 {
			if out, err := h.store.CashOut(t.Context(), r.ID, paywall.NewID(), false); err == nil {
				back.Store(cents(out.Amount))
			}
			return
		}
		if _, err := h.unlock(r, h.offer("/articles/race", 60)); err == nil {
			spent.Store(60)
		}
	})
	if left := h.balance(r); back.Load()+spent.Load()+left != 100 || left != 0 && left != 40 {
		t.Errorf("of 100 cents %d went back, %d were spent and %d are left", back.Load(), spent.Load(), left)
	}
}

// fourTopUps: of ten that one wallet begins at once three are begun.
func fourTopUps(t *testing.T, h *suite) {
	r := h.reader(0)
	var begun atomic.Int32
	together(10, func(int) {
		_, err := h.store.BeginTopUp(t.Context(), h.intent(r, card, 500))
		if err == nil {
			begun.Add(1)
		} else if paywall.ErrorCode(err) != paywall.CodeTooManyTopUps {
			t.Errorf("a top-up in parallel: %v", err)
		}
	})
	if begun.Load() != 3 {
		t.Errorf("%d top-ups were begun, want 3", begun.Load())
	}
}

// testAnyOrder: what a provider tells comes in any order and often, and ends alike. What
// cannot be booked yet is refused and asked for again.
func testAnyOrder(t *testing.T, h *suite) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		r := h.reader(60)
		paid := h.pays(h.begin(r, card, 500))
		refund := h.moved(card, paywall.MovedRefund, paid.Payment, 100)
		kept := h.moved(card, paywall.MovedRefund, paid.Payment, 50)
		dispute := h.moved(card, paywall.MovedDispute, paid.Payment, 400)
		failed, won := refund, dispute
		failed.Kind, won.Kind = paywall.MovedRefundFailed, paywall.MovedDisputeWon
		all := []paywall.Movement{paid, h.moved(card, paywall.MovedFee, paid.Payment, 33), refund, failed, kept, dispute, won}
		left := append(append([]paywall.Movement(nil), all...), all...)
		before := h.books()
		for tries := 0; len(left) > 0; tries++ {
			i := dice.IntN(len(left))
			_, err := h.store.Book(t.Context(), left[i])
			switch {
			case err == nil:
				left = append(left[:i], left[i+1:]...)
			case paywall.ErrorCode(err) != paywall.CodeNotFound || tries > 1000:
				t.Fatalf("a %s out of order: %v", left[i].Kind, err)
			}
		}
		h.wantMoved(before, map[string]int64{card: -417, paywall.AccountFees: -33, wallets: 450})
		w, err := h.store.Wallet(t.Context(), r.keys.Key)
		if err != nil || w.Balance != euro(510) || w.Free != euro(60) && w.Free.Micros >= 0 && w.Free.Micros > 600_000 {
			t.Errorf("the wallet has %+v, %v", w, err)
		}
	}
}
