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
	for account, want := range total(books) {
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
