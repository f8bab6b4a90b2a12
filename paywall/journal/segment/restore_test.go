package segment

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// TestIncrementalBackupsContinueEachOther restores a complete backup and what came
// after it, cut at every record, and forwards from plain and compressed segments.
func TestIncrementalBackupsContinueEachOther(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	var complete [][]byte
	for i := range 15 {
		appended(t, j, i, 1)
		complete = append(complete, backupOf(t, j, 0))
	}
	want := strings.Join(records(t, dir), "")
	for i, b := range complete {
		to, m, err := staged(t, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		base := mustInspect(t, to)
		for since := range m.Seq + 1 { // those that begin earlier overlap
			next := backupOf(t, j, since)
			if since == 0 {
				continue
			}
			merged, _, err := staged(t, next, base)
			if err != nil {
				t.Fatalf("backup %d, since %d: %v", i, since, err)
			}
			if got := strings.Join(records(t, merged), ""); got != want {
				t.Fatalf("backup %d, since %d: %d bytes, want %d", i, since, len(got), len(want))
			}
		}
		merged, _, err := staged(t, backupOf(t, j, m.Seq), base)
		if err != nil {
			t.Fatal(err)
		}
		if err := base.Advance(mustInspect(t, merged)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(records(t, to), ""); got != want {
			t.Errorf("backup %d went forward to %d bytes, want %d", i, len(got), len(want))
		}
		if err := base.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestARestoreThatBrokeOffIsSoundAndGoesOn stops Advance after each rename.
func TestARestoreThatBrokeOffIsSoundAndGoesOn(t *testing.T) {
	j := mustOpen(t, options(t.TempDir()))
	fill(t, j, 5)
	complete := backupOf(t, j, 0)
	since := j.Head().Seq
	appended(t, j, 5, 12)
	next := backupOf(t, j, since)
	broken := 0
	for at := 1; ; at++ {
		to, _, err := staged(t, complete, nil)
		if err != nil {
			t.Fatal(err)
		}
		base := mustInspect(t, to)
		merged, _, err := staged(t, next, base)
		if err != nil {
			t.Fatal(err)
		}
		base.o.Disk = &faultyDisk{failAt: at, err: errors.New("out of order")}
		err = base.Advance(mustInspect(t, merged))
		if err := base.Close(); err != nil {
			t.Fatal(err)
		}
		if err == nil {
			break
		}
		broken++
		base = mustInspect(t, to) // sound
		if merged, _, err = staged(t, next, base); err != nil {
			t.Fatal(err)
		}
		if err := base.Advance(mustInspect(t, merged)); err != nil {
			t.Fatal(err)
		}
		if err := base.Close(); err != nil {
			t.Fatal(err)
		}
		if head := mustInspect(t, to).Head(); head != j.Head() {
			t.Errorf("broken off at %d and done again it ends with %+v", at, head)
		}
	}
	if broken < 3 {
		t.Errorf("it broke off %d times", broken)
	}
}

func TestWhatDoesNotContinueAChainIsRefused(t *testing.T) {
	j, other := mustOpen(t, options(t.TempDir())), mustOpen(t, options(t.TempDir()))
	fill(t, j, 8)
	fill(t, other, 8)
	complete := backupOf(t, j, 0)
	appended(t, j, 8, 4)
	appended(t, other, 8, 4)
	to, _, err := staged(t, complete, nil)
	if err != nil {
		t.Fatal(err)
	}
	base := mustInspect(t, to)
	for name, c := range map[string]struct {
		base *Journal
		b    []byte
		want string
	}{
		"another ledger's":   {base, backupOf(t, other, 9), "continues another ledger"},
		"one too late":       {base, backupOf(t, j, 10), "restore what lies between"},
		"complete on a base": {base, complete, "there is a ledger already"},
		"nothing to go on":   {nil, backupOf(t, j, 9), "is an incremental backup"},
		"nothing new, alone": {nil, backupOf(t, j, 13), "is an incremental backup"},
	} {
		if _, _, err := staged(t, c.b, c.base); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := staged(t, backupOf(t, base, 5), j); err == nil || !strings.Contains(err.Error(), "is newer than the backup") {
		t.Errorf("an older one: %v", err)
	}
	err = j.Backup(io.Discard, 14, func(int64) { t.Error("it began") }, goOn)
	if paywall.ErrorCode(err) != paywall.CodeMalformed {
		t.Errorf("since the future: %v", err)
	}
}

func TestInspectChangesNothing(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	fill(t, j, 12)
	if _, err := Inspect(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("a journal that is open: %v", err)
	}
	head := j.Head()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	name := segmentPath(dir, spanOf(head.Ref).segment)
	f, _ := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	_, err := f.WriteString(`{"seq":14,"ti`)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(name)
	j = mustInspect(t, dir)
	if j.Head() != head || j.CutOff() != 13 || j.Currency() != eur || j.Ledger() == "" {
		t.Errorf("head %+v, cut %d, %s", j.Head(), j.CutOff(), j.Currency())
	}
	for seq := range head.Seq + 1 {
		if m, err := j.MarkAt(seq); err != nil || m.Seq != seq {
			t.Errorf("record %d is at %+v, %v", seq, m, err)
		}
	}
	if _, err := j.Stage(sale(1)); err == nil {
		t.Error("something was appended")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(name); !bytes.Equal(after, before) {
		t.Error("the torn record was cut off")
	}
	if _, err := Inspect(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}
