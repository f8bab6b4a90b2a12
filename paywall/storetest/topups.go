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

// testTooManyTopUps: three of a way that wait are enough; what is over or ran out makes room.
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
	h.begin(r, card, 500)
	h.book(h.pays(waiting[1]))
	h.begin(r, card, 500)
	h.begin(r, bank, 500) // is in the way of no card
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
	if len(open) != 6 || open[waiting[0].ID] || open[waiting[1].ID] {
		t.Errorf("%d top-ups wait, want 6", len(open))
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

// testOwing: what a bank takes back and the wallet has spent is owed. The wallet reads on,
// buys nothing, and pays its debt first with whatever comes in.
func testOwing(t *testing.T, h *suite) {
	ctx := t.Context()
	r := h.reader(60)
	paid := h.topUp(r, card, 500)
	bought := h.buy(r, h.offer("/articles/a", 300)).Unlock // 60 of it free
	h.wantCredit(r, 260, 0)
	before := h.books()
	if b := h.book(h.moved(card, paywall.MovedRefund, paid.Payment, 400)); b.Credited != euro(-260) || b.Balance != euro(0) || b.Wallet != r.ID {
		t.Errorf("a refund of what was spent is booked as %+v", b)
	}
	h.wantMoved(before, map[string]int64{card: 400, wallets: -260, paywall.AccountReceivable: -140})

	offer := h.offer("/articles/b", 1)
	quote, err := h.store.Quote(ctx, r.ID, offer)
	if err != nil {
		t.Errorf("quoting: %v", err)
	}
	h.wantError(quote.Refusal, paywall.ErrOwing)
	_, err = h.unlock(r, offer)
	h.wantError(err, paywall.ErrOwing)
	_, err = h.store.Tip(ctx, r.ID, tip(1))
	h.wantError(err, paywall.ErrOwing)
	_, err = h.store.CashOutOffer(ctx, r.ID)
	if paywall.ErrorCode(err) != paywall.CodeOwing {
		t.Errorf("a wallet that owes is offered its money back: %v", err)
	}
	if u, err := h.store.Owned(ctx, r.keys.Key, site, "/articles/a"); err != nil || u.ID != bought.ID {
		t.Errorf("a wallet that owes owns %+v, %v", u, err)
	}
	giver := h.payer(100)
	given := h.buy(giver, h.offer("/articles/given", 20)).Unlock
	gift := code("for one who owes")
	if err := h.store.AddGift(ctx, giver.ID, paywall.Gift{Key: gift, Unlock: given.ID, Readers: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.OpenGift(ctx, r.ID, gift); err != nil {
		t.Errorf("a wallet that owes opens no gift: %v", err)
	}

	// A voucher, a top-up and a refund that comes back pay the debt first.
	before = h.books()
	v := code("against a debt")
	if err := h.store.AddVouchers(ctx, []paywall.Voucher{{Code: v, Amount: euro(40)}}); err != nil {
		t.Fatal(err)
	}
	top, err := h.store.Redeem(ctx, r.ID, v)
	if err != nil || top.Balance != euro(0) {
		t.Errorf("a voucher against a debt of 1.40 leaves %+v, %v", top, err)
	}
	h.wantMoved(before, map[string]int64{paywall.AccountVoucher: -40, paywall.AccountReceivable: 40})
	_, err = h.unlock(r, offer)
	h.wantError(err, paywall.ErrOwing)
	before = h.books()
	if b := h.book(h.pays(h.begin(r, bank, 300))); b.Credited != euro(200) || b.Balance != euro(200) {
		t.Errorf("a top-up of 3.00 against a debt of 1.00 is booked as %+v", b)
	}
	h.wantMoved(before, map[string]int64{bank: -300, paywall.AccountReceivable: 100, wallets: 200})
	h.wantCredit(r, 200, 0)
	h.buy(r, offer)
	if got := h.books()[paywall.AccountReceivable]; got != 0 {
		t.Errorf("nobody owes, and receivable is %d millionths", got)
	}
}

// testPaidCreditGoesFirst: a refund takes what was paid in before what was given, and an
// undone purchase pays no debt with free credit that nobody owes for.
func testPaidCreditGoesFirst(t *testing.T, h *suite) {
	r := h.reader(60)
	paid := h.topUp(r, card, 100)
	h.book(h.moved(card, paywall.MovedRefund, paid.Payment, 70))
	h.wantCredit(r, 30, 60)
	more := h.moved(card, paywall.MovedRefund, paid.Payment, 50) // than was left: the provider did it
	h.book(more)
	h.wantCredit(r, 0, 40)
	h.book(h.moved(card, paywall.MovedRefund, paid.Payment, 60))
	h.wantCredit(r, 0, 0)
	if got := h.books()[paywall.AccountReceivable]; got != -20*10_000 {
		t.Errorf("receivable is %d millionths, want -0.20", got)
	}
	more.Kind = paywall.MovedRefundFailed
	h.book(more) // of which 0.20 were free
	h.wantCredit(r, 10, 20)
}

// testDisputes: what is taken back is owed; won, it comes back; lost, it is written off.
func testDisputes(t *testing.T, h *suite) {
	r := h.reader(0)
	first, second := h.topUp(r, card, 500), h.topUp(r, card, 300)
	h.buy(r, h.offer("/articles/a", 700))
	dispute := func(of paywall.Movement) paywall.Movement {
		m := h.moved(card, paywall.MovedDispute, of.Payment, of.Amount.Micros/10_000)
		m.Fee = euro(20)
		return m
	}
	ends := func(d paywall.Movement, kind paywall.MovementKind) paywall.Movement {
		d.Kind, d.Fee = kind, euro(0)
		return d
	}
	a, b := dispute(first), dispute(second)
	before := h.books()
	h.book(a)
	h.book(b)
	h.wantMoved(before, map[string]int64{card: 840, paywall.AccountFees: -40, wallets: -100, paywall.AccountReceivable: -700})
	before = h.books()
	h.book(ends(b, paywall.MovedDisputeWon))
	h.wantMoved(before, map[string]int64{card: -300, paywall.AccountReceivable: 300})
	before = h.books()
	h.book(ends(a, paywall.MovedDisputeLost))
	h.wantMoved(before, map[string]int64{paywall.AccountReceivable: 400, paywall.AccountLosses: -400})
	h.topUp(r, card, 100)
	h.wantCredit(r, 100, 0)
	h.buy(r, h.offer("/articles/b", 100)) // what was written off is owed no more

	// A dispute ends once, and with the amount that it began with.
	before = h.books()
	if _, err := h.store.Book(t.Context(), ends(a, paywall.MovedDisputeWon)); err == nil {
		t.Error("a dispute that was lost is won")
	}
	if b := h.book(ends(b, paywall.MovedDisputeLost)); !b.Replayed {
		t.Errorf("a dispute that was won is lost: %+v", b)
	}
	third := h.topUp(r, card, 50)
	part := dispute(third)
	part.Fee = euro(0)
	h.book(part)
	part = ends(part, paywall.MovedDisputeWon)
	part.Amount = euro(49)
	if _, err := h.store.Book(t.Context(), part); err == nil {
		t.Error("a dispute is won with another amount")
	}
	h.wantMoved(before, map[string]int64{})
}
