package badgerstore

import (
	"log/slog"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/storetest"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// testOptions are for a test: no noise, and a disk that is never full.
func testOptions(dir string) Options {
	return Options{Dir: dir, Currency: storetest.Currency, Logger: quiet(), free: func(string) (uint64, error) { return 1 << 40, nil }}
}

func open(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, now func() time.Time) paywall.Store {
		o := testOptions(t.TempDir())
		o.Now = now
		return open(t, o)
	})
}

func TestHistoriesAreLinearizable(t *testing.T) {
	storetest.Linearizable(t, often(20, 100), func(t *testing.T, now func() time.Time) paywall.Store {
		o := testOptions(t.TempDir())
		o.Now = now
		return open(t, o)
	})
}
