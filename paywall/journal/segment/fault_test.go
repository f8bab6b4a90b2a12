package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/tuppence/tuppence/paywall/journal"
)

// faultyDisk fails one call, counted from 1, and every truncation after it if
// the disk is dead.
type faultyDisk struct {
	OS
	calls  int
	failAt int
	err    error
	short  bool // a failing write writes half
	dead   bool
}

func (d *faultyDisk) fails() bool {
	d.calls++
	return d.calls == d.failAt || d.dead && d.failAt > 0 && d.calls > d.failAt
}

func (d *faultyDisk) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	if d.fails() {
		return nil, &os.PathError{Op: "open", Path: name, Err: d.err}
	}
	f, err := d.OS.OpenFile(name, flag, perm)
	return &faultyFile{f, d}, err
}

func (d *faultyDisk) SyncDir(dir string) error {
	if d.fails() {
		return d.err
	}
	return d.OS.SyncDir(dir)
}

type faultyFile struct {
	File
	disk *faultyDisk
}

func (f *faultyFile) Write(p []byte) (int, error) {
	if !f.disk.fails() {
		return f.File.Write(p)
	}
	n := 0
	if f.disk.short {
		n, _ = f.File.Write(p[:len(p)/2])
	}
	return n, f.disk.err
}

func (f *faultyFile) Sync() error {
	if f.disk.fails() {
		return f.disk.err
	}
	return f.File.Sync()
}

func (f *faultyFile) Truncate(size int64) error {
	if f.disk.fails() {
		return f.disk.err
	}
	return f.File.Truncate(size)
}

// TestAFailingDiskLosesNothingAcknowledgedAndKeepsNothingRefused fails each call
// to the disk in turn. Whatever was acknowledged is there when the journal is
// opened again, and what was refused is not.
func TestAFailingDiskLosesNothingAcknowledgedAndKeepsNothingRefused(t *testing.T) {
	for _, fault := range []faultyDisk{
		{err: syscall.ENOSPC}, {err: syscall.EIO}, {err: syscall.ENOSPC, short: true},
	} {
		for at := 1; ; at++ {
			dir := t.TempDir()
			disk := fault
			disk.failAt = at
			acknowledged, opened := failingRun(t, dir, &disk)
			if disk.calls < at {
				break // the run has no such call
			}
			if at > 200 {
				t.Fatal("the run does not end")
			}
			got := []string{}
			for _, line := range reopened(t, dir) {
				got = append(got, line.Unlock)
			}
			if opened && strings.Join(got, " ") != strings.Join(acknowledged, " ") {
				t.Errorf("%v (short %v) at call %d: acknowledged %q, found %q", fault.err, fault.short, at, acknowledged, got)
			}
		}
	}
}

// failingRun appends until something fails, and then tries to go on.
func failingRun(t *testing.T, dir string, disk *faultyDisk) (acknowledged []string, opened bool) {
	t.Helper()
	o := options(dir)
	o.Disk = disk
	j, err := Open(o)
	if err != nil {
		return nil, false
	}
	defer j.Close()
	failed := false
	for group := range 8 {
		var names []string
		for i := range 2 {
			r := sale(group*2 + i)
			if _, err = j.Stage(r); err != nil {
				break
			}
			names = append(names, r.Unlock)
		}
		if err == nil {
			err = j.Commit()
		}
		if err == nil {
			acknowledged = append(acknowledged, names...)
			if failed {
				t.Fatalf("at call %d: the journal went on after a failure", disk.failAt)
			}
			continue
		}
		failed = true
		if j.Broken() == nil {
			t.Fatalf("at call %d: %v, and the journal is not broken", disk.failAt, err)
		}
	}
	return acknowledged, true
}

func reopened(t *testing.T, dir string) (sales []journal.Record) {
	t.Helper()
	j, err := Open(options(dir))
	if err != nil {
		t.Fatalf("opening after a failure: %v", err)
	}
	defer j.Close()
	for line, err := range j.Lines(journal.Mark{}) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := line.Record(eur)
		if err != nil {
			t.Fatal(err)
		}
		if r.Unlock != "" {
			sales = append(sales, r)
		}
	}
	return sales
}

// TestADeadDiskLosesNothingAcknowledged cannot promise more: what was refused may
// have reached the disk, and a disk that takes no truncation keeps it.
func TestADeadDiskLosesNothingAcknowledged(t *testing.T) {
	for at := 1; at < 40; at++ {
		dir := t.TempDir()
		disk := faultyDisk{failAt: at, err: syscall.EIO, dead: true, short: true}
		acknowledged, _ := failingRun(t, dir, &disk)
		sales := reopened(t, dir)
		if len(sales) < len(acknowledged) || len(sales) > len(acknowledged)+2 {
			t.Errorf("at call %d: %d acknowledged, %d found", at, len(acknowledged), len(sales))
		}
		for i, name := range acknowledged {
			if sales[i].Unlock != name {
				t.Errorf("at call %d: record %d is %s, acknowledged was %s", at, i, sales[i].Unlock, name)
			}
		}
	}
}

func TestAFailureIsToldWithItsReason(t *testing.T) {
	disk := &faultyDisk{err: syscall.ENOSPC}
	o := options(t.TempDir())
	o.Disk = disk
	j := mustOpen(t, o)
	disk.failAt = disk.calls + 1
	if _, err := j.Stage(sale(1)); err != nil {
		t.Fatal(err)
	}
	if err := j.Commit(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk: %v", err)
	}
	if _, err := j.Stage(sale(2)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("after a full disk: %v", err)
	}
	if got := fmt.Sprint(j.Head().Seq); got != "1" {
		t.Errorf("the head is %s", got)
	}
}

// TestADiskThatFailsWhileATornRecordIsCutLosesNothing: it is refused, or opened,
// and everything before the torn record stays.
func TestADiskThatFailsWhileATornRecordIsCutLosesNothing(t *testing.T) {
	for at := 1; ; at++ {
		dir := t.TempDir()
		acknowledged, _ := failingRun(t, dir, &faultyDisk{})
		last, err := segments(dir)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(segmentPath(dir, last), os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(`{"seq":99,"time":"20`); err != nil {
			t.Fatal(err)
		}
		f.Close()
		disk := faultyDisk{failAt: at, err: syscall.EIO}
		o := options(dir)
		o.Disk = &disk
		if j, err := Open(o); err == nil {
			j.Close()
		} else if !errors.Is(err, syscall.EIO) {
			t.Errorf("at call %d: %v", at, err)
		}
		sales := reopened(t, dir)
		if len(sales) != len(acknowledged) {
			t.Errorf("at call %d: %d acknowledged, %d found", at, len(acknowledged), len(sales))
		}
		if disk.calls < at {
			break // opening has no such call
		}
	}
}
