// Package badgerstore is the ledger of one node: a journal that is the truth,
// and beside it Badger, which holds what follows from the journal so that no
// request has to read it through. It implements [paywall.Store].
//
// One goroutine writes. It takes all changes that wait, checks each against the
// state that the ones before it leave, writes them to the journal with one sync,
// and then answers them all. Hence no conflicts, no retries, no hot account, and
// one sync for everybody who waits. Another goroutine brings them to Badger; until
// it has, every read looks at them first. How fast that is, and what others are,
// says the command bench.
package badgerstore

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/journal/segment"
)

// Options of a store. Dir and Currency are required.
type Options struct {
	Dir      string           // data folder; the store keeps journal/ and badger/ in it
	Currency paywall.Currency // of everything in the ledger, for ever
	Logger   *slog.Logger     // nil: [slog.Default]
	Now      func() time.Time // nil: [time.Now]

	// Reserve is the free space, in bytes, below which changes are refused.
	// Badger maps its files into memory, and a write to a mapped page that the
	// disk has no room for kills the process. 0: 256 MiB.
	Reserve uint64

	// Ledger is the id that the ledger in Dir must have, as [Store.ID] told it
	// earlier. Without that ledger the folder is refused: [ErrAbsent]. "": any
	// ledger is opened, and one is begun in an empty folder.
	Ledger string

	// Progress is told at open how many of the journal's records are applied to
	// Badger, of those that it lacks. May be nil.
	Progress func(done, total uint64)

	SegmentBytes int64        // length at which a journal segment is closed; 0: 64 MiB
	Disk         segment.Disk // what the journal writes through; nil: the real one

	free func(dir string) (uint64, error) // free space; tests fill the disk with it
	idle bool                             // the sweeper waits; tests do its work in steps
}

const defaultReserve = 256 << 20

// Store implements [paywall.Store].
type Store struct {
	o       Options
	log     *slog.Logger
	db      *badger.DB
	journal *segment.Journal
	head    headFile // the writer's
	revoked revocations
	sweeper sweeper
	totals  totals

	queue  chan *request
	writer sync.WaitGroup
	layers layers
	// The writer's own: values of wallets' and accounts' keys that it used lately,
	// the snapshot of Badger that it decides on, and the layers that lack in that.
	known   map[string][]byte
	seen    seen
	base    *snapshot
	ahead   []*layer
	memo    map[string][]byte               // of one group after the other
	records map[journal.Ref]*journal.Record // the same
	likely  int                             // keys that a group will write: as many as the last one

	// How long the writer waits for members of a group, and for how many.
	sync    time.Duration // what a sync takes lately
	awaited int
	wait    *time.Timer

	// cut is held while a layer is applied to Badger, which may take several
	// transactions, and while [Store.settled] takes a snapshot.
	cut sync.Mutex

	groups atomic.Int64          // committed so far
	tight  atomic.Bool           // too little free space
	failed atomic.Pointer[error] // what ended all changes until the store is opened again

	// gate is held for reading by every call and for writing by Close: Badger
	// panics when an iterator is opened on a closed database.
	gate   sync.RWMutex
	closed bool
	life   context.Context // ends when Close begins, so that long reads stop
	end    context.CancelFunc
}

var _ paywall.Store = (*Store)(nil)

// enter admits a call unless the store is closed or closing. The caller leaves
// with s.gate.RUnlock.
func (s *Store) enter() error {
	if !s.gate.TryRLock() { // fails only while Close has, or waits for, the gate
		return unavailable(errClosed)
	}
	if s.closed {
		s.gate.RUnlock()
		return unavailable(errClosed)
	}
	return nil
}

var (
	errClosed = errors.New("the store is closed")
	errFull   = errors.New("too many changes are waiting")
	errSpace  = errors.New("the disk is almost full")
)

// unavailable is [paywall.ErrUnavailable] with a reason for the log.
func unavailable(reason error) error {
	return &paywall.Error{
		Code: paywall.CodeUnavailable, Message: paywall.ErrUnavailable.Message, Err: reason,
	}
}

// Close lets the calls that run finish, and closes the files. Afterwards every
// call answers [paywall.ErrUnavailable]. A second Close does nothing.
func (s *Store) Close() error {
	s.end()
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.queue) // nobody sends any more: senders hold the gate
	s.writer.Wait()
	if last := s.layers.settled.Swap(nil); last != nil {
		last.txn.Discard()
	}
	return errors.Join(s.closeDB(), s.head.close(), s.journal.Close())
}

// ID is the random id that the ledger was begun with; see [Options.Ledger].
func (s *Store) ID() string { return s.journal.Ledger() }

// Fresh reports whether nothing has ever been recorded in the ledger.
func (s *Store) Fresh() bool { return s.journal.Head().Seq <= 1 } // the first record says whose it is

// Failure is what ended all changes until the store is opened again, of the
// class [ErrDamaged] or [ErrNoSpace] if it is of one; nil while there is none.
// Reading goes on.
func (s *Store) Failure() error {
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	return nil
}

// fail ends all changes until the store is opened again.
func (s *Store) fail(err error) {
	err = classed(err)
	if s.failed.CompareAndSwap(nil, &err) {
		s.log.Error("the ledger takes no more changes until it is opened again", "error", err)
	}
}

func (s *Store) money(micros int64) paywall.Money {
	return paywall.Money{Micros: micros, Currency: s.o.Currency}
}

func journalDir(dir string) string { return filepath.Join(dir, "journal") }
func badgerDir(dir string) string  { return filepath.Join(dir, "badger") }

// HasJournal reports whether a data folder holds a journal, whole or not.
func HasJournal(dir string) (bool, error) { return segment.Exists(journalDir(dir)) }
