package ledger

import (
	"context"
	"errors"
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tuppence/tuppence/paywall/ledger/state"
)

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

func (r *revocations) add(dead []Revocation) {
	if len(dead) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	touched := make(map[*atomic.Pointer[map[string]int64]]map[string]int64, min(len(dead), len(r.shards)))
	for _, d := range dead {
		shard := r.shard(d.Unlock)
		m, ok := touched[shard]
		if !ok {
			m = map[string]int64{}
			if old := shard.Load(); old != nil {
				m = maps.Clone(*old)
			}
			touched[shard] = m
		}
		m[d.Unlock] = d.Until.Unix()
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

// Revoked reports whether tokens of this unlock are dead. It is on the hot path: no
// I/O, no lock shared between readers, no allocation.
func (l *Ledger) Revoked(unlock string) bool { return l.revoked.has(unlock) }

// loadRevoked reads the revocations that are in force.
func loadRevoked(l *Ledger) error {
	_, err := look(context.Background(), l, Reads{List: true}, func(v *view) (struct{}, error) {
		return struct{}{}, v.Each([]byte{state.TagRevoked}, func(key, _ []byte) error {
			if until, unlock := state.CutRevokedKey(key); until.After(v.now) {
				l.revoked.add([]Revocation{{unlock, until}})
			}
			return nil
		})
	})
	return err
}

// forgetAtOnce bounds the revocations that one change forgets.
const forgetAtOnce = 512

// forgetRevoked drops revocations that are over, from memory and from the state.
func forgetRevoked(ctx context.Context, l *Ledger) error {
	l.revoked.forget(l.info.Now())
	if over, err := anyOver(ctx, l); err != nil || !over {
		return err // no change is made for nothing
	}
	for {
		more, err := commit(ctx, l, Change{Reads: Reads{List: true}}, func(tx *Tx) (more bool, err error) {
			var over [][]byte
			err = tx.Each([]byte{state.TagRevoked}, func(key, _ []byte) error {
				if until, _ := state.CutRevokedKey(key); until.After(tx.now) || len(over) == forgetAtOnce {
					more = !until.After(tx.now)
					return errEnough
				}
				over = append(over, key)
				return nil
			})
			if err != nil && !errors.Is(err, errEnough) {
				return false, err
			}
			for _, key := range over {
				tx.put(key, nil)
			}
			return more, nil
		})
		if err != nil || !more {
			return err
		}
	}
}

// anyOver reports whether the state has a revocation that is over. The oldest stands
// first.
func anyOver(ctx context.Context, l *Ledger) (over bool, err error) {
	return look(ctx, l, Reads{List: true}, func(v *view) (over bool, err error) {
		err = v.Each([]byte{state.TagRevoked}, func(key, _ []byte) error {
			until, _ := state.CutRevokedKey(key)
			over = !until.After(v.now)
			return errEnough
		})
		if errors.Is(err, errEnough) {
			err = nil
		}
		return over, err
	})
}
