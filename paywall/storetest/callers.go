package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

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
