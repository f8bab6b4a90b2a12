package journal

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func goOn() error { return nil }

func backupOf(t *testing.T, j *Journal, since uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	var told int64
	if err := j.Backup(&b, since, func(n int64) { told = n }, goOn); err != nil {
		t.Fatal(err)
	}
	if told != int64(b.Len()) {
		t.Errorf("the backup has %d bytes, %d were told", b.Len(), told)
	}
	return b.Bytes()
}

func skip(Member, time.Time, io.Reader) error { return nil }

func noKeys(string, io.Reader) error { return errors.New("there are no keys") }

// staged restores a backup into a folder of its own.
func staged(t *testing.T, b []byte, base *Journal) (string, Manifest, error) {
	t.Helper()
	dir := t.TempDir()
	m, err := StageBackup(bytes.NewReader(b), base, dir, noKeys)
	return dir, m, err
}

func mustInspect(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Inspect(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func TestABackupIsTheJournal(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	fill(t, j, 20)
	b := backupOf(t, j, 0)
	want := records(t, dir)
	at := j.Head()
	fill(t, j, 5) // after it
	to, m, err := staged(t, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := records(t, to); strings.Join(got, "") != strings.Join(want, "") {
		t.Errorf("%d records came back, want %d", len(got), len(want))
	}
	if !m.Complete() || m.First != 1 || m.Seq != at.Seq || m.Head != at.Hash.String() || m.Records != at.Seq ||
		m.Currency != eur || m.Ledger != j.Ledger() || m.Ledger == "" || m.Keys() {
		t.Errorf("the manifest is %+v", m)
	}
	archive := tar.NewReader(bytes.NewReader(b)) // an ordinary one
	for _, want := range []string{"journal/00000001.jsonl", "journal/00000002.jsonl"} {
		if h, err := archive.Next(); err != nil || h.Name != want {
			t.Errorf("tar finds %v, %v, want %s", h, err, want)
		}
	}
}

// TestCompressedSegmentsAreBackedUpAsTheyWere: a backup of the same journal is the
// same, in whatever form its segments are.
func TestCompressedSegmentsAreBackedUpAsTheyWere(t *testing.T) {
	j := mustOpen(t, options(t.TempDir()))
	fill(t, j, 20)
	for _, since := range []uint64{0, 1, 3, 4, 12, 20, 21} {
		plain := backupOf(t, j, since)
		compress(t, j)
		if !bytes.Equal(backupOf(t, j, since), plain) {
			t.Errorf("since %d: another backup", since)
		}
	}
}

// TestEveryFlippedBitAndEveryCutOfABackupIsFound damages a backup everywhere.
func TestEveryFlippedBitAndEveryCutOfABackupIsFound(t *testing.T) {
	j := mustOpen(t, options(t.TempDir()))
	fill(t, j, 8)
	b := backupOf(t, j, 0)
	refused := func(what string, damaged []byte) {
		if _, err := readBackup(bytes.NewReader(damaged), skip); !errors.Is(err, ErrBackup) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for i := range b {
		for bit := range 8 {
			damaged := bytes.Clone(b)
			damaged[i] ^= 1 << bit
			refused(fmt.Sprintf("bit %d of byte %d flipped", bit, i), damaged)
		}
		refused(fmt.Sprintf("cut after %d bytes", i), b[:i])
	}
	refused("a byte more", append(b[:len(b):len(b)], 0))
	refused("twice", append(b[:len(b):len(b)], b...))
	if _, err := readBackup(bytes.NewReader(b), skip); err != nil {
		t.Error(err)
	}
}

// rewritten makes a backup whose sums are right and whose contents are not.
func rewritten(t *testing.T, b []byte, change func(*backup, []string) []string) []byte {
	t.Helper()
	contents := map[string][]byte{}
	var order []string
	m, err := readBackup(bytes.NewReader(b), func(m Member, _ time.Time, content io.Reader) (err error) {
		order = append(order, m.Name)
		contents[m.Name], err = io.ReadAll(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	members := m.Members
	m.Members = nil
	w := newBackup(&out, m)
	for i, name := range change(w, order) {
		text, ok := contents[name]
		if !ok {
			text = contents[order[i]]
		}
		if err := w.copy(Member{Name: name, Bytes: int64(len(text))}, bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.manifest.Members) == 0 {
		w.manifest.Members = members
		w.done = len(members)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestABackupOfAnotherKindIsRefused(t *testing.T) {
	j := mustOpen(t, options(t.TempDir()))
	fill(t, j, 8)
	b := backupOf(t, j, 0)
	same := func(_ *backup, order []string) []string { return order }
	if _, err := readBackup(bytes.NewReader(rewritten(t, b, same)), skip); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*backup, []string) []string{
		"a newer version":       func(w *backup, order []string) []string { w.manifest.Format = 2; return order },
		"a path that leads out": func(_ *backup, order []string) []string { order[0] = "journal/../../etc"; return order },
		"a strange member":      func(_ *backup, order []string) []string { order[0] = "badger/MANIFEST"; return order },
		"wrong numbers":         func(w *backup, order []string) []string { w.manifest.Records++; return order },
		"nothing but words":     func(*backup, []string) []string { return nil },
	} {
		if _, err := readBackup(bytes.NewReader(rewritten(t, b, change)), skip); !errors.Is(err, ErrBackup) {
			t.Errorf("%s: %v", name, err)
		}
	}
	swapped := func(_ *backup, order []string) []string {
		order[0], order[1] = order[1], order[0]
		return order
	}
	dir, _, err := staged(t, rewritten(t, b, swapped), nil)
	if err == nil {
		_, err = Inspect(dir)
	}
	if err == nil {
		t.Error("swapped members were restored")
	}
	for name, content := range map[string][]byte{"nothing": nil, "zeros": make([]byte, 1<<16), "text": []byte(strings.Repeat("hello ", 3000))} {
		if _, err := readBackup(bytes.NewReader(content), skip); !errors.Is(err, ErrBackup) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACopyIsTheSameAndMayHaveTheKeys(t *testing.T) {
	j := mustOpen(t, options(t.TempDir()))
	fill(t, j, 8)
	for _, b := range [][]byte{backupOf(t, j, 0), backupOf(t, j, 4), backupOf(t, j, 9)} {
		var copied bytes.Buffer
		if _, err := CopyBackup(&copied, bytes.NewReader(b), nil); err != nil || !bytes.Equal(copied.Bytes(), b) {
			t.Errorf("the copy is different: %v", err)
		}
		copied.Reset()
		keys := map[string][]byte{"ring.json": []byte("{}"), "a_-9.pem": []byte("secret")}
		if _, err := CopyBackup(&copied, bytes.NewReader(b), keys); err != nil {
			t.Fatal(err)
		}
		m, err := readBackup(&copied, func(m Member, _ time.Time, content io.Reader) error {
			name, ok := m.key()
			if !ok {
				return nil
			}
			text, err := io.ReadAll(content)
			if !bytes.Equal(text, keys[name]) {
				t.Errorf("%s holds %q", name, text)
			}
			delete(keys, name)
			return err
		})
		if err != nil || len(keys) > 0 || !m.Keys() {
			t.Errorf("keys that are missing: %v, %v", keys, err)
		}
		if _, err := CopyBackup(io.Discard, bytes.NewReader(b[:len(b)-1]), nil); !errors.Is(err, ErrBackup) {
			t.Errorf("a cut one was copied: %v", err)
		}
		if _, err := CopyBackup(io.Discard, bytes.NewReader(b), map[string][]byte{"../x.pem": nil}); err == nil {
			t.Error("a key may have any name")
		}
	}
}

func TestABackupOfADamagedJournalEndsWithAnError(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, options(dir))
	fill(t, j, 20)
	content, _ := os.ReadFile(segmentPath(dir, 2))
	content[500] ^= 1
	if err := os.WriteFile(segmentPath(dir, 2), content, 0o600); err != nil {
		t.Fatal(err)
	}
	err := j.Backup(io.Discard, 0, nil, goOn)
	if _, ok := errors.AsType[*Damage](err); !ok {
		t.Errorf("backing up damage: %v", err)
	}
	stop := errors.New("stop")
	if err := j.Backup(io.Discard, 0, nil, func() error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a backup that was stopped: %v", err)
	}
}
