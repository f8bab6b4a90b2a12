package vault

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// testOptions are of a folder that is not there yet.
func testOptions(t *testing.T) Options {
	t.Helper()
	dir := t.TempDir()
	return Options{
		Dir: filepath.Join(dir, "data"), Currency: "EUR", Marker: filepath.Join(dir, "config", "marker.json"),
		Logger: slog.New(slog.DiscardHandler),
	}
}

func open(t *testing.T, o Options) *Vault {
	t.Helper()
	v, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, v) })
	return v
}

func closed(t *testing.T, v *Vault) {
	t.Helper()
	if err := v.Close(); err != nil {
		t.Error(err)
	}
}

// used is a folder that a wallet was opened in, closed. It answers the ledger's id and
// the public keys.
func used(t *testing.T, o Options) (id, keys string) {
	t.Helper()
	v := open(t, o)
	wantOpen(t, v)
	l, _ := v.Ledger()
	id, keys = l.Info().Ledger, string(v.Ring().JWKS())
	closed(t, v)
	return id, keys
}

// wantOpen checks that changes are taken.
func wantOpen(t *testing.T, v *Vault) {
	t.Helper()
	l, err := v.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	hashes, _ := paywall.NewWalletKey().Hashes()
	if _, err := l.OpenWallet(t.Context(), hashes, paywall.Welcome{}); err != nil {
		t.Fatal(err)
	}
}

// wantClosed checks that the ledger is closed, why, and that these keys verify.
func wantClosed(t *testing.T, v *Vault, keys string, found ...string) {
	t.Helper()
	_, err := v.Ledger()
	if !errors.Is(err, paywall.ErrUnavailable) {
		t.Fatalf("the ledger is not closed: %v", err)
	}
	for _, want := range found {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if got := string(v.Ring().JWKS()); got != keys {
		t.Errorf("the keys are %s, want %s", got, keys)
	}
	if _, err := v.RotateKey(time.Now()); !errors.Is(err, paywall.ErrUnavailable) {
		t.Errorf("rotating the key of a closed ledger: %v", err)
	}
	if _, err := v.Compress(t.Context()); !errors.Is(err, paywall.ErrUnavailable) {
		t.Errorf("compressing a closed ledger: %v", err)
	}
}

func refresh(t *testing.T, v *Vault) {
	t.Helper()
	if err := v.Refresh(slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestALedgerAndItsKeysAreThereAfterReopening(t *testing.T) {
	o := testOptions(t)
	id, keys := used(t, o)
	again, same := used(t, o)
	if again != id || same != keys {
		t.Errorf("the ledger %s with %s became %s with %s", id, keys, again, same)
	}
	v := open(t, o)
	if _, err := v.Compress(t.Context()); err != nil {
		t.Error(err)
	}
	closed(t, v)
	l, err := v.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Stats(t.Context()); !errors.Is(err, paywall.ErrUnavailable) {
		t.Errorf("reading after Close: %v", err)
	}
	refresh(t, v)
	if _, err := l.Stats(t.Context()); !errors.Is(err, paywall.ErrUnavailable) {
		t.Errorf("a Refresh after Close opened the ledger: %v", err)
	}
}

// TestAnEmptyFolderIsNoFirstStart: the disk is not mounted, and comes back.
func TestAnEmptyFolderIsNoFirstStart(t *testing.T) {
	o := testOptions(t)
	id, keys := used(t, o)
	away := o.Dir + ".away"
	rename(t, o.Dir, away)
	v := open(t, o)
	wantClosed(t, v, keys, "the folder is empty", "mount it", o.Marker)
	refresh(t, v)
	wantClosed(t, v, keys, "the folder is empty")
	if entries, err := os.ReadDir(o.Dir); err != nil || len(entries) > 0 {
		t.Errorf("the empty folder was written to: %v, %v", entries, err)
	}
	if err := os.Remove(o.Dir); err != nil {
		t.Fatal(err)
	}
	rename(t, away, o.Dir)
	refresh(t, v)
	wantOpen(t, v)
	if l, _ := v.Ledger(); l.Info().Ledger != id {
		t.Error("another ledger was begun")
	}
	if _, err := v.RotateKey(time.Now()); err != nil {
		t.Errorf("the keys that came back do not sign: %v", err)
	}
}

func TestAnotherLedgerIsRefusedUntilTheMarkerIsRemoved(t *testing.T) {
	o, other := testOptions(t), testOptions(t)
	_, keys := used(t, o)
	theirs, _ := used(t, other)
	rename(t, o.Dir, o.Dir+".mine")
	rename(t, other.Dir, o.Dir)
	v := open(t, o)
	wantClosed(t, v, keys, "swapped", o.Marker)
	if err := os.Remove(o.Marker); err != nil {
		t.Fatal(err)
	}
	refresh(t, v)
	wantOpen(t, v)
	if l, _ := v.Ledger(); l.Info().Ledger != theirs {
		t.Error("it is not the ledger that is in the folder")
	}
}

// TestADamagedLedgerServesItsKeys: those in the folder, and without them the marker's.
func TestADamagedLedgerServesItsKeys(t *testing.T) {
	o := testOptions(t)
	_, keys := used(t, o)
	rename(t, filepath.Join(o.Dir, "journal"), filepath.Join(o.Dir, "elsewhere"))
	v := open(t, o)
	wantClosed(t, v, keys, "there is no journal", "put the journal folder back")
	closed(t, v)
	rename(t, filepath.Join(o.Dir, "keys"), filepath.Join(o.Dir, "no keys"))
	v = open(t, o)
	wantClosed(t, v, keys, "there is no journal")

	rename(t, filepath.Join(o.Dir, "no keys"), filepath.Join(o.Dir, "keys"))
	rename(t, filepath.Join(o.Dir, "elsewhere"), filepath.Join(o.Dir, "journal"))
	refresh(t, v)
	wantOpen(t, v)
}

// TestMistakesAreRefused: whoever starts the server is there to read why.
func TestMistakesAreRefused(t *testing.T) {
	o := testOptions(t)
	used(t, o)
	refused := func(what string, o Options, want string) {
		t.Helper()
		if v, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", what, v, err)
		}
	}
	v := open(t, o)
	refused("a folder in use", o, "another process is using this journal")
	closed(t, v)
	euros := o
	euros.Currency = "USD"
	refused("another currency", euros, "EUR")
	inFile := o
	inFile.Dir = filepath.Join(o.Marker, "in-a-file")
	refused("a folder in a file", inFile, "cannot be used")

	pem, err := filepath.Glob(filepath.Join(o.Dir, "keys", "*.pem"))
	if err != nil || len(pem) != 1 {
		t.Fatal(pem, err)
	}
	whole, err := os.ReadFile(pem[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pem[0], whole[:40], 0o600); err != nil {
		t.Fatal(err)
	}
	refused("a damaged key", o, "restore it from the backup")
	if err := os.RemoveAll(filepath.Join(o.Dir, "keys")); err != nil {
		t.Fatal(err)
	}
	refused("lost keys", o, "there are no signing keys")
	if err := os.RemoveAll(filepath.Join(o.Dir, "journal")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(o.Marker); err != nil {
		t.Fatal(err)
	}
	refused("nothing left that could be served", o, "there is no journal")
}

// TestTheMarkerFollowsTheKeys: one that was made is in it, one that was taken away is not,
// and what it signed is over.
func TestTheMarkerFollowsTheKeys(t *testing.T) {
	o := testOptions(t)
	v := open(t, o)
	first, err := v.RotateKey(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	second, err := v.RotateKey(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	noted := func(kid string) bool {
		t.Helper()
		raw, err := os.ReadFile(o.Marker)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(raw, []byte(kid))
	}
	if !noted(first) || !noted(second) {
		t.Error("a new key is not in the marker")
	}
	if err := os.Remove(filepath.Join(o.Dir, "keys", first+".pem")); err != nil {
		t.Fatal(err)
	}
	refresh(t, v)
	if noted(first) || !noted(second) || bytes.Contains(v.Ring().JWKS(), []byte(first)) {
		t.Error("a key that was taken away still verifies")
	}
}

// TestAnUnreadableMarkerIsNoObstacle: it protects from one mistake more, and no more.
func TestAnUnreadableMarkerIsNoObstacle(t *testing.T) {
	o := testOptions(t)
	id, _ := used(t, o)
	if err := os.WriteFile(o.Marker, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	v := open(t, o)
	wantOpen(t, v)
	if m := v.readMarker(); m.Ledger != id || m.Folder != o.Dir {
		t.Errorf("the marker says %+v", m)
	}
}
