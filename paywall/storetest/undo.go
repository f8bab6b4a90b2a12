package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// refused tells the reasons apart, which have one code.
func (h *suite) refused(what string, err error, want *paywall.Error) {
	h.t.Helper()
	if err == nil || paywall.ErrorMessage(err) != want.Message {
		h.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// testUndoOnce: a resource that a wallet undid once is undone once, and said to be
// final before it is bought again.
func testUndoOnce(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.payer(100), h.payer(100)
	first := h.buy(a, h.offer("/articles/1", 20)).Unlock
	if _, err := h.store.Refund(ctx, a.ID, first.ID, 5); err != nil {
		t.Fatal(err)
	}
	again := h.offer("/articles/1", 20)
	q, err := h.store.Quote(ctx, a.ID, again)
	if err != nil || q.Undone != 1 {
		t.Errorf("the quote is %+v, %v", q, err)
	}
	h.refused("the quote", q.Final, paywall.ErrRefundOnce)
	second := h.buy(a, again).Unlock
	if second.Refundable(h.clock.now()) {
		t.Errorf("what was undone before is %+v", second)
	}
	_, err = h.store.Refund(ctx, a.ID, second.ID, 5)
	h.refused("undoing it again", err, paywall.ErrRefundOnce)
	for what, r := range map[string]struct {
		reader
		resource string
	}{"another article": {a, "/articles/2"}, "another wallet": {b, "/articles/1"}} {
		u := h.buy(r.reader, h.offer(r.resource, 20)).Unlock
		if _, err := h.store.Refund(ctx, r.ID, u.ID, 5); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	h.wantBalance(a, 80)
}

// testCapEndsUndoing: cap 6.00, price 3.00. Whoever has paid the cap and read more
// for nothing does not get the cap back, in that month or the next.
func testCapEndsUndoing(t *testing.T, h *suite) {
	ctx := t.Context()
	h.clock.sleep(time.Date(2026, 11, 30, 23, 50, 0, 0, time.UTC).Sub(h.clock.now()))
	a := h.payer(2000)
	var bought []paywall.Unlock
	for i := range 2 {
		bought = append(bought, h.buy(a, h.capped(fmt.Sprint("/articles/", i), 300, 600)).Unlock)
	}
	elsewhere := h.capped("/articles/0", 300, 600)
	elsewhere.Site = "https://other.example"
	other := h.buy(a, elsewhere).Unlock
	third := h.capped("/articles/2", 300, 600)
	q, err := h.store.Quote(ctx, a.ID, third)
	h.wantError(err, nil)
	h.refused("the quote of what the cap makes free", q.Final, paywall.ErrRefundCapped)
	if u := h.buy(a, third).Unlock; u.Paid != euro(0) || u.Refundable(h.clock.now()) {
		t.Errorf("above the cap was bought %+v", u)
	}
	outside := h.offer("/articles/outside", 100) // a rule that the cap is no part of, of the same month and site
	bought = append(bought, h.buy(a, outside).Unlock)
	check := func() {
		t.Helper()
		for i, u := range bought {
			_, err := h.store.Refund(ctx, a.ID, u.ID, 0)
			h.refused(fmt.Sprint("undoing purchase ", i), err, paywall.ErrRefundCapped)
			if now, err := h.store.Owned(ctx, a.keys.Key, site, u.Resource); err != nil || now.Refundable(h.clock.now()) {
				t.Errorf("purchase %d is %+v, %v", i, now, err)
			}
		}
		list, _, err := h.store.Unlocks(ctx, a.ID, paywall.Page{Limit: 100})
		h.wantError(err, nil)
		for _, u := range list {
			if u.Site == site && u.Refundable(h.clock.now()) && u.At.Month() == time.November {
				t.Errorf("listed as undoable: %+v", u)
			}
		}
	}
	check()
	h.clock.sleep(15 * time.Minute) // December, and the time is not over yet
	check()
	for i := range 3 { // which the cap reduces, too
		u := h.buy(a, h.capped(fmt.Sprint("/articles/december/", i), 300, 500)).Unlock
		if want := i == 0; u.Refundable(h.clock.now()) != want {
			t.Errorf("that purchase %d of December can be undone is not %v", i, want)
		}
	}
	check()
	if _, err := h.store.Refund(ctx, a.ID, other.ID, 0); err != nil {
		t.Errorf("at another site: %v", err)
	}
	h.wantBalance(a, 2000-600-100-500)
}

// testRefundLimit: of five purchases three can be undone in a month; the next
// month begins anew.
func testRefundLimit(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.reader(1000), h.reader(100)
	h.clock.sleep(time.Date(2026, 11, 30, 23, 50, 0, 0, time.UTC).Sub(h.clock.now()))
	var bought []string
	for i := range 5 {
		bought = append(bought, h.buy(a, h.offer(fmt.Sprint("/articles/", i), 20)).Unlock.ID)
	}
	refund := func(i, limit int) error {
		_, err := h.store.Refund(ctx, a.ID, bought[i], limit)
		return err
	}
	if err := refund(0, 0); err != nil { // counts, too
		t.Fatal(err)
	}
	for i := 1; i < 3; i++ {
		if err := refund(i, 3); err != nil {
			t.Fatalf("refund %d of 3: %v", i+1, err)
		}
	}
	err := refund(3, 3)
	h.wantError(err, paywall.ErrTooManyRefunds)
	if got, want := paywall.ErrorMessage(err), "3 purchases were undone this month; the next can be from 1 December on"; got != want {
		t.Errorf("the reader is told %q", got)
	}
	h.wantBalance(a, 960)
	if _, err := h.store.Owned(ctx, a.keys.Key, site, "/articles/3"); err != nil {
		t.Errorf("what was not undone is not owned: %v", err)
	}
	if err := refund(0, 3); err != nil {
		t.Errorf("a refund again, above the limit: %v", err)
	}
	if _, err := h.store.Refund(ctx, b.ID, h.buy(b, h.offer("/articles/1", 20)).Unlock.ID, 1); err != nil {
		t.Errorf("another wallet's first refund: %v", err)
	}
	if err := refund(3, 4); err != nil {
		t.Errorf("under a limit that was raised: %v", err)
	}
	if err := refund(4, -1); paywall.ErrorCode(err) != paywall.CodeMalformed {
		t.Errorf("a negative limit: %v", err)
	}
	h.clock.sleep(10 * time.Minute)
	if err := refund(4, 3); err != nil {
		t.Errorf("the first refund of the next month: %v", err)
	}
	h.wantBalance(a, 1000)
}
