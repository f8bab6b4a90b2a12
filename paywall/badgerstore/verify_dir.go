package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/journal/segment"
)

// VerifyDir verifies the ledger in a stopped server's data folder and changes
// nothing in it. The journal is read in place. Badger is copied to the system's
// temporary folder, because it cannot be opened without being changed, and brought
// up to the journal there as the next start would do. What that start will heal
// by itself, a torn record, a Badger that is behind, missing or unreadable, stands
// in the report's notes. A folder that does not exist or holds no journal is
// [fs.ErrNotExist]; one that a server has open is [ErrInUse].
func VerifyDir(ctx context.Context, dir string) (paywall.Report, error) {
	report, err := verifyDir(ctx, dir)
	switch {
	case errors.Is(err, ErrInUse):
		err = fmt.Errorf("verifying %s: %w: while the server runs, verify it without naming the folder", dir, err)
	case err != nil:
		err = fmt.Errorf("verifying %s: %w", dir, err)
	}
	return report, err
}

func verifyDir(ctx context.Context, dir string) (paywall.Report, error) {
	if _, err := os.Stat(dir); err != nil {
		return paywall.Report{}, err
	}
	j, err := segment.Inspect(journalDir(dir))
	if err != nil {
		return damagedReport(paywall.Report{Problems: []string{}}, err)
	}
	s := offline(dir, j)
	defer s.leave()
	head := j.Head()
	if head.Seq == 0 {
		return paywall.Report{Problems: []string{"the journal has no whole record"}}, nil
	}
	so := paywall.Report{Problems: []string{}, Transfers: head.Seq, Seq: head.Seq, Head: head.Hash.String()}
	if n := j.CutOff(); n > 0 {
		so.Notes = append(so.Notes, fmt.Sprintf("the journal ends with %d bytes of a record that was never acknowledged; the next start cuts them off", n))
	}
	if err := s.compareHead(); err != nil {
		return damagedReport(so, err)
	}
	note, err := s.copyBadger(ctx)
	if err != nil {
		return damagedReport(so, err)
	}
	if note != "" {
		so.Notes = append(so.Notes, note)
	}
	report, err := s.Verify(ctx)
	report.Notes = so.Notes
	return report, err
}

// offline is a store that takes no changes, around a journal that was inspected.
func offline(dir string, j *segment.Journal) *Store {
	s := &Store{
		o: Options{
			Dir: dir, Currency: j.Currency(), Logger: slog.New(slog.DiscardHandler), Now: time.Now,
			Progress: func(uint64, uint64) {}, free: freeSpace,
		},
		journal: j, queue: make(chan *request), known: map[string][]byte{},
	}
	s.log = s.o.Logger
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// leave ends an offline store and takes its copy of Badger away.
func (s *Store) leave() {
	s.end()
	if s.db != nil {
		_ = s.db.Close()
		_ = os.RemoveAll(s.o.Dir)
	}
	_ = s.journal.Close()
}

// copyBadger opens a copy of Badger, brought up to the journal, and says what
// there was to do. A Badger that cannot be used is not opened: it is derived data
// and built again at the next start.
func (s *Store) copyBadger(ctx context.Context) (note string, err error) {
	from := badgerDir(s.o.Dir)
	if _, err := os.Stat(filepath.Join(from, "MANIFEST")); errors.Is(err, fs.ErrNotExist) {
		return "there is no Badger; the next start builds it from the journal, which alone was verified", nil
	}
	temporary, err := os.MkdirTemp("", "tuppence-verify-")
	if err != nil {
		return "", err
	}
	defer func() {
		if s.db == nil {
			err = errors.Join(err, os.RemoveAll(temporary))
		}
	}()
	if err := copyTables(from, badgerDir(temporary)); err != nil {
		return "", fmt.Errorf("copying Badger to the temporary folder: %w", err)
	}
	s.o.Dir = temporary
	var applied journal.Mark
	err = s.openDB()
	if err == nil {
		err = s.read(func(v *view) (err error) {
			if applied, err = v.applied(); err != nil {
				err = &brokenBadger{err}
			}
			return err
		})
	}
	if err == nil {
		err = s.catchUp(ctx)
	}
	if broken, ok := errors.AsType[*brokenBadger](err); ok {
		if s.db != nil {
			err = errors.Join(s.db.Close(), os.RemoveAll(temporary))
			s.db = nil
		} else {
			err = nil
		}
		return fmt.Sprintf("Badger cannot be read (%v); the next start builds it from the journal, which alone was verified", broken), err
	}
	if behind := s.journal.Head().Seq - applied.Seq; err == nil && behind > 0 {
		note = fmt.Sprintf("Badger lacks the last %d records; the next start applies them", behind)
	}
	return note, err
}

// copyTables copies what a start keeps of Badger: not the logs of memtables, which
// [dropMemtables] takes away, and not the lock.
func copyTables(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if filepath.Ext(name) == ".mem" || name == "LOCK" || !e.Type().IsRegular() {
			continue
		}
		if err := copyFile(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// damagedReport turns an error into what is wrong with a ledger, where it is that.
func damagedReport(report paywall.Report, err error) (paywall.Report, error) {
	_, damaged := errors.AsType[*segment.Damage](err)
	_, apart := errors.AsType[*mismatched](err)
	if damaged || apart {
		report.Problems = append(report.Problems, err.Error())
		return report, nil
	}
	return paywall.Report{}, err
}
