// Package memstore keeps a ledger in memory: for tests, fuzzing and the first five
// minutes. It implements [ledger.Engine] and keeps the same lines as every other engine,
// until it is closed.
package memstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger"
)

// Store is safe for concurrent use.
type Store struct {
	id       string
	currency paywall.Currency
	now      func() time.Time
	watch    func([]ledger.Revocation)

	mu      sync.RWMutex
	closed  bool
	failure error
	values  values
	lines   []line // record n at n-1
}

// values are the keys and values of the state, by the first byte of the key: keys are
// listed by prefix, and most are of a kind that nobody lists.
type values [256]map[string][]byte

// of are the values among which a key is.
func (v *values) of(key string) map[string][]byte {
	kind := &v[key[0]]
	if *kind == nil {
		*kind = map[string][]byte{}
	}
	return *kind
}

type line struct {
	text   []byte
	hash   journal.Hash
	record *journal.Record
}

var (
	_ ledger.Engine   = (*Store)(nil)
	_ ledger.Comparer = (*Store)(nil)
)

// New begins a ledger in a currency. now gives records their time; nil: [time.Now].
func New(currency paywall.Currency, now func() time.Time) (*Store, error) {
	if _, err := paywall.ParseCurrency(string(currency)); err != nil {
		return nil, fmt.Errorf("beginning a ledger: %w", err)
	}
	if now == nil {
		now = time.Now
	}
	s := &Store{id: paywall.NewID(), currency: currency, now: now, watch: func([]ledger.Revocation) {}}
	first := &journal.Record{Currency: currency, Ledger: s.id}
	first.Kind = paywall.KindGenesis
	return s, s.Commit(context.Background(), ledger.Change{Run: func(tx *ledger.Tx) error { return tx.Append(first) }})
}

var errClosed = errors.New("the store is closed")

func unavailable(reason error) error {
	return &paywall.Error{Code: paywall.CodeUnavailable, Message: paywall.ErrUnavailable.Message, Err: reason}
}

// Fail refuses all changes from now on, as a full disk does; nil takes them again.
func (s *Store) Fail(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = reason
}

// Commit implements [ledger.Engine].
func (s *Store) Commit(ctx context.Context, c ledger.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := cmp.Or(s.usable(), s.failure, ctx.Err()); err != nil {
		return unavailable(err)
	}
	var staged []line
	stage := func(r *journal.Record) (journal.Ref, error) {
		n := len(s.lines) + len(staged)
		var prev journal.Hash
		switch {
		case len(staged) > 0:
			prev = staged[len(staged)-1].hash
		case len(s.lines) > 0:
			prev = s.lines[len(s.lines)-1].hash
		}
		r.Seq = uint64(n) + 1
		text, hash := journal.Append(nil, r, s.currency, prev)
		if len(text) > journal.MaxLine {
			return journal.Ref{}, paywall.Errorf(paywall.CodeTooLarge, "a record of %d bytes is too long for the journal", len(text))
		}
		staged = append(staged, line{text, hash, r})
		return refOf(r.Seq), nil
	}
	info := s.info()
	tx := ledger.NewTx(s.view(), &info, s.now(), 0, stage)
	if err := c.Run(tx); err != nil {
		return err
	}
	if err := tx.Spoiled(); err != nil {
		return err
	}
	s.lines = append(s.lines, staged...)
	for key, value := range tx.Writes() {
		if value == nil {
			delete(s.values.of(key), key)
		} else {
			s.values.of(key)[key] = value
		}
	}
	if dead := tx.Revoked(); len(dead) > 0 {
		s.watch(dead)
	}
	return nil
}

func (s *Store) usable() error {
	if s.closed {
		return errClosed
	}
	return nil
}

func refOf(seq uint64) journal.Ref { return journal.RefOf(1, uint32(seq), 0) }

// view is the state under the store's lock, or a copy of it.
type view struct {
	values *values
	lines  []line
}

func (s *Store) view() view { return view{&s.values, s.lines} }

// Get implements [ledger.State].
func (v view) Get(key []byte) ([]byte, error) { return v.values[key[0]][string(key)], nil }

// Each implements [ledger.State].
func (v view) Each(prefix []byte, yield func(key, value []byte) error) error {
	kinds := v.values[:]
	if len(prefix) > 0 {
		kinds = kinds[prefix[0] : int(prefix[0])+1]
	}
	for _, kind := range kinds {
		var keys []string
		for key := range kind {
			if strings.HasPrefix(key, string(prefix)) {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			if err := yield([]byte(key), bytes.Clone(kind[key])); err != nil {
				return err
			}
		}
	}
	return nil
}

// Record implements [ledger.State].
func (v view) Record(at journal.Ref) (*journal.Record, error) {
	_, seq, _ := at.Words()
	if seq == 0 || int(seq) > len(v.lines) {
		return nil, fmt.Errorf("there is no record %d", seq)
	}
	r := *v.lines[seq-1].record
	return &r, nil
}

// Numbered implements [ledger.State].
func (v view) Numbered(seq uint64) (*journal.Record, error) {
	if seq > uint64(len(v.lines)) {
		return nil, fmt.Errorf("there is no record %d", seq)
	}
	return v.Record(refOf(seq))
}

// View implements [ledger.Engine].
func (s *Store) View(ctx context.Context, _ ledger.Reads, look func(ledger.State) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := cmp.Or(s.usable(), ctx.Err()); err != nil {
		return unavailable(err)
	}
	return look(s.view())
}

// Compare implements [ledger.Comparer]. Changes go on meanwhile.
func (s *Store) Compare(ctx context.Context, look func(ledger.State, journal.Mark) error) error {
	s.mu.RLock()
	err := cmp.Or(s.usable(), ctx.Err())
	copied, end := view{&values{}, s.lines}, s.head()
	for i, kind := range s.values {
		copied.values[i] = maps.Clone(kind)
	}
	s.mu.RUnlock()
	if err != nil {
		return unavailable(err)
	}
	return look(copied, end)
}

func (s *Store) head() journal.Mark {
	n := len(s.lines)
	if n == 0 {
		return journal.Mark{}
	}
	return journal.Mark{Seq: uint64(n), Hash: s.lines[n-1].hash, Ref: refOf(uint64(n))}
}

// Head implements [ledger.Engine].
func (s *Store) Head(context.Context) (journal.Mark, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.head(), nil
}

// Lines implements [ledger.Engine].
func (s *Store) Lines(ctx context.Context, after uint64) iter.Seq2[*journal.Line, error] {
	return func(yield func(*journal.Line, error) bool) {
		s.mu.RLock()
		err, lines := s.usable(), s.lines // lines are only ever appended
		s.mu.RUnlock()
		if err != nil {
			yield(nil, unavailable(err))
			return
		}
		if after > uint64(len(lines)) {
			yield(nil, paywall.Errorf(paywall.CodeMalformed, "there is no record %d: the ledger ends with %d", after, len(lines)))
			return
		}
		for i := after; i < uint64(len(lines)); i++ {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(&journal.Line{Seq: i + 1, Hash: lines[i].hash, Ref: refOf(i + 1), Bytes: lines[i].text}, nil) {
				return
			}
		}
	}
}

// Watch implements [ledger.Engine].
func (s *Store) Watch(revoked func([]ledger.Revocation)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = revoked
}

// Info implements [ledger.Engine].
func (s *Store) Info() ledger.Info {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.info()
}

func (s *Store) info() ledger.Info {
	return ledger.Info{Ledger: s.id, Currency: s.currency, Now: s.now, Failure: s.failure}
}

// Close implements [ledger.Engine]. What it kept is gone.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
