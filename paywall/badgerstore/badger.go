package badgerstore

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

const memTableSize = 8 << 20

// badgerOptions suit a machine with 512 MB: Badger's defaults took 570 MiB of heap
// at full load, these 175.
func badgerOptions(dir string, log *slog.Logger) badger.Options {
	o := badger.DefaultOptions(dir)
	o.Logger = badgerLog{log}
	o.MetricsEnabled = false
	o.SyncWrites = false      // the journal is synced; what Badger loses is applied again
	o.DetectConflicts = false // there is one writer
	o.MemTableSize = memTableSize
	o.NumMemtables = 2
	o.NumLevelZeroTables = 6
	o.NumLevelZeroTablesStall = 16
	o.BaseTableSize = 8 << 20
	o.BaseLevelSize = 64 << 20
	o.NumCompactors = 2
	// Values are small; none goes to the value log, so it never grows and needs no
	// collection.
	o.ValueThreshold = 1 << 20
	o.ValueLogFileSize = 1 << 20
	o.Compression = options.ZSTD
	o.ZSTDCompressionLevel = 1
	o.BloomFalsePositive = 0.001 // most lookups are for purchases that were not made yet
	o.BlockCacheSize = 8 << 20
	o.IndexCacheSize = 16 << 20
	o.ChecksumVerificationMode = options.NoVerification // checkTables did it
	return o
}

// openDB opens Badger. What Badger cannot read, or panics about, is a
// [badgerError]; that it may not, or that another process has it open, is not.
func (s *Store) openDB() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &badgerError{fmt.Errorf("opening Badger: panic: %.200v", p)}
		}
	}()
	if err := checkTables(badgerDir(s.o.Dir)); err != nil {
		return &badgerError{err}
	}
	db, err := badger.Open(badgerOptions(badgerDir(s.o.Dir), s.log))
	switch {
	case err != nil && strings.Contains(err.Error(), "acquire directory lock"):
		return &classifiedError{ErrInUse, fmt.Errorf("opening Badger: %w", err)}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EMFILE), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("opening Badger: %w", err) // it may be whole
	case err != nil:
		return &badgerError{fmt.Errorf("opening Badger: %w", err)}
	}
	s.db = db
	return nil
}

// dropMemtables removes the logs of memtables that a killed process left. What
// they hold is in the journal too, and applied from there. Badger would replay
// them only up to the first damaged byte of each, and when there are two, the
// older cut short and the newer whole, lose changes in the middle without a
// word. Tables are checksummed and hold whole memtables in order: a state that
// was. The journal's lock, taken before, keeps out whoever might use these files.
func dropMemtables(dir string) error {
	logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil {
		return err
	}
	for _, name := range logs {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("dropping a memtable's log: %w", err)
		}
	}
	return nil
}

// badgerLog passes on what an operator has to know; Badger's own progress is noise.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) Errorf(format string, args ...any)   { l.log.Error(message(format, args)) }
func (l badgerLog) Warningf(format string, args ...any) { l.log.Warn(message(format, args)) }
func (l badgerLog) Infof(format string, args ...any)    { l.log.Debug(message(format, args)) }
func (l badgerLog) Debugf(string, ...any)               {}

func message(format string, args []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}
