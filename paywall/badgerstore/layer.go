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

// layer is what a group changed. It is durable, since the journal has it, and
// visible, since reads look into it first; Badger gets it while the next group
// is on its way to the disk.
type layer struct {
	values  map[string][]byte // nil: deleted
	bytes   int               // of keys and values
	mark    journal.Mark      // the group's last record
	erases  bool              // the sweeper has to look
	applied chan struct{}     // closed when Badger has it
}

// layersAhead bounds how far Badger may lag behind the journal, and with it what
// a restart has to apply again and what the layers take of memory: 3.2 MB.
const layersAhead = 8

// layers are the groups that Badger lacks, oldest first. The writer adds to
// them, the applier takes from them; a list that was loaded never changes.
type layers struct {
	mu    sync.Mutex
	list  atomic.Pointer[[]*layer]
	queue chan *layer // to the applier
	// settled is a snapshot of Badger that the writer has not taken over yet.
	settled atomic.Pointer[snapshot]
	stuck   chan struct{} // closed when Badger refused a layer
}

// snapshot is a Badger transaction for reading and how far the journal is
// applied to it.
type snapshot struct {
	txn *badger.Txn
	seq uint64
}

// load gives those there are now; none before the writer began.
func (l *layers) load() []*layer {
	if list := l.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (l *layers) add(next *layer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.load()
	list := append(old[:len(old):len(old)], next)
	l.list.Store(&list)
}

func (l *layers) drop(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.load()[n:]
	l.list.Store(&list)
}

// lookup finds a key in the newest layer that has it.
func lookup(layers []*layer, key []byte) (value []byte, ok bool) {
	for i := len(layers) - 1; i >= 0; i-- {
		if value, ok = layers[i].values[string(key)]; ok {
			return value, ok
		}
	}
	return nil, false
}

// applyLayers is the applier goroutine: it brings layers to Badger, in order. One
// that Badger refuses stays in memory, with all that come after it, so that reads
// go on as they were; changes end until the store is opened again.
func (s *Store) applyLayers() {
	var refused bool
	for next := range s.layers.queue {
		if refused {
			continue
		}
		waiting := s.layers.waiting(next)
		newest := waiting[len(waiting)-1].mark
		if err := s.flush(merge(waiting), newest); err != nil {
			refused = true
			s.fail(fmt.Errorf("applying the journal to Badger: %w", err))
			close(s.layers.stuck)
			continue
		}
		s.cut.Lock()
		s.renew(newest.Seq)
		s.cut.Unlock()
		s.layers.drop(len(waiting))
		for _, l := range waiting {
			if close(l.applied); l.erases {
				s.sweeper.call()
			}
		}
	}
}

// renew gives the writer a snapshot of Badger as it is now. The caller holds s.cut:
// where no commit is under way, it does not wait for one.
func (s *Store) renew(applied uint64) {
	fresh := &snapshot{s.db.NewTransaction(false), applied}
	if old := s.layers.settled.Swap(fresh); old != nil {
		old.txn.Discard()
	}
}

// waiting is a layer with those behind it that fit into the same transaction.
// Badger takes a wallet that several of them changed once, and a transaction
// costs as much as some fifty keys.
func (l *layers) waiting(first *layer) []*layer {
	taken := []*layer{first}
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

func merge(layers []*layer) map[string][]byte {
	if len(layers) == 1 {
		return layers[0].values
	}
	all := make(map[string][]byte, 2*len(layers[0].values))
	for _, l := range layers {
		maps.Copy(all, l.values)
	}
	return all
}

// settle waits until Badger has every change that was answered before the call.
func (s *Store) settle(ctx context.Context) error {
	list := s.layers.load()
	if len(list) == 0 {
		return nil
	}
	select {
	case <-list[len(list)-1].applied:
		return nil
	case <-s.layers.stuck:
		return unavailable(*s.failed.Load())
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

// settled is a view of Badger alone, when that has every change that was answered
// before the call: for reading all keys of a kind.
func (s *Store) settled(ctx context.Context) (*view, error) {
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	s.cut.Lock()
	defer s.cut.Unlock()
	return &view{txn: s.db.NewTransaction(false)}, nil
}

// latest is a view of the state at one moment, for single keys. The layers are
// loaded before the snapshot is taken, so that together they lack nothing; when
// the snapshot went on beyond the newest of them, it alone is the state.
func (s *Store) latest(context.Context) (*view, error) {
	v := &view{layers: s.layers.load(), txn: s.db.NewTransaction(false)}
	if len(v.layers) == 0 {
		return v, nil
	}
	newest := v.layers[len(v.layers)-1].mark.Seq
	in := view{txn: v.txn}
	applied, err := in.applied()
	if err != nil {
		v.txn.Discard()
		return nil, err
	}
	if applied.Seq >= newest {
		v.layers = nil
	}
	return v, nil
}
