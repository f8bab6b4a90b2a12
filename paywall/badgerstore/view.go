package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"

	"github.com/dgraph-io/badger/v4"

	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger"
)

// view is the state at one moment: a Badger snapshot, and the overlays over it. It
// implements [ledger.State].
type view struct {
	s        *Store
	txn      *badger.Txn
	overlays []*overlay // oldest first
}

// Get implements [ledger.State].
func (v *view) Get(key []byte) ([]byte, error) {
	if value, ok := lookup(v.overlays, key); ok {
		return value, nil
	}
	return v.load(key)
}

func (v *view) load(key []byte) ([]byte, error) {
	item, err := v.txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading Badger: %w", err)
	}
	return item.ValueCopy(nil)
}

// Record implements [ledger.State].
func (v *view) Record(at journal.Ref) (*journal.Record, error) {
	r, err := v.s.journal.Read(at)
	return &r, err
}

// Numbered implements [ledger.State]. It reads one segment of the journal.
func (v *view) Numbered(seq uint64) (*journal.Record, error) {
	m, err := v.s.journal.MarkAt(seq)
	if err != nil {
		return nil, err
	}
	return v.Record(m.Ref)
}

// Each implements [ledger.State]. It costs the keys that it reads, and a look at each
// key that the overlays hold. The store's own key is not listed.
func (v *view) Each(prefix []byte, yield func(key, value []byte) error) error {
	over := map[string][]byte{}
	for _, l := range v.overlays {
		maps.Copy(over, l.values)
	}
	return ledger.EachOver(tables{v}, over, prefix, yield)
}

// tables is a view of the snapshot alone.
type tables struct{ *view }

// Each implements [ledger.State].
func (t tables) Each(prefix []byte, yield func(key, value []byte) error) error {
	it := t.txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Rewind(); it.ValidForPrefix(prefix); it.Next() {
		key := it.Item().KeyCopy(nil)
		if key[0] == metaKey[0] {
			continue
		}
		value, err := it.Item().ValueCopy(nil)
		if err != nil {
			return fmt.Errorf("reading Badger: %w", err)
		}
		if err := yield(key, value); err != nil {
			return err
		}
	}
	return nil
}

// applied is how far the journal is applied to Badger, and in which layout.
func (v *view) applied() (journal.Mark, byte, error) {
	value, err := v.load(metaKey)
	if err != nil || value == nil {
		return journal.Mark{}, layout, err
	}
	return decodeMark(value)
}

// empty reports whether Badger holds nothing at all.
func (v *view) empty() bool {
	it := v.txn.NewIterator(badger.IteratorOptions{})
	defer it.Close()
	it.Rewind()
	return !it.Valid()
}

// flushedView is a view of Badger alone, when that has every change that was answered
// before the call.
func (s *Store) flushedView(ctx context.Context) (*view, error) {
	if err := s.flushed(ctx); err != nil {
		return nil, err
	}
	s.cut.Lock()
	defer s.cut.Unlock()
	return &view{s: s, txn: s.db.NewTransaction(false)}, nil
}

// read runs a look at Badger when that has every change answered before.
func (s *Store) read(look func(*view) error) error {
	v, err := s.flushedView(context.Background())
	if err != nil {
		return err
	}
	defer v.txn.Discard()
	return look(v)
}

// latest is a view of the state at one moment. Together, overlays and snapshot must lack
// nothing, and the snapshot must hold nothing that is newer than the overlays: they would
// hide it. An overlay is listed before it is on its way to Badger, so a snapshot that was
// taken while none was added holds none that is not listed.
func (s *Store) latest() *view {
	for {
		added := s.overlays.added.Load()
		v := &view{s: s, overlays: s.overlays.load(), txn: s.db.NewTransaction(false)}
		if s.overlays.added.Load() == added {
			return v
		}
		v.txn.Discard()
	}
}

// View implements [ledger.Engine].
func (s *Store) View(ctx context.Context, _ ledger.Reads, look func(ledger.State) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.RUnlock()
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	v := s.latest()
	defer v.txn.Discard()
	return look(v)
}

// Compare implements [ledger.Comparer]: Badger says in the same transaction how far the
// journal is applied to it.
func (s *Store) Compare(ctx context.Context, look func(ledger.State, journal.Mark) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.RUnlock()
	v, err := s.flushedView(ctx)
	if err != nil {
		return err
	}
	defer v.txn.Discard()
	end, _, err := v.applied()
	if err != nil {
		return err
	}
	return look(v, end)
}

// Lines implements [ledger.Engine].
func (s *Store) Lines(ctx context.Context, after uint64) iter.Seq2[*journal.Line, error] {
	return func(yield func(*journal.Line, error) bool) {
		if err := s.enter(); err != nil {
			yield(nil, err)
			return
		}
		defer s.gate.RUnlock()
		from, err := s.markAt(after)
		if err != nil {
			yield(nil, err)
			return
		}
		for line, err := range s.journal.Lines(from) {
			if err == nil {
				from, err = line.Mark(), s.interrupted(ctx)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(line, nil) {
				return
			}
		}
		s.lastRead.Store(&from)
	}
}

// markAt finds a record by its number. Whoever follows the journal asks for the end of
// what was read before.
func (s *Store) markAt(seq uint64) (journal.Mark, error) {
	if last := s.lastRead.Load(); last != nil && last.Seq == seq {
		return *last, nil
	}
	return s.journal.MarkAt(seq)
}

// interrupted is why a long read has to stop: its caller left, or the store closes.
func (s *Store) interrupted(ctx context.Context) error {
	if s.life.Err() != nil {
		return unavailable(errClosed)
	}
	return ctx.Err()
}
