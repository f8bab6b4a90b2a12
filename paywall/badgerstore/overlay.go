package badgerstore

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"

	"github.com/tuppence/tuppence/paywall/journal"
)

// overlay is what a group wrote. It is durable, since the journal has it, and
// visible, since reads look into it first; Badger gets it while the next group
// is on its way to the disk.
type overlay struct {
	values  map[string][]byte // nil: deleted
	bytes   int               // of keys and values
	number  uint64            // they count from 1
	mark    journal.Mark      // the last record when it was made
	applied chan struct{}     // closed when Badger has it
}

// overlaysAhead bounds how far Badger may lag behind the journal, and with it what
// a restart has to apply again and what the overlays take of memory: 3.2 MB.
const overlaysAhead = 8

// overlays are the groups that Badger lacks, oldest first. The writer adds to
// them, the applier takes from them; a list that was loaded never changes.
type overlays struct {
	mu    sync.Mutex
	list  atomic.Pointer[[]*overlay]
	added atomic.Uint64 // number of the newest
	queue chan *overlay // to the applier
	// fresh is a snapshot of Badger that the writer has not taken over yet.
	fresh atomic.Pointer[snapshot]
	stuck chan struct{} // closed when Badger refused an overlay
}

// snapshot is a Badger transaction for reading, and the newest overlay that is in it.
type snapshot struct {
	txn     *badger.Txn
	overlay uint64
}

// load gives those there are now.
func (l *overlays) load() []*overlay {
	if list := l.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (l *overlays) add(next *overlay) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.load()
	next.number = l.added.Load() + 1
	list := append(old[:len(old):len(old)], next)
	l.list.Store(&list)
	l.added.Store(next.number)
}

func (l *overlays) drop(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.load()[n:]
	l.list.Store(&list)
}

// lookup finds a key in the newest overlay that has it.
func lookup(overlays []*overlay, key []byte) (value []byte, ok bool) {
	for i := len(overlays) - 1; i >= 0; i-- {
		if value, ok = overlays[i].values[string(key)]; ok {
			return value, ok
		}
	}
	return nil, false
}

// applyOverlays is the applier goroutine: it brings overlays to Badger, in order. One
// that Badger refuses stays in memory, with all that come after it, so that reads
// go on as they were; changes end until the store is opened again.
func (s *Store) applyOverlays() {
	var refused bool
	for next := range s.overlays.queue {
		if refused {
			continue
		}
		waiting := s.overlays.waiting(next)
		newest := waiting[len(waiting)-1]
		if err := s.flush(merge(waiting), newest.mark); err != nil {
			refused = true
			s.fail(fmt.Errorf("applying the journal to Badger: %w", err))
			close(s.overlays.stuck)
			continue
		}
		s.cut.Lock()
		s.renew(newest.number)
		s.cut.Unlock()
		s.overlays.drop(len(waiting))
		for _, l := range waiting {
			close(l.applied)
		}
	}
}

// renew gives the writer a snapshot of Badger as it is now. The caller holds s.cut:
// where no commit is under way, it does not wait for one.
func (s *Store) renew(overlay uint64) {
	fresh := &snapshot{s.db.NewTransaction(false), overlay}
	if old := s.overlays.fresh.Swap(fresh); old != nil {
		old.txn.Discard()
	}
}

// waiting is an overlay with those after it that fit into the same transaction.
// Badger takes a wallet that several of them changed once, and a transaction
// costs as much as some fifty keys.
func (l *overlays) waiting(first *overlay) []*overlay {
	taken := []*overlay{first}
	keys, bytes := len(first.values), first.bytes
	for _, next := range l.load()[1:] {
		keys, bytes = keys+len(next.values), bytes+next.bytes
		if keys > groupKeys || bytes > groupBytes {
			break
		}
		select {
		case <-l.queue: // it is next
		default:
			return taken
		}
		taken = append(taken, next)
	}
	return taken
}

func merge(overlays []*overlay) map[string][]byte {
	if len(overlays) == 1 {
		return overlays[0].values
	}
	all := make(map[string][]byte, 2*len(overlays[0].values))
	for _, l := range overlays {
		maps.Copy(all, l.values)
	}
	return all
}

// flushed waits until Badger has every change that was answered before the call.
func (s *Store) flushed(ctx context.Context) error {
	list := s.overlays.load()
	if len(list) == 0 {
		return nil
	}
	select {
	case <-list[len(list)-1].applied:
		return nil
	case <-s.overlays.stuck:
		return unavailable(*s.failed.Load())
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}
