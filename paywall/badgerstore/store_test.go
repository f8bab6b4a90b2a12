package badgerstore

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/storetest"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// testOptions are for a test: no noise, and a disk that is never full.
func testOptions(dir string) Options {
	return Options{Dir: dir, Currency: storetest.Currency, Logger: quiet(), free: func(string) (uint64, error) { return 1 << 40, nil }}
}

// kept is a ledger and the store that keeps it.
type kept struct {
	*ledger.Ledger
	*Store
}

func (k *kept) Close() error { return k.Ledger.Close() }

func (k *kept) Backup(ctx context.Context, w io.Writer, o paywall.BackupOptions) error {
	return k.Ledger.Backup(ctx, w, o)
}

// openKept is for tests that want to see the error.
func openKept(ctx context.Context, o Options) (*kept, error) {
	s, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	l, err := ledger.New(s)
	return &kept{l, s}, err
}

func open(t testing.TB, o Options) *kept {
	t.Helper()
	s, err := openKept(t.Context(), o)
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
	storetest.Run(t, func(t *testing.T, now func() time.Time) *ledger.Ledger {
		o := testOptions(t.TempDir())
		o.Now = now
		return open(t, o).Ledger
	})
}

func TestHistoriesAreLinearizable(t *testing.T) {
	storetest.Linearizable(t, often(20, 100), func(t *testing.T, now func() time.Time) *ledger.Ledger {
		o := testOptions(t.TempDir())
		o.Now = now
		return open(t, o).Ledger
	})
}

// deviceID is the id that a key's device has.
func deviceID(key paywall.Hash) string { return base64.RawURLEncoding.EncodeToString(key[:9]) }
