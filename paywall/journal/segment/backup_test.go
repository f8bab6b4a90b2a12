package segment

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/journal/archive"
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

func noKeys(string, io.Reader) error { return errors.New("there are no keys") }

// staged restores a backup into a folder of its own.
func staged(t *testing.T, b []byte, base *Journal) (string, archive.Manifest, error) {
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
	plain := tar.NewReader(bytes.NewReader(b)) // an ordinary one
	for _, want := range []string{"journal/00000001.jsonl", "journal/00000002.jsonl"} {
		if h, err := plain.Next(); err != nil || h.Name != want {
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

// TestMembersInAnotherOrderAreRefused: the archive's sums are right, and its lines
// are no chain.
func TestMembersInAnotherOrderAreRefused(t *testing.T) {
	j := mustOpen(t, options(t.TempDir()))
	fill(t, j, 8)
	var contents [][]byte
	m, err := archive.Read(bytes.NewReader(backupOf(t, j, 0)), func(_ archive.Member, _ time.Time, content io.Reader) error {
		text, err := io.ReadAll(content)
		contents = append(contents, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	m.Members[0].Name, m.Members[1].Name = m.Members[1].Name, m.Members[0].Name
	var b bytes.Buffer
	w := archive.NewWriter(&b, m)
	for _, content := range contents {
		if err := w.Next(); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Read(bytes.NewReader(b.Bytes()), func(archive.Member, time.Time, io.Reader) error { return nil }); err != nil {
		t.Fatal(err)
	}
	dir, _, err := staged(t, b.Bytes(), nil)
	if err == nil {
		_, err = Inspect(dir)
	}
	if err == nil {
		t.Error("swapped members were restored")
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
	if _, ok := errors.AsType[*DamageError](err); !ok {
		t.Errorf("backing up damage: %v", err)
	}
	stop := errors.New("stop")
	if err := j.Backup(io.Discard, 0, nil, func() error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a backup that was stopped: %v", err)
	}
}
