package memstore_test

import (
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/memstore"
	"github.com/tuppence/tuppence/paywall/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, open)
}

func TestHistoriesAreLinearizable(t *testing.T) {
	storetest.Linearizable(t, 10, open)
}

func open(t *testing.T, now func() time.Time) *ledger.Ledger {
	_, l := openStore(t, now)
	return l
}

func openStore(t *testing.T, now func() time.Time) (*memstore.Store, *ledger.Ledger) {
	s, err := memstore.New(storetest.Currency, now)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, l
}
