package memstore_test

import (
	"iter"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/ledger/audit"
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
	auditInParts(t, s, 3)
}

// auditInParts proves a ledger as one is proved that is too long to be audited at once.
func auditInParts(t *testing.T, s *memstore.Store, parts int) {
	t.Helper()
	err := s.Compare(t.Context(), func(state ledger.State, _ journal.Mark) error {
		counts := map[byte]int{}
		later := time.Now().AddDate(100, 0, 0) // no revocation has to be known any more
		for part := range parts {
			a := audit.New(part, parts, state.Record, later)
			for line, err := range s.Lines(t.Context(), 0) {
				if err != nil {
					return err
				}
				r, err := line.Record(storetest.Currency)
				if err != nil {
					return err
				}
				a.Add(&r, line.Ref)
			}
			if err := a.Compare(state.Get, counts); err != nil {
				return err
			}
			for _, problem := range a.Problems() {
				t.Errorf("part %d of %d: %s", part, parts, problem)
			}
		}
		surplus, err := audit.Surplus(keys(state), counts)
		for _, problem := range surplus {
			t.Error(problem)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func keys(state ledger.State) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var all [][]byte
		err := state.Each(nil, func(key, _ []byte) error {
			all = append(all, key)
			return nil
		})
		if err != nil {
			yield(nil, err)
		}
		for _, key := range all {
			if !yield(key, nil) {
				return
			}
		}
	}
}
