package badgerstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// TestVerifyingAFolderChangesNothingInIt does it to a folder in each state, and
// says what the next start would do about that state.
func TestVerifyingAFolderChangesNothingInIt(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	o := testOptions(t.TempDir())
	s := open(t, o)
	settle(t, s)
	closed(t, s)
	older := filepath.Join(t.TempDir(), "badger")
	copyDir(t, badgerDir(o.Dir), older)
	s = open(t, o)
	settle(t, s)
	killed := t.TempDir()
	copyDir(t, o.Dir, killed)
	head := s.journal.Head()
	closed(t, s)
	last := func(dir string) string { return filepath.Join(journalDir(dir), "00000001.jsonl") }
	table := func(dir string) string {
		return must[[]string](t)(filepath.Glob(filepath.Join(badgerDir(dir), "*.sst")))[0]
	}
	for name, c := range map[string]struct {
		from    string
		change  func(dir string) error
		note    string
		problem string
	}{
		"clean":  {from: o.Dir},
		"killed": {from: killed, note: "Badger lacks the last"},
		"torn": {from: o.Dir, note: "bytes of a record that was never acknowledged", change: func(dir string) error {
			f := must[*os.File](t)(os.OpenFile(last(dir), os.O_APPEND|os.O_WRONLY, 0))
			_, err := f.WriteString(`{"seq":`)
			return errors.Join(err, f.Close())
		}},
		"without Badger": {from: o.Dir, note: "there is no Badger", change: func(dir string) error { return os.RemoveAll(badgerDir(dir)) }},
		"Badger behind": {from: o.Dir, note: "Badger lacks the last", change: func(dir string) error {
			return errors.Join(os.RemoveAll(badgerDir(dir)), os.CopyFS(badgerDir(dir), os.DirFS(older)))
		}},
		"Badger damaged": {from: o.Dir, note: "Badger cannot be read", change: func(dir string) error {
			flipByte(t, table(dir), 100)
			return nil
		}},
		"journal damaged": {from: o.Dir, problem: "journal damaged", change: func(dir string) error {
			flipByte(t, last(dir), 3000)
			return nil
		}},
		"journal cut": {from: o.Dir, problem: "records are missing", change: func(dir string) error {
			_, offset, _ := head.Ref.Words()
			return os.Truncate(last(dir), int64(offset))
		}},
		"journal empty": {from: o.Dir, problem: "no whole record", change: func(dir string) error { return os.Truncate(last(dir), 0) }},
	} {
		dir := t.TempDir()
		copyDir(t, c.from, dir)
		if c.change != nil {
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
		}
		before := folderState(t, dir)
		report := must[paywall.Report](t)(VerifyDir(t.Context(), dir))
		if folderState(t, dir) != before {
			t.Errorf("%s: the folder has changed", name)
		}
		if report.OK != (c.problem == "") || !strings.Contains(strings.Join(report.Problems, "\n"), c.problem) {
			t.Errorf("%s: the report is %+v", name, report)
		}
		if notes := strings.Join(report.Notes, "\n"); (notes == "") != (c.note == "") || !strings.Contains(notes, c.note) {
			t.Errorf("%s: the notes are %q", name, notes)
		}
		if report.OK && (report.Seq != head.Seq || report.Head != head.Hash.String()) {
			t.Errorf("%s: the report ends with %d, want %d", name, report.Seq, head.Seq)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "tuppence-verify-*")); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

func TestVerifyingNothingIsAnError(t *testing.T) {
	for name, dir := range map[string]string{"missing": filepath.Join(t.TempDir(), "no"), "empty": t.TempDir()} {
		if _, err := VerifyDir(t.Context(), dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a folder that is %s: %v", name, err)
		}
	}
	s := open(t, testOptions(t.TempDir()))
	_, err := VerifyDir(t.Context(), s.o.Dir)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "while the server runs") {
		t.Errorf("a running server's folder: %v", err)
	}
}

// TestACompressedFolderIsOpenedAndVerified, and compressed only while no server has it.
func TestACompressedFolderIsOpenedAndVerified(t *testing.T) {
	o := testOptions(t.TempDir())
	o.SegmentBytes = 4 << 10
	s := open(t, o)
	settle(t, s)
	if _, err := CompressDir(t.Context(), o.Dir, func(int, int) {}); !errors.Is(err, ErrInUse) {
		t.Errorf("a running server's folder was compressed: %v", err)
	}
	want := contents(t, s)
	closed(t, s)
	steps := 0
	done, err := CompressDir(t.Context(), o.Dir, func(done, of int) {
		if steps++; done != steps || of < done {
			t.Errorf("%d of %d are done", done, of)
		}
	})
	if err != nil || done.Segments < 2 || done.Segments != steps {
		t.Fatalf("%+v, %v", done, err)
	}
	same(t, "compressed", provedDir(t, o.Dir), want)
	if err := os.RemoveAll(badgerDir(o.Dir)); err != nil {
		t.Fatal(err)
	}
	same(t, "rebuilt from compressed segments", provedDir(t, o.Dir), want)
	s = open(t, o)
	settle(t, s)
	must[paywall.Stats](t)(s.Stats(t.Context()))
	verified(t, s)
}
