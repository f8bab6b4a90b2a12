package badgerstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/journal/segment"
	"github.com/tuppence/tuppence/paywall/ledger"
)

// Open opens the ledger in a data folder, or begins one in an empty folder. It
// verifies the end of the journal, applies to Badger what that lacks, and
// rebuilds Badger from the journal where it is missing or cannot be read.
// Whatever else is wrong is refused with an error that says what was found,
// where, and what to do, of one of the classes from [ErrInUse] to [ErrNoSpace].
// A folder that is refused may be opened again at any time. ctx bounds the
// opening only.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Reserve == 0 {
		o.Reserve = defaultReserve
	}
	if o.Progress == nil {
		o.Progress = func(uint64, uint64) {}
	}
	if o.free == nil {
		o.free = freeSpace
	}
	if _, err := paywall.ParseCurrency(string(o.Currency)); err != nil {
		return nil, fmt.Errorf("opening the ledger: %w", err)
	}
	s := newStore(o)
	if err := s.open(ctx); err != nil {
		if s.db != nil {
			err = errors.Join(err, s.closeDB())
		}
		if s.journal != nil {
			err = errors.Join(err, s.head.close(), s.journal.Close())
		}
		return nil, classed(fmt.Errorf("opening the ledger in %s: %w", o.Dir, err))
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.checkSpace()
	s.background.Go(s.write)
	s.background.Go(s.applyOverlays)
	s.background.Go(s.readBloom)
	s.background.Go(s.verifyClosed)
	return s, nil
}

// newStore makes a store around nothing.
func newStore(o Options) *Store {
	s := &Store{o: o, log: o.Logger, queue: make(chan *request, queueLength), watch: func([]ledger.Revocation) {}}
	s.overlays.queue, s.overlays.stuck = make(chan *overlay, overlaysAhead), make(chan struct{})
	return s
}

func (s *Store) open(ctx context.Context) error {
	if err := os.MkdirAll(s.o.Dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrFolder, err)
	}
	if err := s.room(openRoom); err != nil {
		return err
	}
	if err := s.expected(); err != nil {
		return err
	}
	j, err := segment.Open(segment.Options{
		Dir: journalDir(s.o.Dir), Currency: s.o.Currency, Disk: s.o.Disk,
		SegmentBytes: s.o.SegmentBytes, Now: s.o.Now,
	})
	if err != nil {
		return err
	}
	s.journal = j
	if n := j.CutOff(); n > 0 {
		s.log.Warn("cut a torn record off the journal's end; it was never acknowledged", "bytes", n)
	}
	if err := s.checkHead(); err != nil {
		return err
	}
	return s.openBadger(ctx)
}

// openBadger opens Badger and brings it to the journal's head. What cannot be
// read is derived data: it is thrown away and built again.
func (s *Store) openBadger(ctx context.Context) error {
	if err := dropMemtables(badgerDir(s.o.Dir)); err != nil {
		return err
	}
	unreadable := s.openDB()
	if unreadable == nil {
		unreadable = s.catchUp(ctx)
	}
	if _, broken := errors.AsType[*badgerError](unreadable); !broken {
		return unreadable
	}
	if errors.Is(unreadable, errLayout) {
		s.log.Info("Badger was written by another version and is built again from the journal")
	} else {
		s.log.Error("Badger cannot be read and is built again from the journal", "error", unreadable)
	}
	if s.db != nil {
		_ = s.db.Close()
		s.db = nil
	}
	if err := os.RemoveAll(badgerDir(s.o.Dir)); err != nil {
		return fmt.Errorf("removing the unreadable badger folder: %w", err)
	}
	if err := s.openDB(); err != nil {
		return err
	}
	return s.catchUp(ctx)
}

// badgerError is an error of Badger's own, told apart from damage to the journal.
type badgerError struct{ err error }

func (b *badgerError) Error() string { return b.err.Error() }
func (b *badgerError) Unwrap() error { return b.err }

// catchUp applies what Badger lacks.
func (s *Store) catchUp(ctx context.Context) error {
	var applied journal.Mark
	var fresh bool
	err := s.read(func(v *view) (err error) {
		applied, s.layout, err = v.applied()
		fresh = v.empty()
		return err
	})
	if err != nil {
		return &badgerError{err}
	}
	head := s.journal.Head()
	switch {
	case applied.Seq == 0 && !fresh:
		return &badgerError{errors.New("it does not say which records are applied to it")}
	case applied.Seq > head.Seq:
		return mismatch("the journal ends with record %d but Badger has record %d applied: records are missing at the journal's end; put the journal folder back from its newest copy, or, if you are sure that this journal is the newest, move the badger folder away and it is built again",
			head.Seq, applied.Seq)
	}
	if err := s.sameJournal(applied); err != nil {
		return err
	}
	if missing := head.Seq - applied.Seq; missing > 1 || fresh && missing > 0 {
		s.log.Info("applying the journal to Badger", "records", missing, "from", applied.Seq+1)
	}
	if err := s.room(openRoom + (head.Seq-applied.Seq)*recordRoom); err != nil {
		return err
	}
	return s.replay(ctx, applied)
}

// sameJournal checks that the record Badger stopped at is the journal's.
func (s *Store) sameJournal(applied journal.Mark) error {
	if applied.Seq == 0 {
		return nil
	}
	hash, err := s.journal.HashAt(applied.Ref)
	if err == nil && hash == applied.Hash {
		return nil
	}
	return mismatch("the badger folder belongs to another journal (record %d is %s there): put both folders back from one backup, or move the badger folder away and it is built again from this journal",
		applied.Seq, applied.Hash)
}

// replay applies the records after a mark, in groups as the writer does. It stops before
// the disk is full: what it writes goes into mapped files.
func (s *Store) replay(ctx context.Context, from journal.Mark) error {
	p := replay{s: s, ctx: ctx, from: from, mark: from}
	p.begin()
	defer func() { p.w.base.txn.Discard() }()
	for line, err := range s.journal.Lines(from) {
		if err != nil {
			return err
		}
		r, err := line.Record(s.o.Currency)
		if err != nil {
			return fmt.Errorf("applying record %d: %w", line.Seq, err)
		}
		large := ledger.Large(&r)
		if large || full(p.tx) {
			if err := p.write(); err != nil {
				return err
			}
		}
		if err := ledger.Apply(p.tx, &r, line.Ref); err != nil {
			return &badgerError{err} // the journal is sound, so what it meets in Badger is not
		}
		p.mark = line.Mark()
		if large {
			if err := p.write(); err != nil {
				return err
			}
		}
	}
	return p.write()
}

// replay is how far the journal is applied to Badger at open.
type replay struct {
	s    *Store
	ctx  context.Context
	w    *writer
	tx   *ledger.Tx
	from journal.Mark
	mark journal.Mark // up to the last record in tx
}

func (p *replay) begin() {
	known := map[string][]byte{}
	if p.w != nil {
		p.w.base.txn.Discard()
		known = p.w.walletCache
	}
	p.w = p.s.newWriter()
	p.w.walletCache = known
	p.tx = p.w.replaying()
}

// write brings the group to Badger, and begins the next.
func (p *replay) write() error {
	if p.mark == p.from {
		return nil
	}
	if err := p.s.flush(p.tx.Writes(), p.mark); err != nil {
		return &badgerError{fmt.Errorf("applying the journal to Badger: %w", err)}
	}
	p.w.remember(p.tx.Writes())
	p.s.o.Progress(p.mark.Seq-p.from.Seq, p.s.journal.Head().Seq-p.from.Seq)
	p.begin()
	return cmp.Or(p.s.room(openRoom), p.ctx.Err())
}

// verifyClosed checks, while the store serves, the segments that were too much
// to read at open.
func (s *Store) verifyClosed() {
	err := s.journal.VerifyClosed(func() bool { return s.life.Err() == nil })
	if err != nil {
		s.fail(err)
	}
}
