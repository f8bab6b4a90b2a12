package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger"
)

// Export puts the parts of a wallet's export together. A part with entries of two
// lists, or one that comes after a later list's, is an error.
func Export(ctx context.Context, s *ledger.Ledger, wallet string) (all paywall.WalletExport, err error) {
	begun, list := false, 0
	err = s.WalletExport(ctx, wallet, func(p *paywall.WalletExport) error {
		if !begun {
			begun, all = true, *p
			all.Purchases, all.Gifts = append([]paywall.Unlock{}, p.Purchases...), append([]paywall.GiftState{}, p.Gifts...)
			all.Tips, all.Credits = append([]paywall.TipState{}, p.Tips...), append([]paywall.Credit{}, p.Credits...)
			return nil
		}
		for i, n := range []int{len(p.Purchases), len(p.Gifts), len(p.Tips), len(p.Credits)} {
			if n > 0 && i < list {
				return fmt.Errorf("list %d goes on after list %d", i, list)
			}
			if n > 0 {
				list = i
			}
		}
		all.Purchases, all.Gifts = append(all.Purchases, p.Purchases...), append(all.Gifts, p.Gifts...)
		all.Tips, all.Credits = append(all.Tips, p.Tips...), append(all.Credits, p.Credits...)
		return nil
	})
	return all, err
}

// History puts the pages of a wallet's purchases together.
func History(ctx context.Context, s *ledger.Ledger, wallet string) (all []paywall.Unlock, err error) {
	for p := (paywall.Page{Limit: 200}); ; {
		list, next, err := s.Unlocks(ctx, wallet, p)
		all = append(all, list...)
		if err != nil || next == "" {
			return all, err
		}
		p.Before = next
	}
}

// testPages: a history comes in pages of any size, each going on where the one
// before ended, whatever was bought or undone in between.
func testPages(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.reader(1000), h.reader(100)
	var want []string
	for i := range 12 {
		u := h.buy(a, h.offer(fmt.Sprintf("/articles/%d", i), 20)).Unlock
		want = slices.Insert(want, 0, u.ID)
	}
	theirs := h.buy(b, h.offer("/articles/0", 20)).Unlock
	for size := 1; size <= 13; size++ {
		var got []string
		p := paywall.Page{Limit: size}
		for pages := 0; pages == 0 || p.Before != ""; pages++ {
			list, next, err := h.store.Unlocks(ctx, a.ID, p)
			if err != nil || pages > 12 {
				t.Fatalf("page %d of %d: %v", pages, size, err)
			}
			for _, u := range list {
				got = append(got, u.ID)
			}
			p.Before = next
		}
		if !slices.Equal(got, want) {
			t.Errorf("in pages of %d the history is %v, want %v", size, got, want)
		}
	}
	for _, id := range want[:3] {
		if _, err := h.store.Refund(ctx, a.ID, id, 0); err != nil {
			t.Fatal(err)
		}
	}
	h.buy(a, h.offer("/articles/new", 20))
	list, next, err := h.store.Unlocks(ctx, a.ID, paywall.Page{Before: want[2], Limit: 2})
	if err != nil || next != want[4] || len(list) != 2 || list[0].ID != want[3] || list[1].ID != want[4] {
		t.Errorf("after an undone purchase are %+v, then %q, %v", list, next, err)
	}
	for _, before := range []string{theirs.ID, paywall.NewID(), "x"} {
		_, _, err := h.store.Unlocks(ctx, a.ID, paywall.Page{Before: before, Limit: 2})
		h.wantError(err, paywall.ErrNotFound)
	}
}

// testBought finds one purchase by its id.
func testBought(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.reader(1000), h.reader(100)
	first := h.buy(a, h.offer("/articles/1", 20)).Unlock
	if u, err := h.store.Bought(ctx, a.ID, first.ID); err != nil || u != first {
		t.Errorf("the purchase is %+v, %v", u, err)
	}
	if _, err := h.store.Refund(ctx, a.ID, first.ID, 0); err != nil {
		t.Fatal(err)
	}
	if u, err := h.store.Bought(ctx, a.ID, first.ID); err != nil || !u.RefundedAt.Equal(h.clock.now()) {
		t.Errorf("undone it is %+v, %v", u, err)
	}
	for _, id := range []string{paywall.NewID(), "", h.buy(b, h.offer("/articles/1", 20)).Unlock.ID} {
		_, err := h.store.Bought(ctx, a.ID, id)
		h.wantError(err, paywall.ErrNotFound)
	}
	_, err := h.store.Bought(ctx, paywall.NewID(), first.ID)
	h.wantError(err, paywall.ErrNoWallet)
	h.set(a, paywall.Settings{Forget: true})
	secret := h.buy(a, h.offer("/secret", 20)).Unlock
	secret.Forgotten = true
	if u, err := h.store.Bought(ctx, a.ID, secret.ID); err != nil || u != secret {
		t.Errorf("what can still be undone is %+v, %v", u, err)
	}
	h.clock.sleep(refundTime)
	_, err = h.store.Bought(ctx, a.ID, secret.ID)
	h.wantError(err, paywall.ErrNotFound)
}

// testLongExport: an export of more than one part is whole, and ends where its
// reader ends it.
func testLongExport(t *testing.T, h *suite) {
	a := h.reader(100_000)
	var want []string
	for i := range 450 {
		want = slices.Insert(want, 0, h.buy(a, h.offer(fmt.Sprintf("/articles/%d", i), 1)).Unlock.ID)
	}
	for range 210 {
		if _, err := h.store.Tip(t.Context(), a.ID, tip(1)); err != nil {
			t.Fatal(err)
		}
	}
	e, err := Export(t.Context(), h.store, a.ID)
	if err != nil || len(e.Tips) != 210 || len(e.Credits) != 1 {
		t.Errorf("the export has %d tips, %d credits, %v", len(e.Tips), len(e.Credits), err)
	}
	got := []string{}
	for _, u := range e.Purchases {
		got = append(got, u.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the export has %d purchases, not the %d that were made, in order", len(got), len(want))
	}
	ctx, leave := context.WithCancel(t.Context())
	parts := 0
	err = h.store.WalletExport(ctx, a.ID, func(*paywall.WalletExport) error {
		parts++
		leave()
		return nil
	})
	if err == nil || parts != 1 {
		t.Errorf("after its reader left, an export went on for %d parts: %v", parts, err)
	}
	enough := errors.New("enough")
	err = h.store.WalletExport(t.Context(), a.ID, func(*paywall.WalletExport) error { return enough })
	h.wantError(err, enough)
}

// testKept: of a long URL and a long title little is kept, whoever comes again with
// the same offer is answered as before, and what was bought is whole.
func testKept(t *testing.T, h *suite) {
	long := func(n int) string { return string(slices.Repeat([]byte("é"), n)) }
	for name, o := range map[string]struct {
		url, title, wantURL string
	}{
		"short":      {"/a?x=1", "A", "/a?x=1"},
		"long query": {"/a?x=" + long(200), "A", "/a"},
		"long title": {"/a", long(200), "/a"},
	} {
		a, offer := h.reader(1000), h.offer("/a", 1)
		offer.URL, offer.Title = o.url, o.title
		first := h.buy(a, offer)
		if u := first.Unlock; u.URL != o.wantURL || len(u.Title) > paywall.MaxKept || u.Title == "" {
			t.Errorf("of a %s %q and %q are kept", name, u.URL, u.Title)
		}
		if again := h.buy(a, offer); again.Unlock != first.Unlock || again.AlreadyOwned {
			t.Errorf("the same offer with a %s gives %+v, not %+v", name, again, first)
		}
		if _, err := h.store.Refund(t.Context(), a.ID, first.Unlock.ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	a, named := h.reader(1000), h.offer("/index.php?p="+long(200), 1)
	named.URL = "/index.php?utm=1&p=" + long(200)
	first := h.buy(a, named)
	if u := first.Unlock; len(u.URL) > paywall.MaxKept || u.Resource != named.Resource {
		t.Errorf("of a long name in the query %q is kept", u.URL)
	}
	if again := h.buy(a, named); again.Unlock != first.Unlock {
		t.Errorf("the same offer gives %+v", again)
	}
}
