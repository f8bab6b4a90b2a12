package badgerstore

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal/segment"
)

// shop sells a thousand articles to a thousand wallets.
type shop struct {
	store   *kept
	wallets []string
	next    atomic.Int64
}

func newShop(b testing.TB, s *kept) *shop {
	b.Helper()
	sh := &shop{store: s}
	for range 1000 {
		sh.wallets = append(sh.wallets, rich(b, s))
	}
	return sh
}

func randomKeys(t testing.TB) paywall.KeyHashes {
	t.Helper()
	keys, ok := paywall.NewWalletKey().Hashes()
	if !ok {
		t.Fatal("a new key has no hashes")
	}
	return keys
}

// purchase is one that has not been made.
func (s *shop) purchase() paywall.Purchase {
	n := s.next.Add(1)
	article := n / int64(len(s.wallets))
	resource := fmt.Sprintf("/articles/the-story-of-day-%d", article)
	return paywall.Purchase{
		Wallet: s.wallets[n%int64(len(s.wallets))],
		Offer: paywall.Offer{
			ID: paywall.NewID(), Site: "https://news.example", Resource: resource, URL: resource,
			Title: fmt.Sprintf("The story of day %d", article),
			Price: paywall.Money{Micros: 200_000, Currency: "EUR"}, ExpiresAt: time.Now().Add(time.Hour),
		},
		Refund: 30 * time.Minute,
	}
}

// BenchmarkUnlock sells to so many buyers at once, and compares with the
// ceiling: groups of the same size and bytes, appended to a file and synced.
func BenchmarkUnlock(b *testing.B) {
	for _, buyers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("buyers=%d", buyers), func(b *testing.B) {
			dir := b.TempDir()
			disk := &countingDisk{}
			o := testOptions(dir)
			o.Disk = disk
			s := openFor(b, o)
			defer closeFor(b, s)
			sh := newShop(b, s)
			sizeBefore, seqBefore := folderBytes(b, journalDir(dir)), s.journal.Head().Seq
			groups := disk.syncs.Load()
			b.ResetTimer()
			elapsed, took := sell(b, sh, buyers, b.N)
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			made := s.journal.Head().Seq - seqBefore
			perGroup := float64(made) / float64(disk.syncs.Load()-groups)
			line := float64(folderBytes(b, journalDir(dir))-sizeBefore) / float64(made)
			raw := rawAppends(b, int(line), max(1, int(perGroup+0.5)))
			b.ReportMetric(float64(made)/elapsed.Seconds(), "unlocks/s")
			b.ReportMetric(float64(made)/elapsed.Seconds()/raw, "of-raw")
			b.ReportMetric(perGroup, "per-sync")
			b.ReportMetric(line, "journal-B")
		})
	}
}

// countingDisk counts the syncs of segments.
type countingDisk struct {
	segment.OS
	syncs atomic.Int64
}

func (d *countingDisk) OpenFile(name string, flag int, perm fs.FileMode) (segment.File, error) {
	f, err := d.OS.OpenFile(name, flag, perm)
	return countingFile{f, d}, err
}

type countingFile struct {
	segment.File
	disk *countingDisk
}

func (f countingFile) Sync() error {
	f.disk.syncs.Add(1)
	return f.File.Sync()
}

// sell gives how long all purchases took together, and each of them.
func sell(b testing.TB, sh *shop, buyers, n int) (elapsed time.Duration, took []time.Duration) {
	b.Helper()
	took = make([]time.Duration, n)
	var next atomic.Int64
	start := time.Now()
	var done sync.WaitGroup
	for range buyers {
		done.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(n) {
					return
				}
				begun := time.Now()
				if _, err := sh.store.Unlock(context.Background(), sh.purchase()); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(begun)
			}
		})
	}
	done.Wait()
	return time.Since(start), took
}

// rawAppends is how many records a second a plain file takes in such groups.
func rawAppends(b *testing.B, bytes, perGroup int) float64 {
	b.Helper()
	f, err := segment.OS{}.OpenFile(filepath.Join(b.TempDir(), "raw"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	group := make([]byte, bytes*perGroup)
	start := time.Now()
	n := 0
	for ; time.Since(start) < 500*time.Millisecond; n++ {
		if _, err := f.Write(group); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n*perGroup) / time.Since(start).Seconds()
}

// BenchmarkDiskPerUnlock says what an unlock takes on disk, in journal and Badger,
// and of the journal when it is compressed.
func BenchmarkDiskPerUnlock(b *testing.B) {
	dir := b.TempDir()
	s, err := openKept(b.Context(), testOptions(dir))
	if err != nil {
		b.Fatal(err)
	}
	sh := newShop(b, s)
	n := max(b.N, 250_000)
	before := folderBytes(b, journalDir(dir))
	b.ResetTimer()
	sell(b, sh, 256, n)
	b.StopTimer()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	per := func(bytes int64) float64 { return float64(bytes) / float64(n) }
	written := folderBytes(b, journalDir(dir)) - before
	b.ReportMetric(per(written), "journal-B/unlock")
	b.ReportMetric(per(folderBytes(b, badgerDir(dir))), "badger-B/unlock")
	begin := time.Now()
	s, err = openKept(b.Context(), testOptions(dir))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Since(begin).Milliseconds()), "open-ms")
	begin = time.Now()
	if r, err := s.Verify(b.Context()); err != nil || !r.OK {
		b.Fatal(r, err)
	}
	b.ReportMetric(float64(time.Since(begin).Milliseconds()), "verify-ms")
	begin = time.Now()
	c, err := s.Compress(b.Context()) // what is closed: all but the last 64 MiB at most
	if err != nil || c.Segments == 0 {
		b.Fatal(c, err)
	}
	b.ReportMetric(float64(time.Since(begin).Milliseconds())/float64(c.Segments), "compress-ms/segment")
	b.ReportMetric(per(written)*float64(c.After)/float64(c.Before), "compressed-B/unlock")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func folderBytes(t testing.TB, dir string) (sum int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}
