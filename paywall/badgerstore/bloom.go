package badgerstore

import (
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/ristretto/v2/z"

	"github.com/tuppence/tuppence/paywall/ledger"
)

// bloom tells the writer, from memory, that a key of the class ledger.Row is new. Almost
// every purchase has to know that; Badger has to look for the key in vain in each of its
// tables, which took a fifth of all the time. A Bloom filter never calls a key new that
// exists: it has the keys that stood in Badger at open, and every key put since. When it
// is in doubt, Badger is asked. Keys that are deleted leave it in doubt.
type bloom struct {
	before atomic.Pointer[z.Bloom] // nil until Badger was read through
	since  []*z.Bloom              // the writer's own
	left   int                     // room in the last of since
	full   bool
}

const (
	bloomWrong = 0.001   // how often the filter is in doubt for nothing
	bloomFirst = 1 << 19 // keys in the first filter of since, of 1 MB; each next one takes twice as many
	bloomMost  = 1 << 25 // keys in all of since, and in before: 64 MB each. Beyond that, Badger is asked
)

func (b *bloom) lacks(key []byte) bool {
	before := b.before.Load()
	if before == nil || b.full {
		return false
	}
	hash := z.MemHash(key)
	for _, f := range b.since {
		if f.Has(hash) {
			return false
		}
	}
	return !before.Has(hash)
}

func (b *bloom) add(key []byte) {
	if b.full {
		return
	}
	if b.left == 0 {
		b.left = bloomFirst << len(b.since)
		if b.full = b.left > bloomMost/2; b.full {
			b.since = nil
			return
		}
		b.since = append(b.since, z.NewBloomFilter(float64(b.left), bloomWrong))
	}
	b.left--
	b.since[len(b.since)-1].Add(z.MemHash(key))
}

// readBloom reads the keys of Badger into the filter while the store serves already. The
// writer adds the keys that it puts meanwhile.
func (s *Store) readBloom() {
	keys := memTableSize / 64 // at most so many are in no table yet
	for _, t := range s.db.Tables() {
		keys += int(t.KeyCount)
	}
	if keys > bloomMost {
		return
	}
	filter := z.NewBloomFilter(float64(keys), bloomWrong)
	txn := s.db.NewTransaction(false)
	defer txn.Discard()
	for _, prefix := range ledger.RowPrefixes() {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
		for it.Rewind(); it.Valid() && s.life.Err() == nil; it.Next() {
			filter.Add(z.MemHash(it.Item().Key()))
		}
		it.Close()
	}
	if s.life.Err() == nil {
		s.bloom.before.Store(filter)
	}
}
