package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/badgerstore"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/memstore"
)

var errFull = fmt.Errorf("%w: make room", badgerstore.ErrNoSpace)

// fakeDisk is where a vault opens its engines, in memory; with fault it refuses.
type fakeDisk struct {
	mu       sync.Mutex
	fault    error
	full     error // of closing and opening
	openings int
	newest   *memstore.Store
	log      strings.Builder
}

func (d *fakeDisk) set(fault, full error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault, d.full = fault, full
}

// tried answers how often an engine was opened or refused.
func (d *fakeDisk) tried() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.openings
}

func (d *fakeDisk) open(context.Context, badgerstore.Options) (ledger.Engine, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.openings++
	if d.fault != nil {
		return nil, d.fault
	}
	var err error
	d.newest, err = memstore.New("EUR", nil)
	return d.newest, err
}

func (d *fakeDisk) room(string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.full
}

// options of a vault on the disk, whose keys are there from before.
func (d *fakeDisk) options(t *testing.T) (o Options, keys string) {
	o = testOptions(t)
	o.open, o.room = d.open, d.room
	_, keys = used(t, o)
	o.Logger = slog.New(slog.NewTextHandler(&d.log, nil))
	return o, keys
}

// wantSaid checks how often the log said that the ledger is closed.
func (d *fakeDisk) wantSaid(t *testing.T, times int, retry string) {
	t.Helper()
	if got := strings.Count(d.log.String(), "THE LEDGER IS CLOSED"); got != times || !strings.Contains(d.log.String(), retry) {
		t.Errorf("said %d times, want %d with %q:\n%s", got, times, retry, d.log.String())
	}
}

func TestAFullDiskComesBackByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(fakeDisk)
		o, keys := d.options(t)
		d.set(errFull, errFull)
		v := open(t, o)
		wantClosed(t, v, keys, "make room")
		time.Sleep(time.Minute)
		wantClosed(t, v, keys, "make room")
		d.wantSaid(t, 1, "by itself, every 5s")
		d.set(nil, nil)
		time.Sleep(retryEvery + time.Second)
		wantOpen(t, v)
		if string(v.Ring().JWKS()) != keys {
			t.Error("the keys changed")
		}
		d.wantSaid(t, 1, "")
		closed(t, v)
	})
}

// TestALedgerThatFailedForRoomIsOpenedAgain: it is read until there is room to close it.
func TestALedgerThatFailedForRoomIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(fakeDisk)
		o, keys := d.options(t)
		v := open(t, o)
		wantOpen(t, v)
		failed, _ := v.Ledger()
		ring := v.Ring()
		d.newest.Fail(errFull)
		d.set(errFull, errFull)
		time.Sleep(time.Minute)
		refresh(t, v)
		if l, err := v.Ledger(); err != nil || l != failed {
			t.Errorf("a ledger that failed is not read any more: %v", err)
		}
		if _, err := failed.Stats(t.Context()); err != nil {
			t.Error(err)
		}
		d.set(errFull, nil) // there was room to close it, not to open it
		time.Sleep(retryEvery + time.Second)
		wantClosed(t, v, keys, "make room")
		d.set(nil, nil)
		time.Sleep(retryEvery + time.Second)
		wantOpen(t, v)
		if _, err := failed.Stats(t.Context()); !errors.Is(err, paywall.ErrUnavailable) {
			t.Errorf("the one that failed was not closed: %v", err)
		}
		if v.Ring() != ring {
			t.Error("gates hold another ring than the one that rotates now")
		}
		closed(t, v)
	})
}

// TestADamagedLedgerWaitsForRefresh: nobody reads a journal through every five seconds.
func TestADamagedLedgerWaitsForRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(fakeDisk)
		o, keys := d.options(t)
		d.set(fmt.Errorf("%w: put the file back", badgerstore.ErrDamaged), nil)
		v := open(t, o)
		before := d.tried()
		time.Sleep(time.Hour)
		if now := d.tried(); now != before {
			t.Errorf("it was opened %d times by itself", now-before)
		}
		wantClosed(t, v, keys, "put the file back")
		d.wantSaid(t, 1, "at the next reload or restart")
		d.set(nil, nil)
		refresh(t, v)
		wantOpen(t, v)
		closed(t, v)
	})
}

// TestAMistakeClosesALedgerThatWasOpen: another process took the folder in between.
func TestAMistakeClosesALedgerThatWasOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(fakeDisk)
		o, keys := d.options(t)
		v := open(t, o)
		d.newest.Fail(errFull)
		d.set(badgerstore.ErrInUse, nil)
		if err := v.Refresh(o.Logger); !errors.Is(err, badgerstore.ErrInUse) {
			t.Errorf("refreshing: %v", err)
		}
		wantClosed(t, v, keys, badgerstore.ErrInUse.Error())
		d.set(nil, nil)
		refresh(t, v)
		wantOpen(t, v)
		closed(t, v)
	})
}

// TestAVaultThatIsClosedStaysSo: neither its watch nor a Refresh opens it again.
func TestAVaultThatIsClosedStaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(fakeDisk)
		o, keys := d.options(t)
		d.set(errFull, errFull)
		v := open(t, o)
		closed(t, v)
		d.set(nil, nil)
		time.Sleep(time.Minute)
		refresh(t, v)
		wantClosed(t, v, keys, "make room")
	})
}
