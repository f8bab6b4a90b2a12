package badgerstore

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkOpen opens a ledger with many unlocks, 50,000 or with TUPPENCE_LONG a
// million: after a stop, and as a killed process leaves it. Then it sells while
// the closed segments are verified in the background, and when that is over.
func BenchmarkOpen(b *testing.B) {
	unlocks := often(50_000, 1_000_000)
	o := testOptions(filepath.Join(b.TempDir(), "clean"))
	killed := o
	killed.Dir = filepath.Join(b.TempDir(), "killed")
	s := openFor(b, o)
	sh := newShop(b, s)
	sell(b, sh, 256, unlocks)
	copyDir(b, o.Dir, killed.Dir)
	closeFor(b, s)

	var clean, after []time.Duration
	for b.Loop() {
		began := time.Now()
		s := openFor(b, o)
		clean = append(clean, time.Since(began))
		closeFor(b, s)

		again := killed
		again.Dir = filepath.Join(b.TempDir(), "again")
		copyDir(b, killed.Dir, again.Dir)
		began = time.Now()
		s = openFor(b, again)
		after = append(after, time.Since(began))
		closeFor(b, s)
		if err := os.RemoveAll(again.Dir); err != nil {
			b.Fatal(err)
		}
	}
	s = openFor(b, o)
	defer closeFor(b, s)
	sh.store = s
	const n = 5000
	verifying, _ := sell(b, sh, 64, n)
	if err := s.journal.VerifyClosed(func() bool { return true }); err != nil { // the other one has ended by then
		b.Fatal(err)
	}
	quietly, _ := sell(b, sh, 64, n)
	b.ReportMetric(milliseconds(clean), "clean-ms")
	b.ReportMetric(milliseconds(after), "killed-ms")
	b.ReportMetric(float64(n)/verifying.Seconds(), "verifying-unlocks/s")
	b.ReportMetric(float64(n)/quietly.Seconds(), "unlocks/s")
}

// milliseconds is the median.
func milliseconds(all []time.Duration) float64 {
	slices.Sort(all)
	return float64(all[len(all)/2].Microseconds()) / 1000
}

func openFor(b *testing.B, o Options) *kept {
	b.Helper()
	s, err := openKept(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func closeFor(b *testing.B, s *kept) {
	b.Helper()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
