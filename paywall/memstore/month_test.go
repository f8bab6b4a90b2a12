package memstore_test

import (
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/memstore"
	"github.com/tuppence/tuppence/paywall/storetest"
)

// TestAMonthOfMoneyIsProved has a month of purchases and top-ups, with whatever goes wrong.
func TestAMonthOfMoneyIsProved(t *testing.T) {
	month := storetest.Month{Purchases: 100_000, TopUps: 4_000}
	if testing.Short() || raced {
		month.Purchases, month.TopUps = 5_000, 400
	}
	var s *memstore.Store
	month.Fail = func(reason error) { s.Fail(reason) }
	month.Play(t, func(t *testing.T, now func() time.Time) (l *ledger.Ledger) {
		s, l = openStore(t, now)
		return l
	})
}
