package badgerstore

import (
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/ristretto/v2/z"
)

// seen tells the writer, from memory, that an unlock or a resource in a wallet
// is new. That is what almost every purchase has to know; Badger has to look for
// it in vain in each of its tables, which took a fifth of all the time. A filter
// never calls new what exists: it has the keys that stood in Badger at open, and
// every key put since. When it is in doubt, Badger is asked.
type seen struct {
	before atomic.Pointer[z.Bloom] // nil until Badger was read through
	since  []*z.Bloom              // the writer's own
	left   int                     // room in the last of since
	full   bool
}

const (
	seenWrong = 0.001   // how often the filter is in doubt for nothing
	seenFirst = 1 << 19 // keys in the first filter of since, of 1 MB; each next one takes twice as many
	seenMost  = 1 << 25 // keys in all of since, and in before: 64 MB each. Beyond that, Badger is asked
)

// filtered tells the keys that are in the filter. They are never deleted but by
// an erasure, after which the filter is in doubt.
func filtered(key []byte) bool { return key[0] == tagUnlock || key[0] == tagResource }

func (s *seen) lacks(key []byte) bool {
	before := s.before.Load()
	if before == nil || s.full {
		return false
	}
	hash := z.MemHash(key)
	for _, f := range s.since {
		if f.Has(hash) {
			return false
		}
	}
	return !before.Has(hash)
}

func (s *seen) add(key []byte) {
	if s.full {
		return
	}
	if s.left == 0 {
		s.left = seenFirst << len(s.since)
		if s.full = s.left > seenMost/2; s.full {
			s.since = nil
			return
		}
		s.since = append(s.since, z.NewBloomFilter(float64(s.left), seenWrong))
	}
	s.left--
	s.since[len(s.since)-1].Add(z.MemHash(key))
}

// readSeen reads the keys of Badger into the filter while the store serves
// already. What the writer puts meanwhile it puts into the filter itself.
func (s *Store) readSeen() {
	keys := memTableSize / 64 // at most so many are in no table yet
	for _, t := range s.db.Tables() {
		keys += int(t.KeyCount)
	}
	if keys > seenMost {
		return
	}
	filter := z.NewBloomFilter(float64(keys), seenWrong)
	txn := s.db.NewTransaction(false)
	defer txn.Discard()
	for _, tag := range []byte{tagUnlock, tagResource} {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{tag}})
		for it.Rewind(); it.Valid() && s.life.Err() == nil; it.Next() {
			filter.Add(z.MemHash(it.Item().Key()))
		}
		it.Close()
	}
	if s.life.Err() == nil {
		s.seen.before.Store(filter)
	}
}
