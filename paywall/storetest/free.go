package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// mixed is a wallet with so many cents of free credit, and so many paid in.
func (h *suite) mixed(free, paid int64) reader {
	h.t.Helper()
	r, voucher := h.reader(free), code(paywall.NewID())
	if err := h.store.AddVouchers(h.t.Context(), []paywall.Voucher{{Code: voucher, Amount: euro(paid)}}); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.store.Redeem(h.t.Context(), r.ID, voucher); err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *suite) wantCredit(r reader, paid, free int64) {
	h.t.Helper()
	w, err := h.store.Wallet(h.t.Context(), r.keys.Key)
	if err != nil || w.Paid() != euro(paid) || w.Free != euro(free) || w.Balance != euro(paid+free) {
		h.t.Errorf("the wallet is %+v, %v; want %d cents paid in and %d free", w, err, paid, free)
	}
}

// testFreeCredit: it is spent first, creators share in the rest alone, and an undo
// gives each kind back.
func testFreeCredit(t *testing.T, h *suite) {
	ctx := t.Context()
	shared := func(resource string, cents int64) paywall.Offer {
		o := h.offer(resource, cents)
		o.Shares = []paywall.Share{{Creator: "alice", PPM: 700_000}}
		return o
	}
	alice := func(what string, want int64) {
		t.Helper()
		if got := h.accounts()[paywall.CreatorAccount("alice")]; got != want*10_000 {
			t.Errorf("%s the creator has %d millionths, want %d cents", what, got, want)
		}
	}
	a := h.mixed(60, 100)
	h.wantCredit(a, 100, 60)
	first := shared("/articles/1", 40)
	h.buy(a, first)
	h.wantCredit(a, 100, 20)
	alice("of free credit", 0)
	second := shared("/articles/2", 40)
	if q, err := h.store.Quote(ctx, a.ID, second); err != nil || q.Charge != euro(40) || q.Free != euro(20) {
		t.Errorf("the quote is %+v, %v", q, err)
	}
	mixed := h.buy(a, second)
	h.wantCredit(a, 80, 0)
	alice("of 0.20 that were paid", 14)
	third := h.buy(a, shared("/articles/3", 40))
	h.wantCredit(a, 40, 0)
	alice("of 0.60 that were paid", 42)
	for _, again := range []paywall.Offer{first, second} {
		if _, err := h.unlock(a, again); err != nil {
			t.Errorf("an offer again: %v", err)
		}
		again.Shares = []paywall.Share{{Creator: "bob", PPM: 700_000}}
		_, err := h.unlock(a, again)
		h.wantError(err, paywall.ErrOfferChanged)
		again.Shares = nil
		_, err = h.unlock(a, again)
		h.wantError(err, paywall.ErrOfferChanged)
	}
	if shares, err := h.store.Shares(ctx, a.ID, mixed.Unlock.ID); err != nil || !slices.Equal(shares, second.Shares) {
		t.Errorf("tips for it would be divided by %v, %v", shares, err)
	}
	for _, u := range []paywall.Unlock{third.Unlock, mixed.Unlock} {
		if _, err := h.store.Refund(ctx, a.ID, u.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	h.wantCredit(a, 100, 20)
	alice("after the undos", 0)

	// A tip is divided alike, and what is given generously is shared whole.
	thanks := tip(30)
	for range 2 {
		if w, err := h.store.Tip(ctx, a.ID, thanks); err != nil || w.Free != euro(0) || w.Paid() != euro(90) {
			t.Errorf("a tip leaves %+v, %v", w, err)
		}
	}
	alice("of a tip of which 0.10 were paid", 7)
	thanks.Shares = nil
	if _, err := h.store.Tip(ctx, a.ID, thanks); !errors.Is(err, paywall.ErrConflict) {
		t.Errorf("the same tip with other shares: %v", err)
	}
	b := h.reader(60)
	offer := shared("/articles/1", 40)
	for range 2 {
		if _, err := h.store.Unlock(ctx, paywall.Purchase{Wallet: b.ID, Offer: offer, Refund: refundTime, FreeShares: true}); err != nil {
			t.Fatal(err)
		}
	}
	h.wantCredit(b, 0, 20)
	alice("of free credit that is shared", 7+28)
}

// testFreeCreditIsNotFarmed: of 25 wallets that a creator opens and empties for
// himself, nothing comes to him.
func testFreeCreditIsNotFarmed(t *testing.T, h *suite) {
	for i := range 25 {
		r := h.reader(60)
		for j := range 3 {
			o := h.offer(fmt.Sprintf("/articles/%d", j), 20)
			o.Shares = []paywall.Share{{Creator: "ada", PPM: paywall.WholePPM}}
			h.buy(r, o)
		}
		given := tip(1)
		given.Shares = []paywall.Share{{Creator: "ada", PPM: paywall.WholePPM}}
		if _, err := h.store.Tip(t.Context(), r.ID, given); !errors.Is(err, paywall.ErrInsufficientFunds) {
			t.Fatalf("wallet %d has more than it was given: %v", i, err)
		}
	}
	if accounts := h.accounts(); accounts["creator/ada"] != 0 || accounts["site/"+site] != 15_000_000 {
		t.Errorf("the accounts are %v", accounts)
	}
}

// testWelcomeLimit: a site gives its welcome to three wallets a day, others to theirs.
func testWelcomeLimit(t *testing.T, h *suite) {
	ctx := t.Context()
	open := func(of string, want int64) paywall.KeyHashes {
		t.Helper()
		keys := newKeys(t)
		w, err := h.store.OpenWallet(ctx, keys, paywall.Welcome{Amount: euro(60), Site: of, Limit: 3})
		if err != nil || w.Balance != euro(want) || w.Free != euro(want) {
			t.Errorf("a wallet of %q is %+v, %v; want %d cents", of, w, err, want)
		}
		return keys
	}
	first := open("a.example", 60)
	open("a.example", 60)
	open("a.example", 60)
	open("a.example", 0)
	open("b.example", 60)
	if w, err := h.store.OpenWallet(ctx, first, paywall.Welcome{Amount: euro(60), Site: "a.example", Limit: 3}); err != nil || w.Balance != euro(60) {
		t.Errorf("the first wallet again is %+v, %v", w, err)
	}
	for of, want := range map[string]int{"a.example": 3, "b.example": 1, "c.example": 0} {
		if n, err := h.store.Welcomes(ctx, of); err != nil || n != want {
			t.Errorf("%s has welcomed %d, %v", of, n, err)
		}
	}
	h.clock.sleep(12 * time.Hour) // midnight
	open("a.example", 60)
	if n, err := h.store.Welcomes(ctx, "b.example"); err != nil || n != 0 {
		t.Errorf("on the next day b.example has welcomed %d, %v", n, err)
	}
	if _, err := h.store.OpenWallet(ctx, newKeys(t), paywall.Welcome{Amount: euro(60), Limit: -1}); paywall.ErrorCode(err) != paywall.CodeMalformed {
		t.Errorf("a limit below zero: %v", err)
	}
}
