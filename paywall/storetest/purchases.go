package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func testUnlock(t *testing.T, h *suite) {
	ctx := t.Context()
	a := h.reader(50)
	offer := h.offer("/articles/ä b", 20)
	offer.Access = 30 * 24 * time.Hour
	got := h.buy(a, offer)
	now := h.clock.now()
	want := paywall.Unlock{
		ID: got.Unlock.ID, Wallet: a.ID, Offer: offer.ID, Site: site, Resource: offer.Resource,
		URL: offer.URL, Title: offer.Title, Paid: euro(20), At: now,
		ExpiresAt: now.Add(offer.Access), RefundableUntil: now.Add(refundTime),
	}
	if got.Unlock != want || got.Balance != euro(30) || got.AlreadyOwned {
		t.Errorf("the receipt is %+v\nwant %+v", got, want)
	}
	if got.Unlock.ID == "" || h.store.Revoked(got.Unlock.ID) {
		t.Error("the unlock has no id, or is revoked at once")
	}
	if u, err := h.store.Owned(ctx, a.keys.Key, site, offer.Resource); err != nil || u != want {
		t.Errorf("owned is %+v, %v", u, err)
	}
	for _, other := range [][2]string{{site, "/articles/ä"}, {"https://other.example", offer.Resource}} {
		_, err := h.store.Owned(ctx, a.keys.Key, other[0], other[1])
		h.wantError(err, paywall.ErrNotFound)
	}
	_, err := h.store.Owned(ctx, newKeys(t).Key, site, offer.Resource)
	h.wantError(err, paywall.ErrNoWallet)

	owned := h.buy(a, h.offer(offer.Resource, 30))
	if !owned.AlreadyOwned || owned.Unlock != want || owned.Balance != euro(30) {
		t.Errorf("buying what is owned: %+v", owned)
	}
	_, err = h.unlock(a, h.offer("/articles/dear", 31))
	h.wantError(err, paywall.ErrInsufficientFunds)
	h.wantBalance(a, 30)
	h.buy(a, h.offer("/articles/exact", 30))
	h.wantBalance(a, 0)
	_, err = h.unlock(reader{Wallet: paywall.Wallet{ID: paywall.NewID()}}, h.offer("/x", 1))
	h.wantError(err, paywall.ErrNoWallet)
}

func testOffers(t *testing.T, h *suite) {
	a, b := h.reader(500), h.reader(500)
	offer := h.offer("/articles/a", 20)
	first := h.buy(a, offer)
	h.buy(a, h.offer("/articles/b", 30))
	again := h.buy(a, offer)
	if again.Unlock != first.Unlock || again.AlreadyOwned || again.Balance != euro(450) {
		t.Errorf("the same offer again gave %+v, first %+v", again, first)
	}
	for name, change := range map[string]func(*paywall.Offer){
		"price":    func(o *paywall.Offer) { o.Price = euro(10) },
		"resource": func(o *paywall.Offer) { o.Resource = "/articles/z" },
		"site":     func(o *paywall.Offer) { o.Site = "https://other.example" },
		"access":   func(o *paywall.Offer) { o.Access = time.Hour },
		"url":      func(o *paywall.Offer) { o.URL = "/articles/a?x=1" },
		"shares":   func(o *paywall.Offer) { o.Shares = []paywall.Share{{Creator: "alice", PPM: 100_000}} },
	} {
		changed := offer
		change(&changed)
		if _, err := h.unlock(a, changed); !errors.Is(err, paywall.ErrOfferChanged) {
			t.Errorf("the same offer with another %s: %v", name, err)
		}
	}
	other := h.buy(b, offer)
	if other.Unlock.ID == first.Unlock.ID || other.Unlock.Offer != offer.ID || other.AlreadyOwned || other.Balance != euro(480) {
		t.Errorf("another wallet with the same offer got %+v", other)
	}
	if again := h.buy(b, offer); again.Unlock != other.Unlock || again.Balance != euro(480) {
		t.Errorf("another wallet with the same offer again got %+v", again)
	}
	late := h.offer("/articles/late", 20)
	h.clock.sleep(paywall.OfferTTL + time.Second)
	_, err := h.unlock(a, late)
	if paywall.ErrorCode(err) != paywall.CodeOfferExpired || errors.Is(err, nil) {
		t.Errorf("an expired offer: %v", err)
	}
	if again := h.buy(a, offer); again.Unlock != first.Unlock {
		t.Errorf("an expired offer that was used in time gave %+v", again)
	}
	h.wantBalance(a, 450)
}

func testAccess(t *testing.T, h *suite) {
	ctx := t.Context()
	a := h.reader(100)
	offer := h.offer("/articles/a", 20)
	offer.Access = time.Hour
	first := h.buy(a, offer)
	h.clock.sleep(time.Hour - time.Millisecond)
	if _, err := h.store.Owned(ctx, a.keys.Key, site, offer.Resource); err != nil {
		t.Errorf("access ended too early: %v", err)
	}
	h.clock.sleep(time.Millisecond)
	_, err := h.store.Owned(ctx, a.keys.Key, site, offer.Resource)
	h.wantError(err, paywall.ErrNotFound)
	second := h.buy(a, h.offer("/articles/a", 20))
	if second.AlreadyOwned || second.Unlock.ID == first.Unlock.ID || second.Balance != euro(60) {
		t.Errorf("buying again after the access ended: %+v", second)
	}
	if u, err := h.store.Owned(ctx, a.keys.Key, site, "/articles/a"); err != nil || u.ID != second.Unlock.ID {
		t.Errorf("owned is %+v, %v", u, err)
	}
	if again := h.buy(a, offer); again.Unlock != first.Unlock || again.Balance != euro(60) {
		t.Errorf("the first offer again gave %+v", again)
	}
}

// testLetterCase: nobody pays twice for a page because a link to it is in capitals.
func testLetterCase(t *testing.T, h *suite) {
	ctx := t.Context()
	a := h.payer(100)
	first := h.buy(a, h.offer("/articles/p1?v=aB", 20))
	for _, resource := range []string{"/Articles/P1?v=aB", "/ARTICLES/p1?v=aB", "/articles/p1?v=aB"} {
		if u, err := h.store.Owned(ctx, a.keys.Key, site, resource); err != nil || u.ID != first.Unlock.ID {
			t.Errorf("%s: owned is %+v, %v", resource, u, err)
		}
		if again := h.buy(a, h.offer(resource, 20)); !again.AlreadyOwned || again.Unlock.ID != first.Unlock.ID || again.Balance != euro(80) {
			t.Errorf("%s was sold again: %+v", resource, again)
		}
	}
	if other := h.buy(a, h.offer("/articles/p1?v=ab", 20)); other.AlreadyOwned || other.Balance != euro(60) {
		t.Errorf("another id in the query: %+v", other)
	}
	if _, err := h.store.Refund(ctx, a.ID, first.Unlock.ID, 5); err != nil {
		t.Fatal(err)
	}
	_, err := h.store.Owned(ctx, a.keys.Key, site, "/Articles/P1?v=aB")
	h.wantError(err, paywall.ErrNotFound)
}

func testRefund(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.reader(100), h.reader(100)
	offer := h.offer("/articles/a", 20)
	bought := h.buy(a, offer)
	_, err := h.store.Refund(ctx, b.ID, bought.Unlock.ID, 0)
	h.wantError(err, paywall.ErrNotFound)
	_, err = h.store.Refund(ctx, a.ID, paywall.NewID(), 0)
	h.wantError(err, paywall.ErrNotFound)
	_, err = h.store.Refund(ctx, paywall.NewID(), bought.Unlock.ID, 0)
	h.wantError(err, paywall.ErrNotFound)

	h.clock.sleep(time.Minute)
	receipt, err := h.store.Refund(ctx, a.ID, bought.Unlock.ID, 0)
	want := bought.Unlock
	want.RefundedAt = h.clock.now()
	if err != nil || receipt.Unlock != want || receipt.Balance != euro(100) || receipt.AlreadyOwned {
		t.Errorf("the refund is %+v, %v", receipt, err)
	}
	if !h.store.Revoked(bought.Unlock.ID) {
		t.Error("a refunded unlock is not revoked")
	}
	_, err = h.store.Owned(ctx, a.keys.Key, site, offer.Resource)
	h.wantError(err, paywall.ErrNotFound)
	_, err = h.unlock(a, offer)
	h.wantError(err, paywall.ErrOfferSpent)
	next := h.buy(a, h.offer("/articles/a", 30))
	h.clock.sleep(time.Hour)
	if again, err := h.store.Refund(ctx, a.ID, bought.Unlock.ID, 0); err != nil || again.Unlock != want || again.Balance != euro(70) {
		t.Errorf("the second refund is %+v, %v", again, err)
	}
	if u, err := h.store.Owned(ctx, a.keys.Key, site, offer.Resource); err != nil || u.ID != next.Unlock.ID {
		t.Errorf("a second refund touched the next purchase: %+v, %v", u, err)
	}
	_, err = h.store.Refund(ctx, a.ID, next.Unlock.ID, 0)
	h.wantError(err, paywall.ErrRefundClosed)
	h.wantBalance(a, 70)

	// What was read to its end stays paid, and the purchase after it goes on.
	short := h.offer("/articles/short", 10)
	short.Access = time.Minute
	one := h.buy(a, short)
	h.clock.sleep(time.Minute)
	two := h.buy(a, h.offer("/articles/short", 10))
	if !one.Unlock.RefundableUntil.Equal(one.Unlock.ExpiresAt) {
		t.Errorf("what is open until %v can be undone until %v", one.Unlock.ExpiresAt, one.Unlock.RefundableUntil)
	}
	_, err = h.store.Refund(ctx, a.ID, one.Unlock.ID, 0)
	h.wantError(err, paywall.ErrRefundClosed)
	if u, err := h.store.Owned(ctx, a.keys.Key, site, "/articles/short"); err != nil || u.ID != two.Unlock.ID {
		t.Errorf("the second purchase ended with the first: %+v, %v", u, err)
	}
}

func testShares(t *testing.T, h *suite) {
	a := h.payer(100)
	offer := h.offer("/albums/a", 10)
	offer.Shares = []paywall.Share{{Creator: "alice", PPM: 333_333}, {Creator: "bob", PPM: 333_333}}
	bought := h.buy(a, offer)
	all := h.offer("/albums/all", 10)
	all.Shares = []paywall.Share{{Creator: "alice", PPM: paywall.WholePPM}}
	whole := h.buy(a, all)
	if whole.Unlock.Site != site {
		t.Errorf("the site of a purchase that is all the creator's is %q", whole.Unlock.Site)
	}
	accounts := h.accounts()
	if accounts["creator/alice"] != 133_333 || accounts["creator/bob"] != 33_333 || accounts["site/"+site] != 33_334 {
		t.Errorf("the shares are %v", accounts)
	}
	for _, u := range []string{bought.Unlock.ID, whole.Unlock.ID} {
		if _, err := h.store.Refund(t.Context(), a.ID, u, 0); err != nil {
			t.Fatal(err)
		}
	}
	for account, micros := range h.accounts() {
		if account != paywall.AccountVoucher && account != paywall.WalletAccount(a.ID) && micros != 0 {
			t.Errorf("after the refund %s has %d", account, micros)
		}
	}
	h.wantBalance(a, 100)
}

// accounts sums the legs of the export.
func (h *suite) accounts() map[string]int64 {
	h.t.Helper()
	_, lines := h.export()
	accounts := map[string]int64{}
	for _, l := range lines {
		for _, leg := range l.Legs {
			amount, err := paywall.ParseMoney(leg[1], Currency)
			if err != nil {
				h.t.Fatalf("an exported amount: %v", err)
			}
			accounts[leg[0]] += amount.Micros
		}
	}
	return accounts
}
