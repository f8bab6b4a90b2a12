package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

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
