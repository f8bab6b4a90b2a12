package badgerstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/token"
)

// fullFolder is a data folder with everything in it: a journal of many segments,
// Badger with tables and with a memtable's log, keys.
type fullFolder struct {
	ledger string
	clean  string // after a stop
	killed string // as a killed process leaves it
	want   map[string]string
	keys   string // the public ones
}

func buildFolder(t *testing.T) *fullFolder {
	t.Helper()
	o := testOptions(t.TempDir())
	o.SegmentBytes = 4 << 10
	s := open(t, o)
	settle(t, s)
	closed(t, s) // writes a table
	s = open(t, o)
	settle(t, s)
	ring := must[*token.Ring](t)(token.OpenRing(filepath.Join(o.Dir, "keys"), true))
	must[string](t)(ring.Rotate(time.Now()))
	f := &fullFolder{ledger: s.Store.Info().Ledger, clean: o.Dir, killed: t.TempDir(), want: contents(t, s), keys: string(ring.JWKS())}
	copyDir(t, o.Dir, f.killed)
	closed(t, s)
	return f
}

// options are for a copy of one of the folders.
func (f *fullFolder) options(t *testing.T, from string) Options {
	t.Helper()
	o := testOptions(filepath.Join(t.TempDir(), "data"))
	o.SegmentBytes, o.Ledger = 4<<10, f.ledger
	copyDir(t, from, o.Dir)
	keys := must[[]string](t)(filepath.Glob(filepath.Join(o.Dir, "keys", "*")))
	for _, name := range append(keys, filepath.Join(o.Dir, "keys")) {
		if err := os.Chmod(name, 0o700); err != nil { // CopyFS opens them to the world
			t.Fatal(err)
		}
	}
	return o
}

// proves opens a damaged copy: either everything is there, or it is refused in
// a way that keeps the readers served.
func (f *fullFolder) proves(t *testing.T, what string, o Options) (healed bool) {
	t.Helper()
	ring, err := token.OpenRing(filepath.Join(o.Dir, "keys"), false)
	if err != nil {
		return false
	}
	if got := string(ring.JWKS()); got != f.keys {
		t.Errorf("%s: the keys are %s, were %s", what, got, f.keys)
	}
	s, err := openKept(t.Context(), o)
	if err != nil {
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrAbsent) {
			t.Errorf("%s is not told as damage: %v", what, err)
		}
		if !strings.Contains(err.Error(), o.Dir) || !strings.Contains(err.Error(), "back") {
			t.Errorf("%s: the error does not say where, or what to do: %v", what, err)
		}
		return false
	}
	same(t, what, contents(t, s), f.want)
	verified(t, s)
	closed(t, s)
	return true
}
