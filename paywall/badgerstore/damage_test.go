package badgerstore

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamageIsRefusedOrHealedAndNeverSilentlyLess flips bytes and cuts files all
// over the folder of a clean stop and of a killed process.
func TestDamageIsRefusedOrHealedAndNeverSilentlyLess(t *testing.T) {
	h := buildFolder(t)
	random := rand.New(rand.NewPCG(1, uint64(os.Getpid())))
	healed, refused := 0, 0
	damage := func(n int, how string, hurt func(name string, size int64) int64) {
		for i := range n {
			from := []string{h.clean, h.killed}[i%2]
			name := anyFile(t, from, random)
			o := h.options(t, from)
			hurtName := filepath.Join(o.Dir, name)
			at := hurt(hurtName, must[os.FileInfo](t)(os.Stat(hurtName)).Size())
			if h.proves(t, fmt.Sprintf("%s %s at byte %d (killed: %v)", name, how, at, from == h.killed), o) {
				healed++
			} else {
				refused++
			}
			if err := os.RemoveAll(o.Dir); err != nil {
				t.Fatal(err)
			}
		}
	}
	damage(often(200, 2000), "flipped", func(name string, size int64) int64 {
		at := random.Int64N(min(size, 60_000)) // beyond, a file of that size is empty
		flipByte(t, name, at)
		return at
	})
	damage(often(100, 1000), "cut", func(name string, size int64) int64 {
		at := random.Int64N(size)
		if random.IntN(2) == 0 {
			at = size - 1 - random.Int64N(min(size, 500)) // the end is the likely place
		}
		if err := os.Truncate(name, at); err != nil {
			t.Fatal(err)
		}
		return at
	})
	if healed == 0 || refused == 0 {
		t.Errorf("%d healed, %d refused: the damage did not reach anything", healed, refused)
	}
	t.Logf("%d healed, %d refused, none silently less", healed, refused)
}

// anyFile picks a file that is not empty, each as likely as another.
func anyFile(t *testing.T, dir string, random *rand.Rand) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > 0 {
			rel, _ := filepath.Rel(dir, name)
			names = append(names, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names[random.IntN(len(names))]
}

// TestACutAtALinesEndIsNoticed takes whole records off the journal's end, after
// which it is sound in itself. After a kill Badger may know of none of them.
func TestACutAtALinesEndIsNoticed(t *testing.T) {
	h := buildFolder(t)
	for _, from := range []string{h.clean, h.killed} {
		for lines := 1; lines < 4; lines++ {
			o := h.options(t, from)
			if err := os.RemoveAll(badgerDir(o.Dir)); err != nil { // it is healed, and proves nothing then
				t.Fatal(err)
			}
			cutLines(t, o.Dir, lines)
			if h.proves(t, fmt.Sprintf("%d records cut off", lines), o) {
				t.Errorf("%d records were cut off and it was not noticed", lines)
			}
		}
	}
}

// cutLines takes whole lines off a journal's last segment, which goes with its
// last line.
func cutLines(t *testing.T, dir string, lines int) {
	t.Helper()
	for range lines {
		names := must[[]string](t)(filepath.Glob(filepath.Join(journalDir(dir), "*.jsonl")))
		last := names[len(names)-1]
		text := strings.TrimSuffix(string(must[[]byte](t)(os.ReadFile(last))), "\n")
		end := strings.LastIndex(text, "\n") + 1
		err := os.Truncate(last, int64(end))
		if end == 0 {
			err = os.Remove(last)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestMissingAndSwappedFilesAreRefused moves whole files and folders around.
func TestMissingAndSwappedFilesAreRefused(t *testing.T) {
	h, other := buildFolder(t), buildFolder(t)
	segment := func(dir string, n int) string { return filepath.Join(journalDir(dir), fmt.Sprintf("%08d.jsonl", n)) }
	swap := func(a, b string) error {
		return errors.Join(os.Rename(a, a+".x"), os.Rename(b, a), os.Rename(a+".x", b))
	}
	replace := func(dir string, parts ...string) (errs error) {
		for _, part := range parts {
			errs = errors.Join(errs, os.RemoveAll(filepath.Join(dir, part)),
				os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join(other.clean, part))))
		}
		return errs
	}
	count := len(must[[]string](t)(filepath.Glob(filepath.Join(journalDir(h.clean), "*.jsonl"))))
	cases := map[string]func(dir string) error{
		"two segments swapped": func(dir string) error { return swap(segment(dir, 2), segment(dir, 3)) },
		"another ledger's segment": func(dir string) error {
			return os.Rename(filepath.Join(copyOf(t, other.clean), "journal", "00000002.jsonl"), segment(dir, 2))
		},
		"the journal gone": func(dir string) error { return os.RemoveAll(journalDir(dir)) },
		"the journal and Badger gone": func(dir string) error {
			return errors.Join(os.RemoveAll(journalDir(dir)), os.RemoveAll(badgerDir(dir)))
		},
		"only the head left": func(dir string) error {
			return errors.Join(os.RemoveAll(journalDir(dir)), os.RemoveAll(badgerDir(dir)), os.RemoveAll(filepath.Join(dir, "keys")))
		},
		"all segments empty": func(dir string) error {
			return errors.Join(os.RemoveAll(journalDir(dir)), os.Mkdir(journalDir(dir), 0o700), os.WriteFile(segment(dir, 1), nil, 0o600))
		},
		"another ledger's journal":     func(dir string) error { return replace(dir, "journal") },
		"another ledger's Badger":      func(dir string) error { return replace(dir, "badger") },
		"another ledger's both":        func(dir string) error { return replace(dir, "journal", "badger") },
		"another folder":               func(dir string) error { return errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(other.clean))) },
		"an empty folder":              func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)) },
		"no folder":                    os.RemoveAll,
		"an older copy of the journal": func(dir string) error { cutLines(t, dir, 5); return os.RemoveAll(badgerDir(dir)) },
	}
	for n := 1; n <= count; n++ {
		cases[fmt.Sprintf("segment %d of %d missing", n, count)] = func(dir string) error { return os.Remove(segment(dir, n)) }
		cases[fmt.Sprintf("segment %d of %d empty", n, count)] = func(dir string) error { return os.Truncate(segment(dir, n), 0) }
	}
	for what, hurt := range cases {
		for _, from := range []string{h.clean, h.killed} {
			o := h.options(t, from)
			if err := hurt(o.Dir); err != nil {
				t.Fatal(what, err)
			}
			_, err := Open(t.Context(), o)
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrAbsent) {
				t.Errorf("%s (killed: %v): %v", what, from == h.killed, err)
			}
			if _, again := Open(t.Context(), o); fmt.Sprint(again) != fmt.Sprint(err) {
				t.Errorf("%s (killed: %v): first %v, then %v", what, from == h.killed, err, again)
			}
		}
	}
	for _, lost := range []string{"badger", "head"} {
		for _, from := range []string{h.clean, h.killed} {
			o := h.options(t, from)
			if err := os.RemoveAll(filepath.Join(o.Dir, lost)); err != nil {
				t.Fatal(err)
			}
			if !h.proves(t, lost+" missing", o) {
				t.Errorf("a missing %s is not healed", lost)
			}
		}
	}
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	copyDir(t, dir, to)
	return to
}

func flipByte(t testing.TB, name string, at int64) {
	t.Helper()
	f := must[*os.File](t)(os.OpenFile(name, os.O_RDWR, 0))
	defer f.Close()
	b := []byte{0}
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x20
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func TestATornJournalIsCutAndServed(t *testing.T) {
	o := testOptions(t.TempDir())
	s := open(t, o)
	closed(t, s)
	badgerThen := filepath.Join(t.TempDir(), "badger")
	copyDir(t, badgerDir(o.Dir), badgerThen)
	headThen := must[[]byte](t)(os.ReadFile(s.headPath()))
	s = open(t, o)
	w := settle(t, s)
	head := s.journal.Head()
	closed(t, s)
	// The machine lost power while it wrote the last record: Badger and the head,
	// never synced, are older still.
	if err := errors.Join(os.RemoveAll(badgerDir(o.Dir)), os.WriteFile(s.headPath(), headThen, 0o600)); err != nil {
		t.Fatal(err)
	}
	copyDir(t, badgerThen, badgerDir(o.Dir))
	segment, offset, length := head.Ref.Words()
	name := filepath.Join(journalDir(o.Dir), fmt.Sprintf("%08d.jsonl", segment))
	if err := os.Truncate(name, int64(offset+length/2)); err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	if got := verified(t, s); got.Seq != head.Seq-1 {
		t.Errorf("the journal ends with %d, want %d", got.Seq, head.Seq-1)
	}
	// The record that was torn off was an erasure: it is not done, and can be.
	if err := s.Erase(t.Context(), w.wallets[4]); err != nil {
		t.Error(err)
	}
	verified(t, s)
}
