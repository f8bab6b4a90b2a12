package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/storetest"
)

// smallDisk mounts a disk of so many bytes. Only a real one shows what Badger's
// mapped files do when it is full: a fault, which ends the process.
func smallDisk(t *testing.T, bytes int) string {
	t.Helper()
	notShort(t, "root")
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", bytes)); err != nil {
		t.Fatalf("mounting a small disk: %v (this needs root, in a container CAP_SYS_ADMIN)", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillDisk writes until the disk has no more than so much left, at about 100 MB a
// second: to the reserve of these tests that is what 600 MB a second are to the
// default one. What was checked before the reserve was touched is written by then.
func fillDisk(name string, leave uint64) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for {
		free, err := freeSpace(filepath.Dir(name))
		if err != nil || free <= leave {
			return err
		}
		time.Sleep(500 * time.Microsecond)
		_, err = f.Write(block[:min(uint64(len(block)), free-leave)])
		if errors.Is(err, syscall.ENOSPC) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

const fullDir = "TUPPENCE_FULL_DIR"

func init() { roles[fullDir] = runOnAFullDisk }

// runOnAFullDisk is a shop whose disk is filled up under it, emptied, and filled
// up again before it closes. It says what it sold.
func runOnAFullDisk(dir string) error {
	o := testOptions(filepath.Join(dir, "data"))
	o.free, o.Reserve = nil, 40<<20
	s, err := openKept(context.Background(), o)
	if err != nil {
		return err
	}
	keys, _ := paywall.NewWalletKey().Hashes()
	w, err := s.OpenWallet(context.Background(), keys, paywall.Welcome{Amount: euro(1_000_000_000)})
	if err != nil {
		return err
	}
	fmt.Println("wallet", w.ID)
	var sold, refused, wrong atomic.Int64
	var buyers sync.WaitGroup
	stop := make(chan struct{})
	for b := range 8 {
		buyers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				p := paywall.Purchase{Wallet: w.ID, Offer: offer(fmt.Sprintf("/articles/%d/%d", b, n)), Refund: time.Hour}
				r, err := s.Unlock(context.Background(), p)
				switch {
				case err == nil:
					fmt.Println("bought", r.Unlock.ID)
					sold.Add(1)
				case errors.Is(err, paywall.ErrUnavailable):
					refused.Add(1)
					time.Sleep(time.Millisecond)
				default:
					fmt.Fprintln(os.Stderr, err)
					wrong.Add(1)
				}
				if _, err := s.Wallet(context.Background(), keys.Key); err != nil {
					fmt.Fprintln(os.Stderr, "reading:", err)
					wrong.Add(1)
				}
			}
		})
	}
	grows := func(what string, n *atomic.Int64) error {
		for before, i := n.Load(), 0; i < 1000; i++ {
			if n.Load() > before+10 {
				return nil
			}
			time.Sleep(10 * time.Millisecond)
		}
		return errors.New("nothing is " + what)
	}
	junk := filepath.Join(dir, "junk")
	err = errors.Join(
		grows("sold", &sold),
		fillDisk(junk, 0), grows("refused", &refused),
		os.Remove(junk), grows("sold after there was room again", &sold),
		fillDisk(junk, 0), grows("refused", &refused),
	)
	close(stop)
	buyers.Wait()
	if wrong.Load() > 0 {
		err = errors.Join(err, fmt.Errorf("%d calls went wrong", wrong.Load()))
	}
	return errors.Join(err, s.Store.Info().Failure, s.Close())
}

// TestAFullDiskStopsSalesAndNothingElse runs a shop on a real small disk, which
// others fill up, and starts on the full disk.
func TestAFullDiskStopsSalesAndNothingElse(t *testing.T) {
	dir := smallDisk(t, 160<<20)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), fullDir+"="+dir)
	var stderr strings.Builder
	child.Stderr = &stderr
	said, err := child.Output()
	if err != nil {
		t.Fatalf("a shop on a full disk: %v\n%s", err, stderr.String())
	}
	o := testOptions(filepath.Join(dir, "data"))
	o.free, o.Reserve = nil, 40<<20
	for range 3 {
		if _, err := Open(t.Context(), o); !errors.Is(err, ErrNoSpace) || !strings.Contains(err.Error(), "make room") {
			t.Errorf("opening on a full disk: %v", err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "junk")); err != nil {
		t.Fatal(err)
	}
	s := open(t, o)
	verified(t, s)
	have := map[string]bool{}
	bought := 0
	for _, line := range strings.Split(strings.TrimSpace(string(said)), "\n") {
		what, id, _ := strings.Cut(line, " ")
		if what == "wallet" {
			for _, u := range must[[]paywall.Unlock](t)(storetest.History(t.Context(), s.Ledger, id)) {
				have[u.ID] = true
			}
			continue
		}
		if bought++; !have[id] {
			t.Errorf("lost: %s", line)
		}
	}
	if bought != len(have) {
		t.Errorf("%d purchases were acknowledged, %d are there", bought, len(have))
	}
	t.Logf("%d purchases around a full disk, all there", bought)
}

// TestRebuildingOnASmallDiskEndsWithAnErrorNotAFault starts without Badger on
// disks with ever more room: it is opened or refused, and the process lives.
func TestRebuildingOnASmallDiskEndsWithAnErrorNotAFault(t *testing.T) {
	o := testOptions(t.TempDir())
	s := open(t, o)
	w := must[paywall.Wallet](t)(s.OpenWallet(t.Context(), randomKeys(t), paywall.Welcome{Amount: euro(10_000_000)}))
	buyMany(t, s, w.ID, 20_000)
	closed(t, s)
	opened, refused := 0, 0
	for mb := 8; mb <= 64; mb += 4 {
		dir := smallDisk(t, mb<<20)
		at := testOptions(filepath.Join(dir, "data"))
		at.free = nil
		if err := os.CopyFS(journalDir(at.Dir), os.DirFS(journalDir(o.Dir))); errors.Is(err, syscall.ENOSPC) {
			continue
		} else if err != nil && !errors.Is(err, fs.ErrExist) {
			t.Fatal(err)
		}
		s, err := openKept(t.Context(), at)
		if err != nil {
			if !errors.Is(err, ErrNoSpace) {
				t.Errorf("%d MB: %v", mb, err)
			}
			refused++
			continue
		}
		opened++
		verified(t, s)
		closed(t, s)
	}
	if opened == 0 || refused == 0 {
		t.Errorf("%d opened, %d refused: the disks were not small", opened, refused)
	}
}
