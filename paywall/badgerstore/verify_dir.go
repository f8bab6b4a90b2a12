package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/journal/segment"
	"github.com/tuppence/tuppence/paywall/ledger"
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

func verifyDir(ctx context.Context, dir string) (report paywall.Report, err error) {
	if _, err := os.Stat(dir); err != nil {
		return paywall.Report{}, err
	}
	j, err := segment.Inspect(journalDir(dir))
	if err != nil {
		return damagedReport(paywall.Report{Problems: []string{}}, err)
	}
	s := offline(dir, j)
	defer func() { err = errors.Join(err, s.leave()) }()
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
	if s.db == nil {
		report, err = proofOf(ctx, j, nil).Run()
	} else {
		err = s.read(func(v *view) error {
			report, err = proofOf(ctx, j, v).Run()
			return err
		})
	}
	report.Notes = so.Notes
	return report, err
}

// proofOf proves a journal that no server has open, and the state that follows from all
// of it; nil: the journal alone.
func proofOf(ctx context.Context, j *segment.Journal, v *view) *ledger.Proof {
	p := &ledger.Proof{
		Lines:    func(uint64) iter.Seq2[*journal.Line, error] { return j.Lines(journal.Mark{}) },
		Record:   func(at journal.Ref) (*journal.Record, error) { return (&view{s: &Store{journal: j}}).Record(at) },
		End:      j.Head(),
		Currency: j.Currency(), Now: time.Now(), Interrupted: ctx.Err,
	}
	if v != nil {
		p.State = v
	}
	return p
}

// stopped is a store that takes no changes, around a journal that was inspected.
type stopped struct {
	*Store
	copied string // the temporary folder with a copy of Badger; "": there is none
}

func offline(dir string, j *segment.Journal) *stopped {
	s := newStore(Options{
		Dir: dir, Currency: j.Currency(), Logger: slog.New(slog.DiscardHandler), Now: time.Now,
		Progress: func(uint64, uint64) {}, free: freeSpace,
	})
	s.journal = j
	return &stopped{Store: s}
}

// leave closes what was opened and takes the copy of Badger away.
func (s *stopped) leave() error {
	err := s.journal.Close()
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	if s.copied != "" {
		err = errors.Join(err, os.RemoveAll(s.copied))
	}
	return err
}

// copyBadger opens a copy of Badger, brought up to the journal, and says what there was
// to do. A Badger that cannot be used is not opened: it is derived data and built again at
// the next start.
func (s *stopped) copyBadger(ctx context.Context) (note string, err error) {
	from := badgerDir(s.o.Dir)
	if _, err := os.Stat(filepath.Join(from, "MANIFEST")); errors.Is(err, fs.ErrNotExist) {
		return "there is no Badger; the next start builds it from the journal, which alone was verified", nil
	}
	if s.copied, err = os.MkdirTemp("", "tuppence-verify-"); err != nil {
		return "", err
	}
	if err := copyTables(from, badgerDir(s.copied)); err != nil {
		return "", fmt.Errorf("copying Badger to the temporary folder: %w", err)
	}
	s.o.Dir = s.copied
	var applied journal.Mark
	err = s.openDB()
	if err == nil {
		err = s.read(func(v *view) (err error) {
			if applied, _, err = v.applied(); err != nil {
				err = &badgerError{err}
			}
			return err
		})
	}
	if err == nil {
		err = s.catchUp(ctx)
	}
	if broken, ok := errors.AsType[*badgerError](err); ok {
		err = nil
		if s.db != nil {
			err = s.db.Close()
			s.db = nil
		}
		return fmt.Sprintf("Badger cannot be read (%v); the next start builds it from the journal, which alone was verified", broken), err
	}
	if lacks := s.journal.Head().Seq - applied.Seq; err == nil && lacks > 0 {
		note = fmt.Sprintf("Badger lacks the last %d records; the next start applies them", lacks)
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
	damaged := errors.Is(err, journal.ErrDamaged)
	_, apart := errors.AsType[*mismatched](err)
	if damaged || apart {
		report.Problems = append(report.Problems, err.Error())
		return report, nil
	}
	return paywall.Report{}, err
}
