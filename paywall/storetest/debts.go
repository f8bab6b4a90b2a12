package storetest

import (
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

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
	h.book(h.moved(card, paywall.MovedRefund, paid.Payment, 50)) // more than was left: the provider did it
	h.wantCredit(r, 0, 40)
	h.book(h.moved(card, paywall.MovedRefund, paid.Payment, 60))
	h.wantCredit(r, 0, 0)
	if got := h.books()[paywall.AccountReceivable]; got != -20*10_000 {
		t.Errorf("receivable is %d millionths, want -0.20", got)
	}
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
}
