package badgerstore

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/journal/archive"
	"github.com/tuppence/tuppence/paywall/journal/segment"
	"github.com/tuppence/tuppence/paywall/token"
)

func backupOf(t testing.TB, s *kept, since uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Backup(t.Context(), &b, paywall.BackupOptions{Since: since}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func restored(t testing.TB, b []byte, dir string) archive.Manifest {
	t.Helper()
	return must[archive.Manifest](t)(Restore(t.Context(), bytes.NewReader(b), dir))
}

// folderState is everything about a folder that a person could notice.
func folderState(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info := must[fs.FileInfo](t)(d.Info())
		fmt.Fprintln(&b, path, info.Mode(), info.ModTime())
		if d.Type().IsRegular() {
			fmt.Fprintf(&b, "%x\n", sha256.Sum256(must[[]byte](t)(os.ReadFile(path))))
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return b.String()
}

func newDir(t testing.TB) string { return filepath.Join(t.TempDir(), "restored") }

// provedDir verifies a folder as it lies, then opens it, which builds Badger.
func provedDir(t testing.TB, dir string) map[string]string {
	t.Helper()
	if report := must[paywall.Report](t)(VerifyDir(t.Context(), dir)); !report.OK {
		t.Errorf("the folder does not verify: %+v", report)
	}
	s := open(t, testOptions(dir))
	verified(t, s)
	all := contents(t, s)
	closed(t, s)
	return all
}

// TestBackupsUnderLoadAreConsistent makes backups while readers buy, give back
// and erase, and the journal is compressed. Each is restored and proved, and has
// everything that was acknowledged before it began.
func TestBackupsUnderLoadAreConsistent(t *testing.T) {
	o := testOptions(t.TempDir())
	o.SegmentBytes = 64 << 10
	s := open(t, o)
	allowed := make(chan struct{}, 400) // for each backup, or the ledger would outgrow the test
	var buyers sync.WaitGroup
	defer buyers.Wait()
	defer close(allowed)
	for range 8 {
		buyers.Go(func() { buyAndGiveBack(t, s, allowed) })
	}
	n := often(6, 50)
	for i := range n {
		for len(allowed) < cap(allowed) {
			allowed <- struct{}{}
		}
		if i == n/2 {
			must[segment.Compressed](t)(s.Compress(t.Context()))
		}
		before := s.journal.Head().Seq
		b := backupOf(t, s, 0)
		dir := newDir(t)
		m := restored(t, b, dir)
		if m.Seq < before || m.Records != m.Seq {
			t.Errorf("a backup has %d records, %d were acknowledged before", m.Records, before)
		}
		provedDir(t, dir)
	}
	if segment, _, _ := s.journal.Head().Ref.Words(); segment < 3 {
		t.Error("that was no load")
	}
}

func buyAndGiveBack(t *testing.T, s *kept, allowed <-chan struct{}) {
	for n := 0; ; n++ {
		w, err := s.OpenWallet(t.Context(), randomKeys(t), paywall.Welcome{Amount: euro(1000)})
		for i := 0; i < 20 && err == nil; i++ {
			if _, more := <-allowed; !more {
				return
			}
			var r paywall.Receipt
			r, err = s.Unlock(t.Context(), paywall.Purchase{Wallet: w.ID, Offer: offer(fmt.Sprintf("/load/%d", i)), Refund: time.Hour})
			if err == nil && i%4 == 3 {
				_, err = s.Refund(t.Context(), w.ID, r.Unlock.ID, 0)
			}
		}
		if err == nil && n%4 == 3 {
			err = s.Erase(t.Context(), w.ID)
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
}

// TestARestoredLedgerIsTheSame goes a long way: a complete backup, incremental
// ones on top, a server on the restored folder in between.
func TestARestoredLedgerIsTheSame(t *testing.T) {
	o := testOptions(t.TempDir())
	o.SegmentBytes = 16 << 10
	s := open(t, o)
	dir := newDir(t)
	var since uint64
	for round := range 4 {
		settle(t, s)
		if round == 2 {
			must[segment.Compressed](t)(s.Compress(t.Context()))
		}
		m := restored(t, backupOf(t, s, since), dir)
		if m.First != since+1 || m.Seq != s.journal.Head().Seq {
			t.Errorf("round %d: since %d the manifest says %+v", round, since, m)
		}
		since = m.Seq
		if round != 1 {
			same(t, fmt.Sprint("round ", round), provedDir(t, dir), contents(t, s))
		}
	}
	before := folderState(t, dir)
	restored(t, backupOf(t, s, since), dir) // nothing new
	restored(t, backupOf(t, s, since-5), dir)
	if report := must[paywall.Report](t)(VerifyDir(t.Context(), dir)); !report.OK || len(report.Notes) > 0 || report.Seq != since {
		t.Errorf("after all: %+v", report)
	}
	if after := folderState(t, journalDir(dir)); !strings.Contains(before, after) {
		t.Error("a restore that brought nothing changed the journal")
	}
}

// TestDamagedBackupsAreRefusedAndTheTargetIsUntouched damages complete and
// incremental backups a hundred times.
func TestDamagedBackupsAreRefusedAndTheTargetIsUntouched(t *testing.T) {
	o := testOptions(t.TempDir())
	o.SegmentBytes = 16 << 10
	s := open(t, o)
	settle(t, s)
	complete := backupOf(t, s, 0)
	base := newDir(t)
	m := restored(t, complete, base)
	settle(t, s)
	next := backupOf(t, s, m.Seq)
	random := rand.New(rand.NewPCG(3, 11))
	empty, absent := t.TempDir(), filepath.Join(t.TempDir(), "absent")
	refuse := func(what string, b []byte, dir string) {
		t.Helper()
		before := folderState(t, dir)
		if _, err := Restore(t.Context(), bytes.NewReader(b), dir); !errors.Is(err, archive.ErrBackup) {
			t.Errorf("%s: %v", what, err)
		}
		if _, after, _ := strings.Cut(folderState(t, dir), "\n"); !strings.HasSuffix(before, after) { // the folder's own time has changed
			t.Errorf("%s: the target has changed", what)
		}
	}
	for i := range 100 {
		b, dir := complete, empty
		switch i % 3 {
		case 1:
			b, dir = complete, absent
		case 2:
			b, dir = next, base
		}
		switch i % 4 {
		case 0, 1:
			damaged := bytes.Clone(b)
			at := random.IntN(len(b))
			damaged[at] ^= 1 << random.IntN(8)
			refuse(fmt.Sprintf("byte %d flipped", at), damaged, dir)
		case 2:
			at := random.IntN(len(b))
			refuse(fmt.Sprintf("cut after %d bytes", at), b[:at], dir)
		case 3:
			at, from := random.IntN(len(b)/512)*512, random.IntN(len(b)/512)*512
			swapped := bytes.Clone(b)
			copy(swapped[at:at+512], b[from:from+512])
			copy(swapped[from:from+512], b[at:at+512])
			if !bytes.Equal(swapped, b) {
				refuse(fmt.Sprintf("blocks at %d and %d swapped", at, from), swapped, dir)
			}
		}
	}
	if _, err := os.Stat(absent); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a folder was made in vain")
	}
	restored(t, complete, empty)
	restored(t, complete, absent)
	restored(t, next, base)
	same(t, "after the damage", provedDir(t, base), contents(t, s))
}

func TestABackupGoesNowhereButIntoAnEmptyFolderOrOnItsOwnLedger(t *testing.T) {
	s := open(t, testOptions(t.TempDir()))
	settle(t, s)
	complete := backupOf(t, s, 0)
	since := s.journal.Head().Seq
	used, foreign, broken := newDir(t), newDir(t), t.TempDir()
	restored(t, complete, used)
	other := open(t, testOptions(newDir(t)))
	settle(t, other)
	restored(t, backupOf(t, other, 0), foreign)
	settle(t, s)
	next := backupOf(t, s, since)
	strange := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(strange, "thesis.txt"), nil, 0o600), os.Mkdir(filepath.Join(broken, ".restore-1"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		b    []byte
		dir  string
		want string
	}{
		"complete, on a ledger":          {complete, used, "there is a ledger already"},
		"complete, among other files":    {complete, strange, "thesis.txt"},
		"complete, on another ledger":    {complete, foreign, "there is a ledger already"},
		"into a running server's folder": {next, s.o.Dir, "another process"},
		"incremental, into nothing":      {next, newDir(t), "restore the one that it continues first"},
		"incremental, on another ledger": {next, foreign, "continues another ledger"},
		"after a restore was broken off": {complete, broken, "broken off"},
	} {
		before := folderState(t, c.dir)
		_, err := Restore(t.Context(), bytes.NewReader(c.b), c.dir)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, after, _ := strings.Cut(folderState(t, c.dir), "\n"); c.dir != s.o.Dir && !strings.HasSuffix(before, after) {
			t.Errorf("%s: the folder has changed", name)
		}
	}
	verified(t, s)
	mount := t.TempDir() // an empty disk
	if err := os.Mkdir(filepath.Join(mount, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	restored(t, complete, mount)
	if err := s.Backup(t.Context(), &bytes.Buffer{}, paywall.BackupOptions{Since: 1 << 40}); paywall.ErrorCode(err) != paywall.CodeMalformed {
		t.Errorf("since the future: %v", err)
	}
}

// TestALedgerThatDoesNotAddUpIsNotRestored: its hashes are right, its money is not.
func TestALedgerThatDoesNotAddUpIsNotRestored(t *testing.T) {
	j := must[*segment.Journal](t)(segment.Open(segment.Options{Dir: t.TempDir(), Currency: "EUR"}))
	defer j.Close()
	r := journal.Record{Wallet: paywall.NewID(), Key: paywall.Hash{1}, Code: paywall.Hash{2}}
	r.Kind, r.Time = paywall.KindOpen, time.Now()
	r.Legs = []paywall.Leg{{Account: paywall.WalletAccount(r.Wallet), Micros: 100}, {Account: paywall.AccountPromo, Micros: -99}}
	must[journal.Ref](t)(j.Stage(&r))
	var b bytes.Buffer
	if err := errors.Join(j.Commit(), j.Backup(&b, 0, nil, func() error { return nil })); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, err := Restore(t.Context(), &b, dir)
	if !errors.Is(err, archive.ErrBackup) || !strings.Contains(err.Error(), "sum to 1 millionths") {
		t.Errorf("restoring it: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("there is %s in the target", left[0])
	}
}

func TestKeysAreRestoredForTheirOwnerOnly(t *testing.T) {
	s := open(t, testOptions(t.TempDir()))
	settle(t, s)
	from := filepath.Join(t.TempDir(), "keys")
	ring := must[*token.Ring](t)(token.OpenRing(from, true))
	must[string](t)(ring.Rotate(time.Now()))
	keys := map[string][]byte{}
	for _, name := range must[[]string](t)(filepath.Glob(filepath.Join(from, "*"))) {
		keys[filepath.Base(name)] = must[[]byte](t)(os.ReadFile(name))
	}
	var b bytes.Buffer
	must[archive.Manifest](t)(archive.Copy(&b, bytes.NewReader(backupOf(t, s, 0)), keys))
	dir := newDir(t)
	if m := restored(t, b.Bytes(), dir); !m.Keys() {
		t.Error("the manifest knows of no keys")
	}
	again := must[*token.Ring](t)(token.OpenRing(filepath.Join(dir, "keys"), false)) // refuses what others can read
	if string(again.JWKS()) != string(ring.JWKS()) {
		t.Error("other keys came back")
	}
	if m := restored(t, backupOf(t, s, 0), newDir(t)); m.Keys() {
		t.Error("keys without being asked for")
	}
}
