package storetest

import (
	"fmt"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

func testWallets(t *testing.T, h *suite) {
	ctx := t.Context()
	a := h.reader(60)
	if a.Balance != euro(60) {
		t.Errorf("the welcome credit is %v", a.Balance)
	}
	if again, err := h.store.OpenWallet(ctx, a.keys, paywall.Welcome{Amount: euro(60)}); err != nil || again.ID != a.ID || again.Balance != euro(60) {
		t.Errorf("opening a wallet again with its key: %+v, %v", again, err)
	}
	b := h.reader(0)
	if b.ID == a.ID || b.Balance != euro(0) {
		t.Errorf("the second wallet is %+v", b.Wallet)
	}
	mixed := paywall.KeyHashes{Key: a.keys.Key, Code: newKeys(t).Code}
	_, err := h.store.OpenWallet(ctx, mixed, paywall.Welcome{Amount: euro(0)})
	h.wantError(err, paywall.ErrConflict)
	for _, welcome := range []paywall.Money{{Micros: -1, Currency: Currency}, {Micros: 1, Currency: "USD"}} {
		if _, err := h.store.OpenWallet(ctx, newKeys(t), paywall.Welcome{Amount: welcome}); err == nil {
			t.Errorf("a welcome of %v %s was given", welcome, welcome.Currency)
		}
	}
	_, err = h.store.Wallet(ctx, newKeys(t).Key)
	h.wantError(err, paywall.ErrNoWallet)

	second := newKeys(t)
	if w, err := h.store.AddKey(ctx, a.keys.Code, second); err != nil || w.ID != a.ID || w.Balance != euro(60) {
		t.Fatalf("recovering into a second browser: %+v, %v", w, err)
	}
	if w, err := h.store.AddKey(ctx, a.keys.Code, second); err != nil || w.ID != a.ID {
		t.Errorf("recovering again with the same key: %+v, %v", w, err)
	}
	for _, key := range []paywall.Hash{a.keys.Key, second.Key} {
		if w, err := h.store.Wallet(ctx, key); err != nil || w.ID != a.ID {
			t.Errorf("a key of two opens %+v, %v", w, err)
		}
	}
	third := newKeys(t)
	if w, err := h.store.AddKey(ctx, second.Code, third); err != nil || w.ID != a.ID {
		t.Errorf("recovering with the second key's code: %+v, %v", w, err)
	}
	_, err = h.store.AddKey(ctx, b.keys.Code, second)
	h.wantError(err, paywall.ErrConflict)
	_, err = h.store.AddKey(ctx, newKeys(t).Code, newKeys(t))
	h.wantError(err, paywall.ErrNoWallet)
}

// testEraseLong: of a long history nothing opens anything when Erase has answered,
// and no offer of it is taken again.
func testEraseLong(t *testing.T, h *suite) {
	a, b := h.reader(100_000), h.reader(1000)
	var bought []paywall.Unlock
	var offers []paywall.Offer
	for i := range 600 {
		o := h.offer(fmt.Sprintf("/articles/%d", i), 1)
		offers, bought = append(offers, o), append(bought, h.buy(a, o).Unlock)
	}
	for range 300 {
		if _, err := h.store.Tip(t.Context(), a.ID, tip(1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.store.Erase(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	for _, u := range bought {
		if !h.store.Revoked(u.ID) {
			t.Fatalf("%s of an erased wallet still opens", u.Resource)
		}
	}
	if again := h.buy(b, offers[0]); again.Unlock.ID == bought[0].ID {
		t.Error("the id of an erased purchase was given out twice")
	}
}

func testErase(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.reader(500), h.reader(500)
	second := newKeys(t)
	if _, err := h.store.AddKey(ctx, a.keys.Code, second); err != nil {
		t.Fatal(err)
	}
	offer := h.offer("/articles/a", 20)
	live, refunded := h.buy(a, offer), h.buy(a, h.offer("/articles/b", 20))
	kept := h.buy(b, h.offer("/articles/a", 20))
	if _, err := h.store.Refund(ctx, a.ID, refunded.Unlock.ID, 0); err != nil {
		t.Fatal(err)
	}
	if err := h.store.AddVouchers(ctx, []paywall.Voucher{{Code: code("v"), Amount: euro(100)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.Redeem(ctx, a.ID, code("v")); err != nil {
		t.Fatal(err)
	}
	before, _ := h.export()

	if err := h.store.Erase(ctx, a.ID); err != nil {
		t.Fatalf("erasing: %v", err)
	}
	h.wantError(h.store.Erase(ctx, a.ID), paywall.ErrNoWallet)
	for _, key := range []paywall.Hash{a.keys.Key, second.Key} {
		_, err := h.store.Wallet(ctx, key)
		h.wantError(err, paywall.ErrNoWallet)
	}
	for _, recovery := range []paywall.Hash{a.keys.Code, second.Code} {
		_, err := h.store.AddKey(ctx, recovery, newKeys(t))
		h.wantError(err, paywall.ErrNoWallet)
	}
	_, err := h.store.Owned(ctx, a.keys.Key, site, "/articles/a")
	h.wantError(err, paywall.ErrNoWallet)
	_, _, err = h.store.Unlocks(ctx, a.ID, paywall.Page{Limit: 10})
	h.wantError(err, paywall.ErrNoWallet)
	_, err = h.unlock(a, offer)
	h.wantError(err, paywall.ErrNoWallet)
	_, err = h.store.Refund(ctx, a.ID, live.Unlock.ID, 0)
	h.wantError(err, paywall.ErrNotFound)
	_, err = h.store.Redeem(ctx, a.ID, code("v"))
	h.wantError(err, paywall.ErrNoWallet)
	_, err = h.store.Redeem(ctx, b.ID, code("v"))
	h.wantError(err, paywall.ErrBadVoucher)
	if !h.store.Revoked(live.Unlock.ID) || h.store.Revoked(kept.Unlock.ID) {
		t.Error("an erased wallet's unlock opens still, or another wallet's does not")
	}
	// The offer that the erased wallet used can be used by others, once each.
	if got := h.buy(b, h.offer("/articles/c", 20)); got.Unlock.ID == live.Unlock.ID {
		t.Error("an unlock's id was given out twice")
	}
	c := h.reader(100)
	if got := h.buy(c, offer); got.Unlock.ID == live.Unlock.ID || got.AlreadyOwned {
		t.Errorf("another wallet with the erased one's offer got %+v", got)
	}
	after, _ := h.export()
	if len(after) <= len(before) || string(after[:len(before)]) != string(before) {
		t.Error("erasing changed transfers that were there")
	}
	// The browser that was erased can begin anew.
	if w, err := h.store.OpenWallet(ctx, a.keys, paywall.Welcome{Amount: euro(0)}); err != nil || w.ID == a.ID {
		t.Errorf("opening a wallet with an erased one's key: %+v, %v", w, err)
	}
}
