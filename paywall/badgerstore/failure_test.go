package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/journal/segment"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/storetest"
)

// brokenDisk fails one call of a run.
type brokenDisk struct {
	segment.OS
	calls  atomic.Int64
	failAt int64
	err    error
	short  bool
	slow   chan struct{} // a sync waits for it
	waits  atomic.Int64  // syncs that did
}

func (d *brokenDisk) fails() bool { return d.calls.Add(1) == d.failAt }

func (d *brokenDisk) OpenFile(name string, flag int, perm fs.FileMode) (segment.File, error) {
	if d.fails() {
		return nil, &os.PathError{Op: "open", Path: name, Err: d.err}
	}
	f, err := d.OS.OpenFile(name, flag, perm)
	return &brokenFile{f, d}, err
}

func (d *brokenDisk) SyncDir(dir string) error {
	if d.fails() {
		return d.err
	}
	return d.OS.SyncDir(dir)
}

type brokenFile struct {
	segment.File
	disk *brokenDisk
}

func (f *brokenFile) Write(p []byte) (int, error) {
	if !f.disk.fails() {
		return f.File.Write(p)
	}
	n := 0
	if f.disk.short {
		n, _ = f.File.Write(p[:len(p)-1])
	}
	return n, f.disk.err
}

func (f *brokenFile) Sync() error {
	if f.disk.slow != nil {
		f.disk.waits.Add(1)
		<-f.disk.slow
	}
	if f.disk.fails() {
		return f.disk.err
	}
	return f.File.Sync()
}

// TestAFailingDiskTakesNoMoney runs a script with each call to the disk failing
// in turn: what was acknowledged is there afterwards, what was refused is not.
func TestAFailingDiskTakesNoMoney(t *testing.T) {
	for _, fault := range []*brokenDisk{{err: syscall.ENOSPC}, {err: syscall.EIO}, {err: syscall.ENOSPC, short: true}} {
		for at := int64(1); ; at++ {
			o := testOptions(t.TempDir())
			disk := &brokenDisk{failAt: at, err: fault.err, short: fault.short}
			o.Disk, o.SegmentBytes = disk, 1500
			keys := randomKeys(t)
			bought, cents := failingScript(t, o, keys)
			if disk.calls.Load() < at {
				break
			}
			o.Disk = nil
			s := open(t, o)
			verified(t, s)
			w, err := s.Wallet(t.Context(), keys.Key)
			if cents < 0 { // the wallet was never acknowledged
				if !errors.Is(err, paywall.ErrNoWallet) {
					t.Errorf("call %d: a refused wallet is there: %+v, %v", at, w, err)
				}
			} else if err != nil || w.Balance != euro(cents) {
				t.Errorf("call %d: the balance is %v, %v, want %d cents", at, w.Balance, err, cents)
			} else if all := must[[]paywall.Unlock](t)(storetest.History(t.Context(), s.Ledger, w.ID)); len(all) != bought {
				t.Errorf("call %d: %d purchases are there, %d were acknowledged", at, len(all), bought)
			}
			closed(t, s)
		}
	}
}

func failingScript(t *testing.T, o Options, keys paywall.KeyHashes) (bought int, cents int64) {
	t.Helper()
	s, err := openKept(t.Context(), o)
	if err != nil {
		return 0, -1
	}
	defer s.Close()
	w, err := s.OpenWallet(t.Context(), keys, paywall.Welcome{Amount: euro(500)})
	if err != nil {
		return 0, -1
	}
	cents = 500
	failed := false
	for n := range 8 {
		_, err := s.Unlock(t.Context(), paywall.Purchase{Wallet: w.ID, Offer: offer(fmt.Sprint("/", n)), Refund: time.Hour})
		if err == nil {
			bought++
			cents -= 20
		} else if !errors.Is(err, paywall.ErrUnavailable) {
			t.Errorf("a failing disk: %v", err)
		}
		if failed && err == nil {
			t.Error("a purchase was acknowledged after the journal had failed")
		}
		failed = failed || err != nil
		if got, err := s.Wallet(t.Context(), keys.Key); err != nil || got.Balance != euro(cents) {
			t.Errorf("while the disk fails the balance reads %v, %v, want %d cents", got.Balance, err, cents)
		}
	}
	return bought, cents
}

func TestSalesStopWhileTheDiskIsAlmostFullAndGoOnByThemselves(t *testing.T) {
	var free atomic.Uint64
	free.Store(1 << 40)
	o := testOptions(t.TempDir())
	o.free = func(string) (uint64, error) { return free.Load(), nil }
	s := open(t, o)
	keys := randomKeys(t)
	w := must[paywall.Wallet](t)(s.OpenWallet(t.Context(), keys, paywall.Welcome{Amount: euro(500)}))
	buy := func(n int) error {
		_, err := s.Unlock(t.Context(), paywall.Purchase{Wallet: w.ID, Offer: offer(fmt.Sprint("/", n))})
		return err
	}
	if err := buy(1); err != nil {
		t.Fatal(err)
	}
	free.Store(defaultReserve - 1)
	if err := buy(2); !errors.Is(err, paywall.ErrUnavailable) {
		t.Errorf("a purchase on a full disk: %v", err)
	}
	if err := s.Erase(t.Context(), w.ID); !errors.Is(err, paywall.ErrUnavailable) {
		t.Errorf("an erasure on a full disk: %v", err)
	}
	if _, err := s.Owned(t.Context(), keys.Key, "https://news.example", "/1"); err != nil {
		t.Errorf("reading on a full disk: %v", err)
	}
	verified(t, s)
	free.Store(defaultReserve)
	deadline := time.Now().Add(10 * time.Second)
	for err := buy(3); err != nil; err = buy(3) {
		if time.Now().After(deadline) {
			t.Fatalf("sales did not go on: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	closed(t, s)
	free.Store(1 << 20)
	if _, err := Open(t.Context(), o); err == nil {
		t.Error("a store was opened on a disk without room for Badger's files")
	}
}

func TestAClosedStoreAnswersUnavailable(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := open(t, testOptions(t.TempDir()))
	w := must[paywall.Wallet](t)(s.OpenWallet(t.Context(), randomKeys(t), paywall.Welcome{Amount: euro(500)}))
	ctx := t.Context()
	calls := map[string]func() error{
		"Wallet": func() error { _, err := s.Wallet(ctx, paywall.Hash{}); return err },
		"Unlock": func() error { _, err := s.Unlock(ctx, paywall.Purchase{Wallet: w.ID, Offer: offer("/x")}); return err },
		"Refund": func() error { _, err := s.Refund(ctx, w.ID, "x", 0); return err },
		"Redeem": func() error { _, err := s.Redeem(ctx, w.ID, paywall.Hash{}); return err },
		"Open": func() error {
			_, err := s.OpenWallet(ctx, paywall.KeyHashes{}, paywall.Welcome{Amount: euro(1)})
			return err
		},
		"AddKey":        func() error { _, err := s.AddKey(ctx, paywall.Hash{}, paywall.KeyHashes{}); return err },
		"Set":           func() error { return s.Set(ctx, w.ID, paywall.Settings{Budget: euro(1)}) },
		"Settings":      func() error { _, _, err := s.Settings(ctx, w.ID); return err },
		"Devices":       func() error { _, err := s.Devices(ctx, w.ID, paywall.Hash{}); return err },
		"Drop":          func() error { return s.Drop(ctx, w.ID, paywall.Drop{Except: paywall.Hash{1}}) },
		"AddGift":       func() error { return s.AddGift(ctx, w.ID, paywall.Gift{Unlock: "x", Readers: 1}) },
		"Gift":          func() error { _, err := s.Gift(ctx, paywall.Hash{}); return err },
		"Gifts":         func() error { _, err := s.Gifts(ctx, w.ID, 1); return err },
		"OpenGift":      func() error { _, err := s.OpenGift(ctx, w.ID, paywall.Hash{}); return err },
		"Admit":         func() error { _, err := s.Admit(ctx, w.ID, paywall.KeyHashes{}); return err },
		"SetPasskey":    func() error { return s.SetPasskey(ctx, w.ID, paywall.Passkey{ID: "xxxx", Data: "{}"}) },
		"RemovePasskey": func() error { return s.RemovePasskey(ctx, w.ID, "x") },
		"Passkey":       func() error { _, _, err := s.Passkey(ctx, "x"); return err },
		"Passkeys":      func() error { _, err := s.Passkeys(ctx, w.ID); return err },
		"Tip":           func() error { _, err := s.Tip(ctx, w.ID, paywall.Tip{ID: "x", Site: "x", Amount: euro(1)}); return err },
		"Shares":        func() error { _, err := s.Shares(ctx, w.ID, "x"); return err },
		"Tips":          func() error { _, err := s.Tips(ctx, w.ID, 1); return err },
		"WalletExport":  func() error { _, err := storetest.Export(ctx, s.Ledger, w.ID); return err },
		"Quote":         func() error { _, err := s.Quote(ctx, w.ID, offer("/x")); return err },
		"Erase":         func() error { return s.Erase(ctx, w.ID) },
		"Voucher":       func() error { return s.AddVouchers(ctx, []paywall.Voucher{{Amount: euro(1)}}) },
		"Owned":         func() error { _, err := s.Owned(ctx, paywall.Hash{}, "", ""); return err },
		"Unlocks":       func() error { _, _, err := s.Unlocks(ctx, w.ID, paywall.Page{Limit: 1}); return err },
		"Stats":         func() error { _, err := s.Stats(ctx); return err },
		"Verify":        func() error { _, err := s.Verify(ctx); return err },
		"Export":        func() error { return s.Export(ctx, discard{}) },
		"Backup":        func() error { return s.Backup(ctx, discard{}, paywall.BackupOptions{}) },
		"Compress": func() error {
			_, err := s.Compress(ctx)
			return err
		},
	}
	var running sync.WaitGroup
	stop := make(chan struct{})
	for name, call := range calls {
		running.Go(func() {
			for {
				if err := call(); paywall.ErrorCode(err) == paywall.CodeInternal && err != nil {
					t.Errorf("%s while the store closes: %v", name, err)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	closed(t, s)
	close(stop)
	running.Wait()
	for name, call := range calls {
		if err := call(); !errors.Is(err, paywall.ErrUnavailable) {
			t.Errorf("%s on a closed store: %v", name, err)
		}
	}
	if s.Revoked("x") {
		t.Error("a closed store revokes")
	}
	closed(t, s)
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// stuck is a store whose writer hangs in a sync until it is let go.
func stuck(t *testing.T) (s *kept, disk *brokenDisk, wallet string, release func()) {
	t.Helper()
	disk = &brokenDisk{}
	o := testOptions(t.TempDir())
	o.Disk = disk
	s = open(t, o)
	w := must[paywall.Wallet](t)(s.OpenWallet(t.Context(), randomKeys(t), paywall.Welcome{Amount: euro(1_000_000)}))
	closed(t, s)
	disk.slow = make(chan struct{})
	s = open(t, o)
	return s, disk, w.ID, sync.OnceFunc(func() { close(disk.slow) })
}

func TestACallerWhoLeavesTheQueueWasNeverServed(t *testing.T) {
	s, disk, wallet, release := stuck(t)
	defer release()
	buy := func(ctx context.Context, resource string) error {
		_, err := s.Unlock(ctx, paywall.Purchase{Wallet: wallet, Offer: offer(resource)})
		return err
	}
	submitted, leave := context.WithCancel(t.Context())
	first := make(chan error)
	go func() { first <- buy(submitted, "/submitted") }()
	waitFor(t, func() bool { return disk.waits.Load() > 0 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := buy(ctx, "/queued"); !errors.Is(err, paywall.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a caller who left the queue was told %v", err)
	}
	leave() // this one's change is on its way to the disk already
	if err := <-first; !errors.Is(err, context.Canceled) || errors.Is(err, paywall.ErrUnavailable) {
		t.Errorf("a caller who left after submitting was told %v", err)
	}
	release()
	if err := buy(t.Context(), "/next"); err != nil {
		t.Fatal(err)
	}
	var bought []string
	for _, u := range must[[]paywall.Unlock](t)(storetest.History(t.Context(), s.Ledger, wallet)) {
		bought = append(bought, u.Resource)
	}
	if fmt.Sprint(bought) != "[/next /submitted]" {
		t.Errorf("bought is %q", bought)
	}
	verified(t, s)
}

func TestAFullQueueIsUnavailable(t *testing.T) {
	s, _, wallet, release := stuck(t)
	defer release()
	var running sync.WaitGroup
	var refused atomic.Int64
	for i := range queueLength + 2*groupMembers {
		running.Go(func() {
			_, err := s.Unlock(t.Context(), paywall.Purchase{Wallet: wallet, Offer: offer(fmt.Sprint("/", i))})
			if errors.Is(err, paywall.ErrUnavailable) {
				refused.Add(1)
			} else if err != nil {
				t.Errorf("a purchase: %v", err)
			}
		})
	}
	waitFor(t, func() bool { return refused.Load() > 0 })
	release()
	running.Wait()
	all := must[[]paywall.Unlock](t)(storetest.History(t.Context(), s.Ledger, wallet))
	if int64(len(all))+refused.Load() != queueLength+2*groupMembers {
		t.Errorf("%d bought, %d refused", len(all), refused.Load())
	}
	verified(t, s)
}

func waitFor(t *testing.T, ready func() bool) {
	t.Helper()
	for range 1000 {
		if ready() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("it does not come to pass")
}

func TestAPanicInAChangeSpoilsNothingElse(t *testing.T) {
	s := open(t, testOptions(t.TempDir()))
	keys := randomKeys(t)
	w := must[paywall.Wallet](t)(s.OpenWallet(t.Context(), keys, paywall.Welcome{Amount: euro(500)}))
	err := s.Commit(t.Context(), ledger.Change{Run: func(tx *ledger.Tx) error {
		r := journal.Record{Wallet: w.ID, Key: paywall.Hash{1}, Code: paywall.Hash{2}}
		r.Kind = paywall.KindKey
		if err := tx.Append(&r); err != nil {
			return err
		}
		panic("in the middle")
	}})
	if err == nil {
		t.Error("a panic was acknowledged")
	}
	if _, err := s.Wallet(t.Context(), paywall.Hash{1}); !errors.Is(err, paywall.ErrNoWallet) {
		t.Errorf("half a change is there: %v", err)
	}
	if _, err := s.Unlock(t.Context(), paywall.Purchase{Wallet: w.ID, Offer: offer("/x")}); err != nil {
		t.Errorf("the next change: %v", err)
	}
	verified(t, s)
}

func TestAnotherCurrencyIsRefused(t *testing.T) {
	o := testOptions(t.TempDir())
	closed(t, open(t, o))
	o.Currency = "USD"
	if _, err := Open(t.Context(), o); err == nil {
		t.Error("a EUR ledger was opened as USD")
	}
	o.Currency = "XXX"
	if _, err := Open(t.Context(), o); err == nil {
		t.Error("a ledger was opened in no currency")
	}
}
