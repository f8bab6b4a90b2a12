package badgerstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// erasure is the value of the key of a wallet that is being erased: what is left
// to take away. It begins with all of it, in the change that closes the wallet.
type erasure struct {
	of     walletID
	at     int64       // Unix milliseconds
	bought journal.Ref // the newest purchase that is left
	moved  journal.Ref // the newest tip or top-up
	after  []byte      // the last key that was looked at, of those that are found by their prefix
}

func erasureKey(n number) []byte { return append([]byte{tagErasure}, n[:]...) }

func (e erasure) encode() []byte {
	b := binary.AppendVarint(e.of[:], e.at)
	return append(appendLink(appendLink(b, e.bought), e.moved), e.after...)
}

func decodeErasure(v []byte) (e erasure, err error) {
	if len(v) < len(e.of) {
		return e, errValue
	}
	e.of = walletID(v[:len(e.of)])
	at, size := binary.Varint(v[len(e.of):])
	if size <= 0 {
		return e, errValue
	}
	e.at = at
	if e.bought, v, err = cutLink(v[len(e.of)+size:]); err == nil {
		e.moved, v, err = cutLink(v)
	}
	e.after = v
	return e, err
}

// sliceKeys bounds what one step of an erasure takes away, in purchases, transfers
// and other keys together, and with it how long anybody waits for it.
const sliceKeys = 256

// slice takes the next bit of a wallet away. Its purchases' ids stay as tombstones,
// so that none is ever given out twice.
type slice struct {
	s       *Store
	v       *view
	n       number
	e       erasure
	left    int
	put     map[string][]byte
	revoked []revocation
}

func (s *Store) slice(v *view, n number, e erasure, most int) (*slice, error) {
	c := &slice{s: s, v: v, n: n, e: e, left: most, put: map[string][]byte{}}
	if err := errors.Join(c.purchases(), c.transfers(), c.found()); err != nil {
		return nil, err
	}
	c.put[string(erasureKey(n))] = nil
	if c.left == 0 {
		c.put[string(erasureKey(n))] = c.e.encode()
	}
	return c, nil
}

func (c *slice) purchases() error {
	at := time.UnixMilli(c.e.at).UTC()
	for ; c.left > 0 && !c.e.bought.IsZero(); c.left-- {
		r, err := c.s.journal.Read(c.e.bought)
		if err != nil {
			return err
		}
		state, _, err := c.v.unlock(r.Unlock)
		if err != nil {
			return err
		}
		c.put[string(unlockKey(r.Unlock))] = make([]byte, len(number{}))
		c.put[string(resourceKey(c.n, r.Site, r.Resource))] = nil
		if u := unlockOf(&r, nil, c.s.o.Currency); state.refunded.IsZero() && u.Live(at) {
			dead := revocation{u.ID, at.Add(revokedFor)}
			c.put[string(revokedKey(dead.until, dead.unlock))] = []byte{}
			c.revoked = append(c.revoked, dead)
		}
		c.e.bought = state.prev
	}
	return nil
}

func (c *slice) transfers() error {
	for ; c.left > 0 && !c.e.moved.IsZero(); c.left-- {
		r, err := c.s.journal.Read(c.e.moved)
		if err != nil {
			return err
		}
		key := transferKey(c.n, r.Cause)
		value, err := c.v.get(key)
		if err != nil {
			return err
		}
		t, err := decodeTransfer(value)
		if err != nil {
			return err
		}
		c.put[string(key)] = nil
		c.e.moved = t.prev
	}
	return nil
}

// found takes away what is found by the wallet's number: its index, with what that
// leads to, and its counters.
func (c *slice) found() error {
	for _, prefix := range [][]byte{indexPrefix(c.n), counterKeys(c.n)} {
		if bytes.Compare(c.e.after, prefix) > 0 && !bytes.HasPrefix(c.e.after, prefix) {
			continue // done
		}
		from := prefix
		if bytes.HasPrefix(c.e.after, prefix) {
			from = append(slices.Clone(c.e.after), 0)
		}
		err := c.v.eachFrom(prefix, from, func(key, _ []byte) error {
			if c.left == 0 {
				return errEnough
			}
			c.left--
			c.e.after = key
			c.put[string(key)] = nil
			if key[0] != tagIndex {
				return nil
			}
			return c.target(key[len(prefix):])
		})
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
	}
	return nil
}

// target takes away what the index leads to, unless it has become another wallet's
// since this one was closed.
func (c *slice) target(key []byte) error {
	if key[0] == tagDropped {
		key = append([]byte{tagKey}, key[1:]...)
	}
	value, err := c.v.get(key)
	if err != nil {
		return err
	}
	if key[0] == tagGift || len(value) == 0 || bytes.HasPrefix(value, c.e.of[:]) {
		c.put[string(key)] = nil
	}
	return nil
}

// sweeper takes erased wallets away while the store serves. It follows from the
// journal what it has to do, so nothing of it is recorded, and it works on Badger
// alone: no change waits for it, but a layer that is on its way to Badger, for one
// slice. After a crash it goes on where Badger says that it was.
type sweeper struct {
	mu      sync.Mutex
	waiting map[number]chan struct{} // closed when the wallet is gone
	wake    chan struct{}
}

func newSweeper() sweeper {
	return sweeper{waiting: map[number]chan struct{}{}, wake: make(chan struct{}, 1)}
}

// expect is for whoever erases a wallet and waits until it is gone.
func (w *sweeper) expect(n number) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	gone := make(chan struct{})
	w.waiting[n] = gone
	return gone
}

func (w *sweeper) gone(n number) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if waiting := w.waiting[n]; waiting != nil {
		close(waiting)
		delete(w.waiting, n)
	}
}

// call has it look for work.
func (w *sweeper) call() {
	select {
	case w.wake <- struct{}{}:
	default: // it will look
	}
}

// sweep is the sweeper goroutine.
func (s *Store) sweep() {
	forget := time.NewTicker(10 * time.Minute)
	defer forget.Stop()
	again := time.NewTicker(time.Second) // after a full disk
	defer again.Stop()
	s.sweeper.call()
	for behind := false; ; {
		select {
		case <-s.life.Done():
			return
		case <-s.sweeper.wake:
		case <-again.C:
			if !behind {
				continue
			}
		case <-forget.C:
			if err := s.forgetRevoked(); err != nil {
				s.log.Warn("forgetting old revocations failed", "error", err)
			}
			continue
		}
		err := s.sweepAll()
		if behind = err != nil; behind && s.life.Err() == nil && !errors.Is(err, errSpace) {
			s.log.Warn("taking away erased wallets failed and is tried again", "error", err)
		}
	}
}

// sweepAll takes away all wallets that are erased in Badger.
func (s *Store) sweepAll() error {
	after := []byte{tagErasure}
	for s.life.Err() == nil {
		key, err := s.sweepOne(after)
		if err != nil || key == nil {
			return err
		}
		after = key
	}
	return nil
}

// sweepOne takes a slice of the first erased wallet from a key on, and gives the
// key to go on with; nil: there is none.
func (s *Store) sweepOne(from []byte) (next []byte, err error) {
	if err := s.refusal(); err != nil {
		return nil, err // what it writes goes into mapped files
	}
	s.cut.Lock()
	defer s.cut.Unlock()
	v := view{txn: s.db.NewTransaction(true)}
	defer func() { v.txn.Discard() }()
	n, e, err := v.erased(from)
	if err != nil || e == nil {
		return nil, err
	}
	c, err := s.slice(&v, n, *e, sliceKeys)
	if err != nil {
		return nil, err
	}
	for key, value := range c.put {
		if value == nil {
			err = v.txn.Delete([]byte(key))
		} else {
			err = v.txn.Set([]byte(key), value)
		}
		if err != nil {
			return nil, err
		}
	}
	applied, err := v.applied()
	if err != nil {
		return nil, err
	}
	s.revoked.add(c.revoked)
	if err := v.txn.Commit(); err != nil {
		return nil, err
	}
	if c.left == 0 {
		return erasureKey(n), nil
	}
	s.renew(applied.Seq)
	s.sweeper.gone(n)
	return erasureKey(n), nil
}

// erased is the first wallet from a key on that is being erased; nil: none is.
func (v *view) erased(from []byte) (n number, e *erasure, err error) {
	err = v.eachFrom([]byte{tagErasure}, from, func(key, value []byte) error {
		n = number(key[1:])
		left, err := decodeErasure(value)
		if err != nil {
			return err
		}
		e = &left
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return n, e, err
}

// withoutErased lays over a view what the sweeper has still to do.
func (s *Store) withoutErased(v *view) error {
	left := map[string][]byte{}
	err := v.each([]byte{tagErasure}, func(key, value []byte) error {
		e, err := decodeErasure(value)
		if err != nil {
			return err
		}
		c, err := s.slice(v, number(key[1:]), e, math.MaxInt)
		if err != nil {
			return err
		}
		maps.Copy(left, c.put)
		return nil
	})
	v.pending = left
	return err
}

// Erase implements [paywall.Store]. The wallet is closed when its record is on
// disk; what there was of it is gone when Erase answers, unless ctx ends before.
func (s *Store) Erase(ctx context.Context, wallet string) error {
	gone, err := change(ctx, s, false, func(g *group) (<-chan struct{}, error) {
		_, w, err := g.wallet(wallet)
		if err != nil {
			return nil, err
		}
		r := journal.Record{Wallet: wallet}
		r.Kind = paywall.KindErase
		if err := g.record(&r); err != nil {
			return nil, err
		}
		return s.sweeper.expect(w.number), nil
	})
	if err != nil {
		return err
	}
	select {
	case <-gone:
	case <-ctx.Done():
	case <-s.life.Done():
	case <-s.layers.stuck:
	}
	return nil
}
