package badgerstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/journal/segment"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/storetest"
)

// powerDisk knows what a power cut takes: the bytes of each file, and the names,
// that were not synced.
type powerDisk struct {
	segment.OS
	mu    sync.Mutex
	left  int // calls until the power goes; 0: it stays
	off   bool
	files map[string]*powerFile
}

type powerFile struct {
	segment.File
	disk         *powerDisk
	size, synced int64
	named        bool // its name is on disk
}

func (d *powerDisk) cut() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left > 0 {
		d.left--
		d.off = d.left == 0
	}
	return d.off
}

var errPower = fmt.Errorf("the power is gone: %w", syscall.EIO)

func (d *powerDisk) OpenFile(name string, flag int, perm fs.FileMode) (segment.File, error) {
	if d.cut() {
		return nil, errPower
	}
	f, err := d.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p := &powerFile{File: f, disk: d, size: info.Size(), synced: info.Size(), named: flag&os.O_CREATE == 0}
	d.files[filepath.Base(name)] = p
	return p, nil
}

func (d *powerDisk) SyncDir(dir string) error {
	if d.cut() {
		return errPower
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files {
		f.named = true
	}
	return nil // really syncing would only take time
}

func (f *powerFile) Write(b []byte) (int, error) {
	gone := f.disk.cut()
	n, err := f.File.Write(b) // what of it survives is decided in fall
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.size += int64(n)
	if gone {
		return 0, errPower
	}
	return n, err
}

func (f *powerFile) Sync() error {
	if f.disk.cut() {
		return errPower
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.synced = f.size
	return nil
}

func (f *powerFile) Truncate(size int64) error {
	if f.disk.cut() {
		return errPower
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.size, f.synced = size, min(size, f.synced)
	return f.File.Truncate(size)
}

// fall leaves of a copy of the journal what a power cut leaves.
func (d *powerDisk) fall(dir string, dice func(int) int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, f := range d.files {
		path := filepath.Join(dir, name)
		if !f.named && dice(2) == 0 {
			if err := os.Remove(path); err != nil {
				return err
			}
			continue
		}
		if err := os.Truncate(path, f.synced+int64(dice(int(f.size-f.synced)+1))); err != nil {
			return err
		}
	}
	return nil
}

// mortal is a store that dies and comes back.
type mortal struct {
	kept  *kept
	t     *testing.T
	o     Options
	disk  *powerDisk
	older string // the folder at the last death: what was never synced may be as old
}

func newMortal(t *testing.T, now func() time.Time) *mortal {
	m := &mortal{t: t, o: testOptions(filepath.Join(t.TempDir(), "0"))}
	m.o.Now, m.o.SegmentBytes = now, 2<<10
	m.begin()
	return m
}

func (m *mortal) begin() {
	m.t.Helper()
	m.disk = &powerDisk{files: map[string]*powerFile{}}
	m.o.Disk = m.disk
	s, err := openKept(m.t.Context(), m.o)
	if err != nil {
		m.t.Fatalf("opening after a crash: %v", err)
	}
	m.kept = s
}

func (m *mortal) Ledger() *ledger.Ledger { return m.kept.Ledger }

func (m *mortal) CutPowerSoon(step int) {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.disk.left = step
}

// Revive copies what stands in the files of the open store, which is what a kill
// leaves, takes from the copy what a power cut would, and opens it.
func (m *mortal) Revive(dice func(int) int) {
	m.t.Helper()
	left := filepath.Join(m.t.TempDir(), "data")
	copyDir(m.t, m.o.Dir, left)
	if err := m.kept.Close(); err != nil && !errors.Is(err, errPower) {
		m.t.Fatal(err)
	}
	if powerCut := m.disk.off || dice(2) == 0; powerCut {
		if err := m.disk.fall(journalDir(left), dice); err != nil {
			m.t.Fatal(err)
		}
		m.age(left, dice(3))
	}
	if m.older != "" {
		if err := os.RemoveAll(m.older); err != nil {
			m.t.Fatal(err)
		}
	}
	m.older, m.o.Dir = m.o.Dir, left
	m.begin()
}

// age makes Badger and the head as old as they may be after a power cut.
func (m *mortal) age(dir string, how int) {
	m.t.Helper()
	if how == 0 {
		return // as they were
	}
	err := errors.Join(os.RemoveAll(badgerDir(dir)), os.RemoveAll(filepath.Join(dir, "head")))
	if err != nil {
		m.t.Fatal(err)
	}
	if how == 1 || m.older == "" {
		return // they never reached the disk
	}
	copyDir(m.t, badgerDir(m.older), badgerDir(dir))
	head, err := os.ReadFile(filepath.Join(m.older, "head"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "head"), head, 0o600)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// TestCrashes is the model with crashes in between.
func TestCrashes(t *testing.T) {
	storetest.Crashes(t, often(15, 300), func(t *testing.T, now func() time.Time) storetest.Mortal { return newMortal(t, now) })
}
