package bank_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tuppence/tuppence/paywall/topup/bank"
	"github.com/tuppence/tuppence/paywall/topup/bank/pretend"
)

// watched is a folder, and what was booked from it.
type watched struct {
	*bank.Folder
	t      *testing.T
	path   string
	booked []string // ids of movements
	fails  error
	log    bytes.Buffer
}

func watch(t *testing.T) *watched {
	w := &watched{t: t, path: t.TempDir()}
	w.Folder = bank.NewFolder(w.path, newWay(t), func(_ context.Context, s *bank.Statement) error {
		if w.fails != nil {
			return w.fails
		}
		for _, m := range s.Movements() {
			w.booked = append(w.booked, m.ID)
		}
		return nil
	}, slog.New(slog.NewTextHandler(&w.log, nil)))
	return w
}

// write makes a file of a time that the bubble's clock knows.
func (w *watched) write(name string, data []byte) {
	w.t.Helper()
	file := filepath.Join(w.path, name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chtimes(file, time.Now(), time.Now()); err != nil {
		w.t.Fatal(err)
	}
}

// look looks every second for a while, as the owner of a folder does.
func (w *watched) look(d time.Duration) {
	w.t.Helper()
	for range d / time.Second {
		if err := w.Look(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(time.Second)
	}
}

// files are those in the folder and below.
func (w *watched) files() []string {
	var files []string
	_ = filepath.WalkDir(w.path, func(path string, d os.DirEntry, _ error) error {
		if !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, w.path+"/"))
		}
		return nil
	})
	return files
}

func (w *watched) want(booked, files []string) {
	w.t.Helper()
	if !slices.Equal(w.booked, booked) || !slices.Equal(w.files(), files) {
		w.t.Errorf("booked %q, want %q; files %q, want %q; log:\n%s", w.booked, booked, w.files(), files, w.log.String())
	}
}

func file(t *testing.T, id string) []byte {
	return statement(pretend.Transferred(id, euros(t, "5"), today, reference(t, newIntent()))).XML()
}

// TestFileInTheFolderIsReadOnce and lands where its fate can be seen.
func TestFileInTheFolderIsReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.write("a.xml", file(t, "A"))
		w.write("B.XML", file(t, "B"))
		w.write("bad.xml", []byte("<html></html>"))
		w.write("person.xml", file(t, ""))
		w.write("notes.txt", []byte("not read"))
		w.write(".half.xml", file(t, "C"))
		if err := os.Symlink(filepath.Join(w.path, "a.xml"), filepath.Join(w.path, "link.xml")); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(w.path, "folder.xml"), 0o700); err != nil {
			t.Fatal(err)
		}
		w.look(20 * time.Second)
		left := []string{".half.xml"}
		w.want([]string{"B", "A"}, append(left, "check/person.xml", "done/B.XML", "done/a.xml", "link.xml", "notes.txt", "refused/bad.xml"))
		w.write("a.xml", file(t, "A2"))
		w.look(20 * time.Second)
		w.want([]string{"B", "A", "A2"}, append(left, "check/person.xml", "done/B.XML", "done/a.2.xml", "done/a.xml", "link.xml", "notes.txt", "refused/bad.xml"))
		for _, line := range []string{"a bank statement is read", "is refused", "a transfer needs a person", "AcctSvcrRef"} {
			if !strings.Contains(w.log.String(), line) {
				t.Errorf("the log does not say %q:\n%s", line, w.log.String())
			}
		}
		if strings.Contains(w.log.String(), "tried again") {
			t.Errorf("what is no file was opened:\n%s", w.log.String())
		}
	})
}

// TestFileThatIsStillWrittenIsLeftAlone until it did not change for five seconds.
func TestFileThatIsStillWrittenIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		whole := file(t, "A")
		for i := 1; i <= 4; i++ {
			w.write("a.xml", whole[:len(whole)*i/5])
			w.look(4 * time.Second)
		}
		w.want(nil, []string{"a.xml"})
		w.write("a.xml", whole)
		w.look(4 * time.Second)
		w.want(nil, []string{"a.xml"})
		w.look(4 * time.Second)
		w.want([]string{"A"}, []string{"done/a.xml"})
	})
}

// TestStatementStaysUntilItIsBooked: a ledger that is not open loses nothing.
func TestStatementStaysUntilItIsBooked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.fails = errors.New("purchases are not possible at the moment")
		w.write("a.xml", file(t, "A"))
		w.look(5 * time.Minute)
		w.want(nil, []string{"a.xml"})
		if n := strings.Count(w.log.String(), "tried again"); n < 4 || n > 6 {
			t.Errorf("tried %d times in five minutes:\n%s", n, w.log.String())
		}
		w.fails = nil
		w.look(2 * time.Minute)
		w.want([]string{"A"}, []string{"done/a.xml"})
	})
}

// TestFileThatCannotBeMovedIsBookedOnce, and the log says what to do.
func TestFileThatCannotBeMovedIsBookedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t)
		w.write("done", []byte("a file where the folder should be"))
		w.write("a.xml", file(t, "A"))
		w.look(5 * time.Minute)
		w.want([]string{"A"}, []string{"a.xml", "done"})
		if n := strings.Count(w.log.String(), "move the file yourself"); n != 1 {
			t.Errorf("said %d times:\n%s", n, w.log.String())
		}
	})
}

// TestMissingFolderIsNamed with what to do.
func TestMissingFolderIsNamed(t *testing.T) {
	f := bank.NewFolder(filepath.Join(t.TempDir(), "none"), newWay(t), nil, slog.New(slog.DiscardHandler))
	if err := f.Look(t.Context()); err == nil || !strings.Contains(err.Error(), "create it") || !strings.Contains(err.Error(), "none") {
		t.Errorf("%v", err)
	}
}
