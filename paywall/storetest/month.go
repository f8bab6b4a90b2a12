package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// Month is how much happens in a month.
type Month struct {
	Purchases int // of them 2 % are undone
	TopUps    int // of them 0.3 % are disputed, and some are given back in every other way

	// Fail has the engine take no changes for a while, as a full disk does, and nil ends
	// that; nil: it cannot.
	Fail func(reason error)
}

// clerks is how many play the days of a month at the same time, each with readers of
// its own.
const (
	clerks = 8
	days   = 30
)

// Play has a month happen on an empty ledger: purchases, top-ups, vouchers, refunds,
// disputes, cash-outs, erasures, calls whose answers are lost, and an engine that fails
// now and then. Afterwards the ledger proves itself, and every account has what was added
// up beside it.
func (size Month) Play(t *testing.T, open Open) {
	h := newSuite(t, open)
	books := make([]*clerk, clerks)
	for i := range books {
		books[i] = newClerk(h, i, size)
	}
	for range days {
		size.day(books)
		if h.clock.sleep(24 * time.Hour); t.Failed() {
			return
		}
	}
	h.verify()
	got := h.accounts()
	want := total(books)
	checkStats(h, want)
	for account, want := range want {
		if got[account] != want {
			t.Errorf("the account %s has %d millionths, want %d", account, got[account], want)
		}
		delete(got, account)
	}
	for account, micros := range got {
		if micros != 0 {
			t.Errorf("the account %s has %d millionths, and nobody moved anything there", account, micros)
		}
	}
	sold := 0
	for _, c := range books {
		c.checkWallets()
		sold += c.sold
	}
	if sold < size.Purchases*3/4 {
		t.Errorf("of %d purchases %d were made", size.Purchases, sold)
	}
}

// checkStats holds what the publisher reads against the accounts.
func checkStats(h *suite, accounts map[string]int64) {
	h.t.Helper()
	s, err := h.store.Stats(h.t.Context())
	if err != nil || s.Funding == nil {
		h.t.Fatalf("the stats are %+v, %v", s, err)
	}
	f := s.Funding
	for account, got := range map[string]int64{
		paywall.AccountFees: -f.Fees.Micros, paywall.AccountReceivable: -f.Receivable.Micros, paywall.AccountLosses: -f.Losses.Micros,
		paywall.AccountUnclaimed: f.Unclaimed.Micros, paywall.AccountTransit: f.Transit.Micros, paywall.AccountSuspense: f.Suspense.Micros,
		paywall.AccountVoucher: -f.Vouchers.Amount.Micros,
	} {
		if got != accounts[account] {
			h.t.Errorf("the stats say %d millionths of %s, want %d", got, account, accounts[account])
		}
	}
	for _, w := range f.Ways {
		if w.Balance.Micros != -accounts[w.Way] {
			h.t.Errorf("the stats say that %s has %s, want %d millionths", w.Way, w.Balance, -accounts[w.Way])
		}
	}
	if len(f.Ways) != 2 {
		h.t.Errorf("the stats know the ways %+v", f.Ways)
	}
}

// day has all clerks work while the engine fails now and then.
func (size Month) day(books []*clerk) {
	var working, failing sync.WaitGroup
	for _, c := range books {
		working.Go(c.work)
	}
	over := make(chan struct{})
	failing.Go(func() {
		for size.Fail != nil {
			select {
			case <-over:
				return
			case <-time.After(50 * time.Millisecond):
				size.Fail(errors.New("the disk is full"))
				time.Sleep(2 * time.Millisecond)
				size.Fail(nil)
			}
		}
	})
	working.Wait()
	close(over)
	failing.Wait()
}

// total is what all accounts must have, in millionths.
func total(books []*clerk) map[string]int64 {
	all := map[string]int64{}
	for _, c := range books {
		for account, cents := range c.sums {
			all[account] += cents * 10_000
		}
		for account, micros := range c.earned {
			all[account] += micros
		}
		for _, r := range c.holders {
			all[paywall.WalletAccount(r.ID)] += r.cents * 10_000
		}
	}
	return all
}
