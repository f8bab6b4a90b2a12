package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// give makes a gift link and answers its key.
func (h *suite) give(a reader, unlock string, readers int) paywall.Hash {
	h.t.Helper()
	key := code(paywall.NewID())
	if err := h.store.AddGift(h.t.Context(), a.ID, paywall.Gift{Key: key, Unlock: unlock, Readers: readers}); err != nil {
		h.t.Fatalf("making a gift: %v", err)
	}
	return key
}

// testGifts: a link for two opens the article to two others, once each, for nothing.
func testGifts(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b, c, d := h.reader(100), h.reader(10), h.reader(0), h.reader(100)
	offer := h.offer("/articles/a", 20)
	offer.URL = "/articles/a?subscriber=7" // is the giver's, and nobody else's business
	bought := h.buy(a, offer).Unlock
	gift := paywall.Gift{Key: code("gift"), Unlock: bought.ID, Readers: 2}
	for range 2 { // a retry
		if err := h.store.AddGift(ctx, a.ID, gift); err != nil {
			t.Fatal(err)
		}
	}
	made := h.clock.now()
	h.clock.sleep(time.Minute)
	more := gift
	more.Readers = 3
	h.wantError(h.store.AddGift(ctx, a.ID, more), paywall.ErrConflict)
	h.wantError(h.store.AddGift(ctx, b.ID, gift), paywall.ErrConflict)
	h.wantError(h.store.AddGift(ctx, b.ID, paywall.Gift{Key: code("b"), Unlock: bought.ID, Readers: 1}), paywall.ErrNotFound)
	h.wantError(h.store.AddGift(ctx, paywall.NewID(), gift), paywall.ErrNoWallet)
	for _, readers := range []int{-1, 0, paywall.MaxGiftReaders + 1} {
		if err := h.store.AddGift(ctx, a.ID, paywall.Gift{Key: code("c"), Unlock: bought.ID, Readers: readers}); paywall.ErrorCode(err) != paywall.CodeMalformed {
			t.Errorf("a gift for %d readers: %v", readers, err)
		}
	}
	want := paywall.GiftState{Site: site, Resource: bought.Resource, URL: "/articles/a", Title: bought.Title, Readers: 2, MadeAt: made}
	if got, err := h.store.Gift(ctx, gift.Key); err != nil || got != want {
		t.Errorf("the gift is %+v, %v", got, err)
	}

	// Looking and the giver's own click use nothing up, nor does one who owns it.
	if got, err := h.store.OpenGift(ctx, a.ID, gift.Key); err != nil || !got.AlreadyOwned || got.Unlock.ID != bought.ID {
		t.Errorf("the giver opened %+v, %v", got, err)
	}
	h.buy(d, h.offer("/articles/a", 20))
	if got, err := h.store.OpenGift(ctx, d.ID, gift.Key); err != nil || !got.AlreadyOwned {
		t.Errorf("one who owns it opened %+v, %v", got, err)
	}
	first, err := h.store.OpenGift(ctx, b.ID, gift.Key)
	u := first.Unlock
	if err != nil || u.Paid != euro(0) || u.Gift != gift.Key || u.Wallet != b.ID || u.Title != bought.Title || u.URL != want.URL || first.Balance != euro(10) || first.AlreadyOwned {
		t.Errorf("opened, the gift is %+v, %v", first, err)
	}
	if again, err := h.store.OpenGift(ctx, b.ID, gift.Key); err != nil || again != first {
		t.Errorf("opened again it is %+v, %v", again, err)
	}
	if owned, err := h.store.Owned(ctx, b.keys.Key, site, "/articles/a"); err != nil || owned != u {
		t.Errorf("owned is %+v, %v", owned, err)
	}
	_, err = h.store.Refund(ctx, b.ID, u.ID, 0)
	h.wantError(err, paywall.ErrRefundClosed)
	h.wantError(h.store.AddGift(ctx, b.ID, paywall.Gift{Key: code("d"), Unlock: u.ID, Readers: 1}), paywall.ErrNotFound)
	_, err = h.store.Refund(ctx, a.ID, bought.ID, 0)
	h.wantError(err, paywall.ErrRefundClosed)
	if list, _, err := h.store.Unlocks(ctx, a.ID, paywall.Page{Limit: 1}); err != nil || !list[0].Given || list[0].Refundable(h.clock.now()) {
		t.Errorf("the giver's purchase is %+v, %v", list, err)
	}
	if owned, err := h.store.Owned(ctx, a.keys.Key, site, "/articles/a"); err != nil || owned.Refundable(h.clock.now()) {
		t.Errorf("the giver owns %+v, %v", owned, err)
	}
	if _, err := h.store.OpenGift(ctx, c.ID, gift.Key); err != nil {
		t.Errorf("the second reader: %v", err)
	}
	_, err = h.store.OpenGift(ctx, h.reader(0).ID, gift.Key)
	h.wantError(err, paywall.ErrGiftOver)
	want.Opened = 2
	if got, err := h.store.Gift(ctx, gift.Key); !errors.Is(err, paywall.ErrGiftOver) || got != want {
		t.Errorf("used up, the gift is %+v, %v", got, err)
	}
	if again, err := h.store.OpenGift(ctx, b.ID, gift.Key); err != nil || again != first {
		t.Errorf("opened again when it is used up it is %+v, %v", again, err)
	}
	want.Unlock = bought.ID
	if list, err := h.store.Gifts(ctx, a.ID, 10); err != nil || len(list) != 1 || list[0] != want {
		t.Errorf("the gifts are %+v, %v", list, err)
	}
	if s, err := h.store.Stats(ctx); err != nil || s.Gifts != 2 || s.Sales.Count != 2 {
		t.Errorf("the stats are %+v, %v", s, err)
	}
	for _, key := range []paywall.Hash{code("unknown"), {}} {
		_, err = h.store.OpenGift(ctx, b.ID, key)
		h.wantError(err, paywall.ErrGiftOver)
		unknown, err := h.store.Gift(ctx, key)
		if h.wantError(err, paywall.ErrGiftOver); unknown != (paywall.GiftState{}) {
			t.Errorf("an unknown gift is %+v", unknown)
		}
	}
	_, err = h.store.OpenGift(ctx, paywall.NewID(), gift.Key)
	h.wantError(err, paywall.ErrNoWallet)
	_, err = h.store.Gifts(ctx, paywall.NewID(), 10)
	h.wantError(err, paywall.ErrNoWallet)
}

// testGiftsEnd: with the giver's right, and with the month's limit.
func testGiftsEnd(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b, c := h.reader(1000), h.reader(0), h.reader(0)
	over := func(key paywall.Hash, resource string) {
		t.Helper()
		_, err := h.store.OpenGift(ctx, c.ID, key)
		h.wantError(err, paywall.ErrGiftOver)
		was, err := h.store.Gift(ctx, key)
		if h.wantError(err, paywall.ErrGiftOver); was.Resource != resource {
			t.Errorf("the gift that is over was of %q, want %q", was.Resource, resource)
		}
	}
	refunded := h.buy(a, h.offer("/refunded", 20)).Unlock
	key := h.give(a, refunded.ID, 2)
	if _, err := h.store.Refund(ctx, a.ID, refunded.ID, 0); err != nil {
		t.Fatal(err)
	}
	over(key, "/refunded")
	h.wantError(h.store.AddGift(ctx, a.ID, paywall.Gift{Key: code("x"), Unlock: refunded.ID, Readers: 1}), paywall.ErrNotFound)

	short := h.offer("/short", 20)
	short.Access = time.Hour
	lasts := h.buy(a, short).Unlock
	key = h.give(a, lasts.ID, 2)
	h.clock.sleep(40 * time.Minute)
	theirs, err := h.store.OpenGift(ctx, b.ID, key)
	if err != nil || !theirs.Unlock.ExpiresAt.Equal(lasts.ExpiresAt) {
		t.Errorf("a gift of what ends at %v: %+v, %v", lasts.ExpiresAt, theirs, err)
	}
	h.clock.sleep(20 * time.Minute)
	_, err = h.store.Owned(ctx, b.keys.Key, site, "/short")
	h.wantError(err, paywall.ErrNotFound)
	over(key, "/short")

	kept := h.buy(a, h.offer("/kept", 20)).Unlock
	key = h.give(a, kept.ID, 2)
	link := paywall.Gift{Key: code("fourth"), Unlock: kept.ID, Readers: 1, Limit: 3}
	err = h.store.AddGift(ctx, a.ID, link)
	h.wantError(err, paywall.ErrTooManyGifts)
	if got, want := paywall.ErrorMessage(err), "3 gift links were made this month; the next can be from 1 December on"; got != want {
		t.Errorf("the giver is told %q", got)
	}
	link.Limit = 4
	if err := h.store.AddGift(ctx, a.ID, link); err != nil {
		t.Errorf("under a limit that was raised: %v", err)
	}
	h.clock.sleep(10 * 24 * time.Hour)
	next := paywall.Gift{Key: code("next"), Unlock: kept.ID, Readers: 1, Limit: 1}
	if err := h.store.AddGift(ctx, a.ID, next); err != nil {
		t.Errorf("in the next month: %v", err)
	}

	// Erased, the giver's links open nothing more; what was opened stays.
	h.set(b, paywall.Settings{Forget: true})
	opened, err := h.store.OpenGift(ctx, b.ID, key)
	if err != nil || opened.Unlock.Title != "" {
		t.Fatalf("opened by one who wants nothing remembered: %+v, %v", opened, err)
	}
	if err := h.store.Erase(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	over(key, "")
	if u, err := h.store.Owned(ctx, b.keys.Key, site, "/kept"); err != nil || u != opened.Unlock || h.store.Revoked(u.ID) {
		t.Errorf("after the giver is erased the reader owns %+v, %v", u, err)
	}
	h.verify()
	if err := h.store.Erase(ctx, b.ID); err != nil || !h.store.Revoked(opened.Unlock.ID) {
		t.Errorf("erasing one who opened a gift: %v", err)
	}
}

// testParallelGifts: of thirty readers three get it, and it is not refunded beside.
func testParallelGifts(t *testing.T, h *suite) {
	for round := range rounds {
		a := h.reader(100)
		bought := h.buy(a, h.offer(fmt.Sprint("/articles/", round), 20)).Unlock
		key := h.give(a, bought.ID, 3)
		readers := make([]reader, 10)
		for i := range readers {
			readers[i] = h.reader(0)
		}
		var opened, refunds atomic.Int32
		together(31, func(i int) {
			if i == 30 {
				_, err := h.store.Refund(t.Context(), a.ID, bought.ID, 0)
				if err == nil {
					refunds.Add(1)
				} else if !errors.Is(err, paywall.ErrRefundClosed) {
					t.Errorf("a refund beside: %v", err)
				}
				return
			}
			receipt, err := h.store.OpenGift(t.Context(), readers[i%10].ID, key)
			if err == nil && !receipt.AlreadyOwned {
				opened.Add(1)
			} else if !errors.Is(err, paywall.ErrGiftOver) {
				t.Errorf("opening in parallel: %+v, %v", receipt, err)
			}
		})
		owners := 0
		for _, r := range readers {
			if _, err := h.store.Owned(t.Context(), r.keys.Key, site, bought.Resource); err == nil {
				owners++
			}
		}
		if refunds.Load() == 0 && owners != 3 || refunds.Load() == 1 && owners != 0 {
			t.Errorf("a gift for 3 has %d owners, %d refunds (%d answers)", owners, refunds.Load(), opened.Load())
		}
	}
}
