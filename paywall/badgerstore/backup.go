package badgerstore

import (
	"context"
	"errors"
	"io"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal/segment"
)

// Backup implements [ledger.Archiver]: a copy of the journal, from which Badger
// follows. Its format is described at [archive.Manifest].
func (s *Store) Backup(ctx context.Context, w io.Writer, o paywall.BackupOptions) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.RUnlock()
	if err := s.interrupted(ctx); err != nil {
		return err
	}
	return s.journal.Backup(w, o.Since, o.Size, func() error { return s.interrupted(ctx) })
}

// Compress compresses the closed segments of the journal; see
// [segment.Journal.Compress]. Purchases go on.
func (s *Store) Compress(ctx context.Context) (segment.Compressed, error) {
	if err := s.enter(); err != nil {
		return segment.Compressed{}, err
	}
	defer s.gate.RUnlock()
	return s.journal.Compress(func(int, int) error { return s.interrupted(ctx) })
}

// CompressDir is Compress for a stopped server's data folder. progress is told
// how many of how many segments are done. A folder that a server has open is
// [ErrInUse].
func CompressDir(ctx context.Context, dir string, progress func(done, of int)) (segment.Compressed, error) {
	j, err := segment.Inspect(journalDir(dir))
	if err != nil {
		return segment.Compressed{}, err
	}
	c, err := j.Compress(func(done, of int) error {
		progress(done, of)
		return ctx.Err()
	})
	return c, errors.Join(err, j.Close())
}
