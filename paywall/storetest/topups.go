package storetest

import (
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// testTopUps: a top-up is begun once, goes forward, and is paid once, however late.
func testTopUps(t *testing.T, h *suite) {
	ctx := t.Context()
	r := h.reader(60)
	in := h.intent(r, card, 500)
	for range 2 {
		if got, err := h.store.BeginTopUp(ctx, in); err != nil || got != in {
			t.Errorf("what was begun is %+v, %v; want %+v", got, err, in)
		}
	}
	other := in
	other.Amount = euro(600)
	_, err := h.store.BeginTopUp(ctx, other)
	h.wantError(err, paywall.ErrConflict)
	for _, step := range []struct {
		to, want paywall.IntentState
		object   string
	}{
		{paywall.IntentOffered, paywall.IntentOffered, "cs_1"},
		{paywall.IntentOffered, paywall.IntentOffered, "cs_1"},
		{paywall.IntentOpen, paywall.IntentOffered, ""},
		{paywall.IntentPending, paywall.IntentPending, "cs_1"},
		{paywall.IntentExpired, paywall.IntentExpired, "cs_1"},
		{paywall.IntentPending, paywall.IntentExpired, "cs_1"},
		{paywall.IntentFailed, paywall.IntentExpired, "cs_1"},
	} {
		got, err := h.store.MoveIntent(ctx, in.ID, step.to, step.object)
		if err != nil || got.State != step.want || got.Object != "cs_1" || got.Wallet != r.ID {
			t.Errorf("moved to %s it is %+v, %v; want %s", step.to, got, err, step.want)
		}
	}
	_, err = h.store.MoveIntent(ctx, "unknown", paywall.IntentPaid, "")
	h.wantError(err, paywall.ErrNotFound)
	_, err = h.store.Intent(ctx, "unknown")
	h.wantError(err, paywall.ErrNotFound)

	before := h.books()
	paid := h.pays(in)
	if b := h.book(paid); b != (paywall.Booked{Wallet: r.ID, Credited: euro(500), Balance: euro(560), Placed: true}) {
		t.Errorf("what expired and is paid is booked as %+v", b)
	}
	h.wantCredit(r, 500, 60)
	if got, err := h.store.Intent(ctx, in.ID); err != nil || got.State != paywall.IntentPaid {
		t.Errorf("what was paid late is %+v, %v", got, err)
	}
	h.buy(r, h.offer("/articles/a", 20))
	for range 2 {
		if b := h.book(paid); b != (paywall.Booked{Wallet: r.ID, Credited: euro(500), Balance: euro(540), Placed: true, Replayed: true}) {
			t.Errorf("the same payment again is booked as %+v", b)
		}
	}
	for name, change := range map[string]func(*paywall.Movement){
		"amount":  func(m *paywall.Movement) { m.Amount = euro(501) },
		"payment": func(m *paywall.Movement) { m.Payment = "another" },
		"intent":  func(m *paywall.Movement) { m.Intent = h.begin(h.reader(0), card, 500).ID },
	} {
		other := paid
		change(&other)
		if _, err := h.store.Book(ctx, other); paywall.ErrorCode(err) != paywall.CodeConflict {
			t.Errorf("the same payment with another %s: %v", name, err)
		}
	}
	h.wantMoved(before, map[string]int64{card: -500, wallets: 480, "site/" + site: 20})
}

// testTooManyTopUps: three that wait are enough; what is over or ran out makes room.
func testTooManyTopUps(t *testing.T, h *suite) {
	ctx := t.Context()
	r, other := h.reader(0), h.reader(0)
	var waiting []paywall.Intent
	for range 3 {
		waiting = append(waiting, h.begin(r, card, 500))
	}
	_, err := h.store.BeginTopUp(ctx, h.intent(r, card, 500))
	h.wantError(err, paywall.ErrTooManyTopUps)
	if _, err := h.store.BeginTopUp(ctx, waiting[0]); err != nil {
		t.Errorf("the first of three again: %v", err)
	}
	h.begin(other, card, 500)
	if _, err := h.store.MoveIntent(ctx, waiting[0].ID, paywall.IntentFailed, ""); err != nil {
		t.Fatal(err)
	}
	h.begin(r, bank, 500)
	h.book(h.pays(waiting[1]))
	h.begin(r, card, 500)
	_, err = h.store.BeginTopUp(ctx, h.intent(r, card, 500))
	h.wantError(err, paywall.ErrTooManyTopUps)
	h.clock.sleep(32 * time.Minute)
	h.begin(r, card, 500)

	open := map[string]bool{}
	for after, more := "", true; more; {
		page, err := h.store.OpenIntents(ctx, after, 2)
		if err != nil || len(page) > 2 {
			t.Fatalf("a page of two is %+v, %v", page, err)
		}
		for _, in := range page {
			if open[in.ID] || in.State.Final() || in.ID <= after {
				t.Errorf("after %q stands %+v", after, in)
			}
			open[in.ID], after = true, in.ID
		}
		more = len(page) == 2
	}
	if len(open) != 5 || open[waiting[0].ID] || open[waiting[1].ID] {
		t.Errorf("%d top-ups wait, want 5", len(open))
	}
	for name, change := range map[string]func(*paywall.Intent){
		"no amount":        func(in *paywall.Intent) { in.Amount = euro(0) },
		"a debt":           func(in *paywall.Intent) { in.Amount = euro(-5) },
		"another currency": func(in *paywall.Intent) { in.Amount.Currency = "USD" },
		"no way":           func(in *paywall.Intent) { in.Way = "" },
		"no id":            func(in *paywall.Intent) { in.ID = "" },
	} {
		in := h.intent(other, card, 500)
		change(&in)
		if _, err := h.store.BeginTopUp(ctx, in); paywall.ErrorCode(err) != paywall.CodeMalformed {
			t.Errorf("a top-up with %s: %v", name, err)
		}
	}
	_, err = h.store.BeginTopUp(ctx, h.intent(reader{Wallet: paywall.Wallet{ID: paywall.NewID()}}, card, 500))
	h.wantError(err, paywall.ErrNoWallet)
}
