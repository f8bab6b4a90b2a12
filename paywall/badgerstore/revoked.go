package badgerstore

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// revokedFor is how long a dead unlock is remembered: as long as a token of it
// can live, and the leeway for clocks.
const revokedFor = paywall.AccessTTL + time.Hour

// revocation ends an unlock's tokens until none of them can be valid.
type revocation struct {
	unlock string
	until  time.Time
}

// revoke notes a revocation that becomes effective with the group.
func (g *group) revoke(unlock string, at time.Time) {
	r := revocation{unlock, at.Add(revokedFor)}
	g.put(revokedKey(r.until, unlock), []byte{})
	g.revoked = append(g.revoked, r)
}

// revocations answers on the hot path: readers load a pointer and look into a
// map that never changes. Whoever adds to it copies one shard, which is a small
// one even when there are a million.
type revocations struct {
	mu     sync.Mutex                             // of those who change a shard
	shards [4096]atomic.Pointer[map[string]int64] // unlock → Unix seconds
}

var revokedSeed = maphash.MakeSeed()

func (r *revocations) shard(unlock string) *atomic.Pointer[map[string]int64] {
	return &r.shards[maphash.String(revokedSeed, unlock)%uint64(len(r.shards))]
}

func (r *revocations) has(unlock string) bool {
	m := r.shard(unlock).Load()
	if m == nil {
		return false
	}
	_, dead := (*m)[unlock]
	return dead
}

func (r *revocations) add(dead []revocation) {
	if len(dead) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	touched := make(map[*atomic.Pointer[map[string]int64]]map[string]int64, min(len(dead), len(r.shards)))
	for _, d := range dead {
		shard := r.shard(d.unlock)
		m, ok := touched[shard]
		if !ok {
			m = map[string]int64{}
			if old := shard.Load(); old != nil {
				m = maps.Clone(*old)
			}
			touched[shard] = m
		}
		m[d.unlock] = d.until.Unix()
	}
	for shard, m := range touched {
		shard.Store(&m)
	}
}

// forget drops what is over.
func (r *revocations) forget(now time.Time) {
	for i := range r.shards {
		r.forgetShard(&r.shards[i], now)
	}
}

func (r *revocations) forgetShard(shard *atomic.Pointer[map[string]int64], now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := shard.Load()
	if old == nil {
		return
	}
	m := maps.Clone(*old)
	maps.DeleteFunc(m, func(_ string, until int64) bool { return until <= now.Unix() })
	if len(m) < len(*old) {
		shard.Store(&m)
	}
}

// Revoked implements [paywall.Store].
func (s *Store) Revoked(unlock string) bool { return s.revoked.has(unlock) }

// loadRevoked fills the list at open.
func (s *Store) loadRevoked() error {
	return s.read(func(v *view) error {
		return v.each([]byte{tagRevoked}, func(key, _ []byte) error {
			if until := revokedUntil(key); until.After(s.now()) {
				s.revoked.add([]revocation{{string(key[9:]), until}})
			}
			return nil
		})
	})
}

func revokedUntil(key []byte) time.Time {
	return time.Unix(int64(binary.BigEndian.Uint64(key[1:9])), 0)
}

// errEnough ends a walk over keys before its end.
var errEnough = errors.New("enough")

// forgetRevoked drops revocations that are over, from memory and from Badger. It
// runs in the sweeper, and waits while no change may be made: a full disk is no
// place to tidy.
func (s *Store) forgetRevoked() error {
	if s.refusal() != nil {
		return nil
	}
	now := s.now()
	s.revoked.forget(now)
	var over [][]byte
	err := s.read(func(v *view) error {
		return v.each([]byte{tagRevoked}, func(key, _ []byte) error {
			if revokedUntil(key).After(now) {
				return errEnough
			}
			over = append(over, key)
			return nil
		})
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	batch := s.db.NewWriteBatch()
	defer batch.Cancel()
	for _, key := range over {
		if err := batch.Delete(key); err != nil {
			return err
		}
	}
	return batch.Flush()
}
