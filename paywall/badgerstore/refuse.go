package badgerstore

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/journal/segment"
)

// Why [Open] refuses a folder, and [ledger.Info] has a Failure; compare with
// errors.Is. The first three are mistakes of whoever starts the server. The
// others are of the disk: tokens need no ledger, so a server can go on serving
// those who have paid. An error that is none of them is of the disk, too.
var (
	// ErrInUse: another process has the folder open.
	ErrInUse = segment.ErrInUse
	// ErrCurrency: the ledger is kept in another currency than the one asked for.
	ErrCurrency = segment.ErrCurrency
	// ErrFolder: the folder cannot be made or entered, or what is in it not read.
	ErrFolder = errors.New("the folder cannot be used")
	// ErrAbsent: the ledger that is kept in this folder is not in it. The folder is
	// empty, as where a disk was not mounted, or holds another ledger.
	ErrAbsent = errors.New("the ledger is not in its folder")
	// ErrDamaged: the folder is not as it was written, and what is missing or wrong
	// cannot be had from the rest.
	ErrDamaged = errors.New("the ledger is damaged")
	// ErrNoSpace: the disk is full. It passes by itself when there is room again.
	ErrNoSpace = errors.New("the disk is full")
)

// classifiedError is an error with its class, which stands in the error's text already.
type classifiedError struct{ class, err error }

func (r *classifiedError) Error() string   { return r.err.Error() }
func (r *classifiedError) Unwrap() []error { return []error{r.class, r.err} }

// classed gives an error the class that follows from what it wraps.
func classed(err error) error {
	_, apart := errors.AsType[*mismatched](err)
	for _, class := range []error{ErrInUse, ErrCurrency, ErrFolder, ErrAbsent, ErrDamaged, ErrNoSpace} {
		if errors.Is(err, class) {
			return err
		}
	}
	switch {
	case errors.Is(err, journal.ErrDamaged) || apart:
		return &classifiedError{ErrDamaged, err}
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return &classifiedError{ErrNoSpace, err}
	case errors.Is(err, fs.ErrPermission):
		return &classifiedError{ErrFolder, err}
	}
	return err
}

// mismatched says that journal and Badger do not belong together.
type mismatched struct{ text string }

func (m *mismatched) Error() string { return m.text }

func mismatch(format string, args ...any) error { return &mismatched{fmt.Sprintf(format, args...)} }

// expected refuses a folder that does not hold the ledger that is kept in it,
// and one where a new ledger would begin although there was one: whoever begins
// anew sells again what was sold, and owes nobody anything.
func (s *Store) expected() error {
	first, err := segment.Genesis(journalDir(s.o.Dir))
	if err != nil {
		return err
	}
	switch {
	case first.Ledger != "" && s.o.Ledger != "" && first.Ledger != s.o.Ledger:
		return &classifiedError{ErrAbsent, fmt.Errorf("there is the ledger %s, but %s is the one that is kept here: if folders were swapped, swap them back", first.Ledger, s.o.Ledger)}
	case first.Ledger != "":
		return nil
	}
	for _, left := range []string{filepath.Join(badgerDir(s.o.Dir), "MANIFEST"), filepath.Join(s.o.Dir, "keys", "*.pem"), s.headPath()} {
		if names, _ := filepath.Glob(left); len(names) > 0 {
			return mismatch("there is no journal, but %s shows that there was one: put the journal folder back from a backup, or, to begin an empty ledger, move everything in this folder away", names[0])
		}
	}
	if s.o.Ledger != "" {
		return &classifiedError{ErrAbsent, fmt.Errorf("the folder is empty, but the ledger %s is kept here: if its disk is not mounted, mount it, otherwise put the folder back from a backup", s.o.Ledger)}
	}
	return nil
}
