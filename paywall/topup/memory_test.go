package topup_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tuppence/tuppence/paywall/topup"
)

// TestOneServiceSweepsAtATime: on a reload the next config's service starts while that of
// the config before still runs, on the same ledger.
func TestOneServiceSweepsAtATime(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		memory := topup.NewMemory()
		start := func(swept *atomic.Int64) (end context.CancelFunc) {
			seals, err := topup.OpenSeals(dir, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			s, err := topup.New(topup.Options{
				Ledger: func(context.Context) (topup.Ledger, error) { swept.Add(1); return nil, errors.New("away") },
				Seals:  seals, Memory: memory, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			go s.Run(ctx)
			synctest.Wait()
			return cancel
		}
		var first, second atomic.Int64
		endFirst := start(&first)
		endSecond := start(&second)
		if time.Sleep(time.Hour); first.Load() == 0 || second.Load() != 0 {
			t.Errorf("the first swept %d times, and the second %d times meanwhile", first.Load(), second.Load())
		}
		endFirst()
		synctest.Wait()
		before := first.Load()
		if time.Sleep(time.Hour); first.Load() != before || second.Load() == 0 {
			t.Errorf("afterwards the first swept %d times, the second %d times", first.Load()-before, second.Load())
		}
		endSecond()
	})
}
