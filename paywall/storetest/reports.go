package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
)

func testHistory(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.reader(1000), h.reader(100)
	var bought []paywall.Unlock
	for i := range 12 {
		bought = append(bought, h.buy(a, h.offer(fmt.Sprintf("/articles/%d", i), 20)).Unlock)
		h.clock.sleep(time.Second)
	}
	h.buy(b, h.offer("/articles/other", 20))
	if _, err := h.store.Refund(ctx, a.ID, bought[10].ID, 0); err != nil {
		t.Fatal(err)
	}
	bought[10].RefundedAt = h.clock.now()
	for _, limit := range []int{0, 1, 5, 12, 100} {
		got, _, err := h.store.Unlocks(ctx, a.ID, paywall.Page{Limit: limit})
		if err != nil || len(got) != min(limit, 12) {
			t.Fatalf("a history of %d has %d, %v", limit, len(got), err)
		}
		for i, u := range got {
			if want := bought[11-i]; u != want {
				t.Errorf("history %d is %+v, want %+v", i, u, want)
			}
		}
	}
	if got, _, err := h.store.Unlocks(ctx, h.reader(0).ID, paywall.Page{Limit: 10}); err != nil || len(got) != 0 {
		t.Errorf("the history of a new wallet is %v, %v", got, err)
	}
	_, _, err := h.store.Unlocks(ctx, paywall.NewID(), paywall.Page{Limit: 10})
	h.wantError(err, paywall.ErrNoWallet)
}

func testStats(t *testing.T, h *suite) {
	ctx := t.Context()
	stats := func() paywall.Stats {
		t.Helper()
		s, err := h.store.Stats(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := stats(); s.Currency != Currency || s.Wallets != 0 || s.Resources == nil {
		t.Errorf("the stats of an empty ledger are %+v", s)
	}
	a, b := h.reader(60), h.reader(0)
	if err := h.store.AddVouchers(ctx, []paywall.Voucher{{Code: code("v"), Amount: euro(100)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.Redeem(ctx, b.ID, code("v")); err != nil {
		t.Fatal(err)
	}
	h.buy(a, h.offer("/articles/a", 20))
	h.buy(b, h.offer("/articles/a", 20))
	gone := h.buy(b, h.offer("/articles/b", 30))
	stats()
	if _, err := h.store.Refund(ctx, b.ID, gone.Unlock.ID, 0); err != nil {
		t.Fatal(err)
	}
	tally := func(n int, cents int64) paywall.Tally { return paywall.Tally{Count: n, Amount: euro(cents)} }
	s := stats()
	if s.Wallets != 2 || s.Sales != tally(3, 70) || s.Refunds != tally(1, 30) || s.TopUps != tally(2, 160) || s.Owed != euro(120) {
		t.Errorf("the stats are %+v", s)
	}
	want := []paywall.ResourceSales{
		{Site: site, Resource: "/articles/a", Sales: tally(2, 40), Refunds: tally(0, 0)},
		{Site: site, Resource: "/articles/b", Sales: tally(1, 30), Refunds: tally(1, 30)},
	}
	if len(s.Resources) != 2 || s.Resources[0] != want[0] || s.Resources[1] != want[1] {
		t.Errorf("the resources are %+v", s.Resources)
	}
	if err := h.store.Erase(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	if s := stats(); s.Wallets != 1 || s.Sales != tally(3, 70) {
		t.Errorf("after an erasure the stats are %+v", s)
	}
}

func testExport(t *testing.T, h *suite) {
	a := h.reader(100)
	strange := h.offer("/articles/<\"\\\u2028é>", 20)
	strange.Title = "tab\tnew\nline \x01 \xff bad & <b>"
	bought := h.buy(a, strange)
	if _, err := h.store.Refund(t.Context(), a.ID, bought.Unlock.ID, 0); err != nil {
		t.Fatal(err)
	}
	_, lines := h.export()
	if len(lines) != 4 {
		t.Fatalf("%d lines were exported, want 4", len(lines))
	}
	causes := map[string]bool{}
	prev := lines[0].Prev
	for i, l := range lines {
		kind := []paywall.Kind{paywall.KindGenesis, paywall.KindOpen, paywall.KindUnlock, paywall.KindRefund}[i]
		if l.Seq != uint64(i+1) || l.Kind != string(kind) || l.Prev != prev || l.Hash == "" || causes[l.Cause] {
			t.Errorf("line %d is %+v", i+1, l)
		}
		causes[l.Cause], prev = true, l.Hash
	}
	raw, _ := h.export()
	if !utf8.Valid(raw) {
		t.Error("the export is not UTF-8")
	}
}

// testBackup: what can be restored from a backup is for the store's own tests.
func testBackup(t *testing.T, h *suite) {
	a := h.reader(100)
	h.buy(a, h.offer("/articles/a", 20))
	report, err := h.store.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, since := range []uint64{0, 1, report.Seq} {
		var b bytes.Buffer
		told := int64(-1)
		options := paywall.BackupOptions{Since: since, Size: func(n int64) {
			if told = n; b.Len() > 0 {
				t.Error("the size came after the first byte")
			}
		}}
		err := h.store.Backup(t.Context(), &b, options)
		if errors.Is(err, errors.ErrUnsupported) {
			return // of engines that keep nothing
		}
		if err != nil || int64(b.Len()) != told || told == 0 {
			t.Errorf("since %d: %d bytes, %d were told, %v", since, b.Len(), told, err)
		}
		if bytes.Contains(b.Bytes(), []byte("PRIVATE KEY")) {
			t.Error("a backup holds a signing key")
		}
	}
	var b bytes.Buffer
	err = h.store.Backup(t.Context(), &b, paywall.BackupOptions{Since: report.Seq + 1})
	if paywall.ErrorCode(err) != paywall.CodeMalformed || b.Len() > 0 {
		t.Errorf("since a transfer to come: %d bytes, %v", b.Len(), err)
	}
	if err := h.store.Backup(t.Context(), brokenPipe{}, paywall.BackupOptions{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("into a broken pipe: %v", err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
