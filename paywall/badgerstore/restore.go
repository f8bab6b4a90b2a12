package badgerstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tuppence/tuppence/paywall/journal/archive"
	"github.com/tuppence/tuppence/paywall/journal/segment"
)

// Restore puts a backup into a data folder that no server has open, and answers
// when it is there, whole, on disk and proved.
//
// A complete backup goes into a folder that is empty or does not exist. An
// incremental one goes on top of a folder whose ledger it continues: it must
// begin at or before the folder's last record, and that record must be in its
// chain. What the folder has already is not taken again, so a restore that was
// broken off may be repeated.
//
// Everything is checked first, in a folder of its own inside of dir (which may be
// a mount point, or in a folder that only root may write to): every byte of the
// backup, the journal's hashes, numbers and links, and every invariant of the
// ledger. Until that has held, dir is as it was; what does not hold is refused
// with an error, [archive.ErrBackup] if it is the backup's own.
//
// Signing keys in the backup are put into dir as well. Badger is built, or brought
// up to date, by the next [Open].
func Restore(ctx context.Context, r io.Reader, dir string) (archive.Manifest, error) {
	m, err := restore(ctx, r, dir)
	if err != nil {
		return m, fmt.Errorf("restoring into %s: %w", dir, err)
	}
	return m, nil
}

// restoring is a restore on its way.
type restoring struct {
	dir     string
	made    bool             // dir was not there
	base    *segment.Journal // what is in dir; nil: nothing
	staging string           // inside of dir, so that what is in it can be moved
	staged  *segment.Journal
	keys    []string // names of the staged keys' files
}

const stagingPrefix = ".restore-"

func restore(ctx context.Context, r io.Reader, dir string) (m archive.Manifest, err error) {
	x := &restoring{dir: dir}
	defer func() { err = errors.Join(err, x.tidy(err != nil)) }()
	if err := x.begin(); err != nil {
		return m, err
	}
	m, err = segment.StageBackup(reader{ctx, r}, x.base, journalDir(x.staging), x.stageKey)
	if err != nil {
		return m, err
	}
	if err := x.prove(ctx, &m); err != nil {
		return m, err
	}
	return m, x.adopt()
}

// begin makes sure that the folder is empty, or holds a ledger and no server has
// it open, and makes the folder to stage in.
func (x *restoring) begin() (err error) {
	if _, err := os.Stat(x.dir); errors.Is(err, fs.ErrNotExist) {
		x.made = true
	}
	if err := os.MkdirAll(x.dir, 0o700); err != nil {
		return err
	}
	if err := x.openBase(); err != nil {
		return err
	}
	if x.staging, err = os.MkdirTemp(x.dir, stagingPrefix); err != nil {
		return err
	}
	return errors.Join(os.Mkdir(journalDir(x.staging), 0o700), os.Mkdir(keysDir(x.staging), 0o700))
}

func (x *restoring) openBase() error {
	entries, err := os.ReadDir(x.dir)
	if err != nil {
		return err
	}
	first := ""
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), stagingPrefix) {
			return fmt.Errorf("%s is left of a restore that was broken off: remove it and restore again", filepath.Join(x.dir, e.Name()))
		}
		if e.Name() != "lost+found" { // of a file system's root
			first = cmp.Or(first, e.Name())
		}
	}
	if first == "" {
		return nil
	}
	x.base, err = segment.Inspect(journalDir(x.dir))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the folder is not empty, there is %s in it, and holds no ledger: a backup is restored into an empty folder", first)
	}
	return err
}

func (x *restoring) stageKey(name string, content io.Reader) error {
	x.keys = append(x.keys, name)
	return segment.WriteFile(filepath.Join(keysDir(x.staging), name), content)
}

// prove holds the staged journal against the manifest and every invariant.
func (x *restoring) prove(ctx context.Context, m *archive.Manifest) error {
	var err error
	if x.staged, err = segment.Inspect(journalDir(x.staging)); err != nil {
		return fmt.Errorf("%w: %w", archive.ErrBackup, err)
	}
	report, err := proofOf(ctx, x.staged, nil).Run()
	switch {
	case err != nil:
		return err
	case !report.OK:
		return fmt.Errorf("%w: its ledger does not add up: %s", archive.ErrBackup, report.Problems[0])
	case report.Seq != m.Seq || report.Head != m.Head || x.staged.CutOff() > 0:
		return fmt.Errorf("%w: its journal ends with record %d, %s, and its manifest says %d, %s", archive.ErrBackup, report.Seq, report.Head, m.Seq, m.Head)
	case x.staged.Currency() != m.Currency || x.staged.Ledger() != m.Ledger:
		return fmt.Errorf("%w: its journal is the ledger %s in %s, and its manifest says %s in %s", archive.ErrBackup, x.staged.Ledger(), x.staged.Currency(), m.Ledger, m.Currency)
	}
	return nil
}

// adopt moves what was proved into its place, the keys first: a journal without
// its keys would be a ledger whose readers are locked out.
func (x *restoring) adopt() error {
	if err := x.adoptKeys(); err != nil {
		return err
	}
	if x.base != nil {
		return x.base.Advance(x.staged)
	}
	if err := os.Rename(journalDir(x.staging), journalDir(x.dir)); err != nil {
		return err
	}
	disk := segment.OS{}
	return errors.Join(disk.SyncDir(x.dir), disk.SyncDir(filepath.Dir(x.dir)))
}

// adoptKeys replaces keys' files one by one, and at last the one that says which
// of them signs.
func (x *restoring) adoptKeys() error {
	if len(x.keys) == 0 {
		return nil
	}
	if err := os.MkdirAll(keysDir(x.dir), 0o700); err != nil {
		return err
	}
	slices.SortFunc(x.keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(filepath.Ext(b), filepath.Ext(a)), cmp.Compare(a, b)) // .pem, then .json
	})
	for _, name := range x.keys {
		if err := os.Rename(filepath.Join(keysDir(x.staging), name), filepath.Join(keysDir(x.dir), name)); err != nil {
			return err
		}
	}
	return segment.OS{}.SyncDir(keysDir(x.dir))
}

// tidy closes and removes what the restore needed, and after a failure the folder
// that it made.
func (x *restoring) tidy(failed bool) error {
	var err error
	for _, j := range []*segment.Journal{x.base, x.staged} {
		if j != nil {
			err = errors.Join(err, j.Close())
		}
	}
	if x.staging != "" {
		err = errors.Join(err, os.RemoveAll(x.staging))
	}
	if failed && x.made {
		err = errors.Join(err, os.Remove(x.dir))
	}
	return err
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

func keysDir(dir string) string { return filepath.Join(dir, "keys") }
