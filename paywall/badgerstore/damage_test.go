package badgerstore

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestDamageIsRefusedOrHealedAndNeverSilentlyLess flips bytes all over the
// folder of a clean stop and of a killed process.
func TestDamageIsRefusedOrHealedAndNeverSilentlyLess(t *testing.T) {
	clean := testOptions(t.TempDir())
	s := open(t, clean)
	settle(t, s)
	killed := t.TempDir() // what a killed process leaves: files as they stand
	copyDir(t, clean.Dir, killed)
	want := contents(t, s)
	closed(t, s)
	random := rand.New(rand.NewPCG(1, 2))
	healed, refused := 0, 0
	for _, from := range []string{clean.Dir, killed} {
		names, _ := filepath.Glob(filepath.Join(from, "*", "*"))
		for _, name := range names {
			size := must[os.FileInfo](t)(os.Stat(name)).Size()
			for range 6 {
				if size == 0 {
					continue
				}
				o := testOptions(filepath.Join(t.TempDir(), "data"))
				copyDir(t, from, o.Dir)
				rel, _ := filepath.Rel(from, name)
				at := random.Int64N(min(size, 60_000))
				flipByte(t, filepath.Join(o.Dir, rel), at)
				s, err := Open(t.Context(), o)
				if err != nil {
					refused++
					continue
				}
				same(t, fmt.Sprintf("%s with byte %d flipped", rel, at), contents(t, s), want)
				verified(t, s)
				closed(t, s)
				healed++
			}
		}
	}
	if healed == 0 || refused == 0 {
		t.Errorf("%d healed, %d refused: the damage did not reach anything", healed, refused)
	}
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
	s = open(t, o)
	w := settle(t, s)
	head := s.journal.Head()
	closed(t, s)
	// The machine lost power while it wrote the last record: Badger, never synced,
	// is older still.
	if err := os.RemoveAll(badgerDir(o.Dir)); err != nil {
		t.Fatal(err)
	}
	copyDir(t, badgerThen, badgerDir(o.Dir))
	segment := filepath.Join(journalDir(o.Dir), fmt.Sprintf("%08d.jsonl", head.Ptr.Segment))
	if err := os.Truncate(segment, int64(head.Ptr.Offset+head.Ptr.Length/2)); err != nil {
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
