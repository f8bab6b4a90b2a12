// Package badgerstore keeps the ledger of one node: a journal in files that is the
// truth, and beside it Badger, which holds the state that follows from the journal, so
// that no request has to read it through. It implements [ledger.Engine].
//
// One goroutine writes. It takes all changes that wait, runs each on the state that the
// ones before it leave, writes their records to the journal with one sync, and then
// answers them all. Hence no conflicts, no retries, no hot account, and one sync for
// everybody who waits. Another goroutine brings them to Badger; until it has, every read
// looks at them first. The command bench measures how fast that is, beside other
// databases.
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
	"github.com/tuppence/tuppence/paywall/ledger"
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

	// Ledger is the id that the ledger in Dir must have, as [Store.Info] told it
	// earlier. Without that ledger the folder is refused: [ErrAbsent]. "": any
	// ledger is opened, and one is begun in an empty folder.
	Ledger string

	// Progress is told at open how many of the journal's records are applied to
	// Badger, of those that it lacks. May be nil.
	Progress func(done, total uint64)

	SegmentBytes int64        // length at which a journal segment is closed; 0: 64 MiB
	Disk         segment.Disk // what the journal writes through; nil: the real one

	free func(dir string) (uint64, error) // free space; tests fill the disk with it
}

const defaultReserve = 256 << 20

// Store implements [ledger.Engine].
type Store struct {
	o       Options
	log     *slog.Logger
	db      *badger.DB
	journal *segment.Journal
	head    watermark // the writer's
	bloom   bloom     // the writer's, but for what is read at open
	watch   func([]ledger.Revocation)

	queue      chan *request
	background sync.WaitGroup
	overlays   overlays
	lastRead   atomic.Pointer[journal.Mark] // up to where Lines was read last

	// cut is held while an overlay is applied to Badger, which may take several
	// transactions, and while [Store.settled] takes a snapshot.
	cut    sync.Mutex
	layout byte // of what is in Badger; whoever holds cut may change it

	tight  atomic.Bool           // too little free space
	failed atomic.Pointer[error] // what ended all changes until the store is opened again

	// gate is held for reading by every call and for writing by Close: Badger
	// panics when an iterator is opened on a closed database.
	gate   sync.RWMutex
	closed bool
	life   context.Context // ends when Close begins, so that long reads stop
	end    context.CancelFunc
}

var (
	_ ledger.Engine   = (*Store)(nil)
	_ ledger.Archiver = (*Store)(nil)
	_ ledger.Comparer = (*Store)(nil)
)

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
	s.background.Wait()
	if last := s.overlays.fresh.Swap(nil); last != nil {
		last.txn.Discard()
	}
	return errors.Join(s.closeDB(), s.head.close(), s.journal.Close())
}

// Info implements [ledger.Engine]. Its Failure is of the class [ErrDamaged] or
// [ErrNoSpace] if it is of one. Reading goes on after it.
func (s *Store) Info() ledger.Info {
	info := ledger.Info{Ledger: s.journal.Ledger(), Currency: s.o.Currency, Now: s.o.Now}
	if failed := s.failed.Load(); failed != nil {
		info.Failure = *failed
	}
	return info
}

// Watch implements [ledger.Engine].
func (s *Store) Watch(revoked func([]ledger.Revocation)) { s.watch = revoked }

// Head implements [ledger.Engine].
func (s *Store) Head(context.Context) (journal.Mark, error) { return s.journal.Head(), nil }

// fail ends all changes until the store is opened again.
func (s *Store) fail(err error) {
	err = classed(err)
	if s.failed.CompareAndSwap(nil, &err) {
		s.log.Error("the ledger takes no more changes until it is opened again", "error", err)
	}
}

func journalDir(dir string) string { return filepath.Join(dir, "journal") }
func badgerDir(dir string) string  { return filepath.Join(dir, "badger") }

// HasJournal reports whether a data folder holds a journal, whole or not.
func HasJournal(dir string) (bool, error) { return segment.Exists(journalDir(dir)) }
