package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// rounds is how often each race is run.
const rounds = 20

func testParallel(t *testing.T, h *suite) {
	for i := range rounds {
		moneyForOne(t, h, i)
		manyOffersOneResource(t, h, i)
		oneOffer(t, h, i)
		oneRefund(t, h, i)
		refundAgainstPurchase(t, h, i)
		oneVoucher(t, h, i)
		oneKey(t, h)
	}
	h.verify()
	exportsAreWhole(t, h)
}

// moneyForOne: thirty purchases of thirty articles by a wallet that can pay one.
func moneyForOne(t *testing.T, h *suite, round int) {
	a := h.reader(50)
	var bought, refused atomic.Int32
	together(30, func(i int) {
		_, err := h.unlock(a, h.offer(fmt.Sprintf("/articles/%d/%d", round, i), 50))
		switch {
		case err == nil:
			bought.Add(1)
		case errors.Is(err, paywall.ErrInsufficientFunds):
			refused.Add(1)
		default:
			t.Errorf("a purchase in parallel: %v", err)
		}
	})
	if bought.Load() != 1 || refused.Load() != 29 {
		t.Errorf("with money for one article %d were bought, %d refused", bought.Load(), refused.Load())
	}
	h.wantBalance(a, 0)
}

// manyOffersOneResource: thirty offers for one article are one purchase.
func manyOffersOneResource(t *testing.T, h *suite, round int) {
	a := h.reader(5000)
	resource := fmt.Sprintf("/articles/one/%d", round)
	var owned atomic.Int32
	ids := make([]string, 30)
	together(30, func(i int) {
		receipt, err := h.unlock(a, h.offer(resource, 50))
		if err != nil {
			t.Errorf("a purchase in parallel: %v", err)
		}
		if receipt.AlreadyOwned {
			owned.Add(1)
		}
		ids[i] = receipt.Unlock.ID
	})
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("one article was unlocked twice: %q", ids)
		}
	}
	if owned.Load() != 29 {
		t.Errorf("%d of 30 purchases were owned already, want 29", owned.Load())
	}
	h.wantBalance(a, 4950)
}

// oneOffer: a double click, thirty times.
func oneOffer(t *testing.T, h *suite, round int) {
	a := h.reader(5000)
	offer := h.offer(fmt.Sprintf("/articles/click/%d", round), 50)
	receipts := make([]paywall.Receipt, 30)
	together(30, func(i int) {
		var err error
		if receipts[i], err = h.unlock(a, offer); err != nil {
			t.Errorf("a double click: %v", err)
		}
	})
	for _, r := range receipts {
		if r != receipts[0] || r.AlreadyOwned {
			t.Fatalf("one offer gave two receipts: %+v, %+v", receipts[0], r)
		}
	}
	h.wantBalance(a, 4950)
}

func oneRefund(t *testing.T, h *suite, round int) {
	a := h.reader(100)
	u := h.buy(a, h.offer(fmt.Sprintf("/articles/back/%d", round), 50)).Unlock
	receipts := make([]paywall.Receipt, 20)
	together(20, func(i int) {
		var err error
		if receipts[i], err = h.store.Refund(t.Context(), a.ID, u.ID, 0); err != nil {
			t.Errorf("a refund in parallel: %v", err)
		}
		if !h.store.Revoked(u.ID) {
			t.Error("a refund was answered before its unlock was revoked")
		}
	})
	for _, r := range receipts {
		if r != receipts[0] {
			t.Fatalf("one refund gave two receipts: %+v, %+v", receipts[0], r)
		}
	}
	h.wantBalance(a, 100)
}

// refundAgainstPurchase: whatever order they come in, money and ownership agree.
func refundAgainstPurchase(t *testing.T, h *suite, round int) {
	a := h.reader(100)
	resource := fmt.Sprintf("/articles/race/%d", round)
	u := h.buy(a, h.offer(resource, 50)).Unlock
	together(10, func(i int) {
		var err error
		if i%2 == 0 {
			_, err = h.store.Refund(t.Context(), a.ID, u.ID, 0)
		} else {
			_, err = h.unlock(a, h.offer(resource, 50))
		}
		if err != nil {
			t.Errorf("a refund against a purchase: %v", err)
		}
	})
	want := int64(100)
	if owned, err := h.store.Owned(t.Context(), a.keys.Key, site, resource); err == nil {
		want = 50
		if owned.ID == u.ID {
			t.Error("a refunded unlock is owned")
		}
	}
	h.wantBalance(a, want)
}

func oneVoucher(t *testing.T, h *suite, round int) {
	name := code(fmt.Sprint("race", round))
	if err := h.store.AddVouchers(t.Context(), []paywall.Voucher{{Code: name, Amount: euro(100)}}); err != nil {
		t.Fatal(err)
	}
	readers := make([]reader, 50)
	for i := range readers {
		readers[i] = h.reader(0)
	}
	var credited atomic.Int32
	together(50, func(i int) {
		_, err := h.store.Redeem(t.Context(), readers[i].ID, name)
		if err == nil {
			credited.Add(1)
		} else if !errors.Is(err, paywall.ErrBadVoucher) {
			t.Errorf("redeeming in parallel: %v", err)
		}
	})
	total := int64(0)
	for _, r := range readers {
		total += h.balance(r)
	}
	if credited.Load() != 1 || total != 100 {
		t.Errorf("one voucher was redeemed %d times, for %d cents", credited.Load(), total)
	}
}

// oneKey: a browser that opens its wallet twenty times at once has one.
func oneKey(t *testing.T, h *suite) {
	keys := newKeys(t)
	wallets := make([]paywall.Wallet, 20)
	together(20, func(i int) {
		var err error
		if wallets[i], err = h.store.OpenWallet(t.Context(), keys, paywall.Welcome{Amount: euro(60)}); err != nil {
			t.Errorf("opening in parallel: %v", err)
		}
	})
	for _, w := range wallets {
		if w != wallets[0] {
			t.Fatalf("one key opened two wallets: %+v, %+v", wallets[0], w)
		}
	}
}

// exportsAreWhole: while others buy and give back, each export sums to zero and
// each verification holds.
func exportsAreWhole(t *testing.T, h *suite) {
	together(6, func(i int) {
		if i == 0 {
			for range 10 {
				h.verify()
			}
			return
		}
		if i == 1 {
			for range 10 {
				sum := int64(0)
				for _, micros := range h.accounts() {
					sum += micros
				}
				if sum != 0 {
					t.Errorf("an export sums to %d", sum)
				}
			}
			return
		}
		a := h.reader(10_000)
		for n := range 50 {
			u := h.buy(a, h.offer(fmt.Sprintf("/articles/busy/%d", n), 10)).Unlock
			if n%3 == 0 {
				if _, err := h.store.Refund(t.Context(), a.ID, u.ID, 0); err != nil {
					t.Error(err)
				}
			}
		}
		if i == 5 {
			if err := h.store.Erase(t.Context(), a.ID); err != nil {
				t.Error(err)
			}
		}
	})
}

func testContext(t *testing.T, h *suite) {
	a := h.reader(100)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.store.Unlock(ended, paywall.Purchase{Wallet: a.ID, Offer: h.offer("/x", 20), Refund: refundTime})
	if err == nil {
		t.Error("a caller who had left was served")
	}
	h.wantBalance(a, 100)

	// A caller who leaves in the middle leaves a whole purchase or none.
	for i := range 200 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Microsecond)
		offer := h.offer("/articles/a", 1)
		_, err := h.store.Unlock(ctx, paywall.Purchase{Wallet: a.ID, Offer: offer, Refund: refundTime})
		cancel()
		if err == nil {
			break
		}
	}
	if u, err := h.store.Owned(t.Context(), a.keys.Key, site, "/articles/a"); err == nil && h.balance(a) != 99 {
		t.Errorf("the wallet owns %+v and has %d", u, h.balance(a))
	}
}

func testStrange(t *testing.T, h *suite) {
	ctx := t.Context()
	a := h.reader(100)
	for name, change := range map[string]func(*paywall.Offer){
		"negative cap":   func(o *paywall.Offer) { o.Cap = euro(-1) },
		"foreign cap":    func(o *paywall.Offer) { o.Cap = paywall.Money{Micros: 1, Currency: "USD"} },
		"no price":       func(o *paywall.Offer) { o.Price = euro(0) },
		"negative price": func(o *paywall.Offer) { o.Price = euro(-5) },
		"other currency": func(o *paywall.Offer) { o.Price.Currency = "USD" },
		"no id":          func(o *paywall.Offer) { o.ID = "" },
		"invalid UTF-8":  func(o *paywall.Offer) { o.Resource = "/\xff" },
		"shares":         func(o *paywall.Offer) { o.Shares = []paywall.Share{{Creator: "a", PPM: paywall.WholePPM + 1}} },
	} {
		offer := h.offer("/articles/a", 20)
		change(&offer)
		if _, err := h.unlock(a, offer); paywall.ErrorCode(err) != paywall.CodeMalformed {
			t.Errorf("an offer with %s: %v", name, err)
		}
	}
	for _, wallet := range []string{"", "x", "wallet/x", "AAAAAAAAAAAAAAAAAAAAAB", "\x00"} {
		_, err := h.unlock(reader{Wallet: paywall.Wallet{ID: wallet}}, h.offer("/a", 1))
		h.wantError(err, paywall.ErrNoWallet)
		h.wantError(h.store.Erase(ctx, wallet), paywall.ErrNoWallet)
	}
	if h.store.Revoked("") || h.store.Revoked("no such unlock") {
		t.Error("unknown unlocks are revoked")
	}
	huge := paywall.Money{Micros: 1<<63 - 10, Currency: Currency}
	if err := h.store.AddVouchers(ctx, []paywall.Voucher{{Code: code("huge"), Amount: huge}}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.Redeem(ctx, a.ID, code("huge")); err == nil {
		t.Error("a balance overflowed")
	}
	h.wantBalance(a, 100)
}
