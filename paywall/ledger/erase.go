package ledger

import (
	"context"
	"errors"
	"maps"
	"math"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// Erase removes the wallet's keys, codes, history and ownership, and revokes its
// unlocks. Transfers stay, with an id that nothing leads to any more; a balance left over
// stays in the ledger unreachable. So do its payments and what is on its way, and what it
// owes; money that comes for it stands in unclaimed. The wallet is closed when its record is durable; the
// rest is gone when Erase answers, unless ctx ends before: then the ownership and the
// tokens of a long history end a little later than the wallet. Nothing of it can be seen.
// [paywall.ErrNoWallet].
func (l *Ledger) Erase(ctx context.Context, wallet string) error {
	n, err := change(ctx, l, walletReads(wallet), func(v *view) (*journal.Record, state.Number, error) {
		_, w, err := v.wallet(wallet)
		r := &journal.Record{Wallet: wallet}
		r.Kind = paywall.KindErase
		return r, w.Number, err
	})
	if err != nil {
		return err
	}
	if sweep(ctx, l, n) != nil {
		select {
		case l.wake <- struct{}{}:
		default: // it will look
		}
	}
	return nil
}

// sliceKeys bounds what one step of an erasure takes away, in purchases, transfers and
// other keys together, and with it how long the changes of others wait.
const sliceKeys = 64

// slice is the next bit of an erased wallet to take away. Its purchases' ids stay as
// tombstones, so that none is ever given out twice.
type slice struct {
	v       *view
	n       state.Number
	e       state.Erasure
	left    int
	put     map[string][]byte
	revoked []Revocation
}

// sliceOf finds the next bit; most is how many keys are in it. It follows from the records
// and the state, so nothing of it is recorded.
func sliceOf(v *view, n state.Number, e state.Erasure, most int) (*slice, error) {
	c := &slice{v: v, n: n, e: e, left: most, put: map[string][]byte{}}
	if err := errors.Join(c.purchases(), c.transfers(), c.found()); err != nil {
		return nil, err
	}
	c.put[string(state.ErasureKey(n))] = nil
	if c.left == 0 {
		c.put[string(state.ErasureKey(n))] = c.e.Encode()
	}
	return c, nil
}

func (c *slice) purchases() error {
	at := time.UnixMilli(c.e.At).UTC()
	for ; c.left > 0 && !c.e.Bought.IsZero(); c.left-- {
		r, err := c.v.Record(c.e.Bought)
		if err != nil {
			return err
		}
		kept, _, err := c.v.unlock(r.Unlock)
		if err != nil {
			return err
		}
		c.put[string(state.UnlockKey(r.Unlock))] = state.Tombstone
		c.put[string(state.ResourceKey(c.n, r.Site, r.Resource))] = nil
		if u := c.v.unlockOf(r, nil); kept.Refunded.IsZero() && u.Live(at) {
			dead := Revocation{u.ID, at.Add(RevokedFor)}
			c.put[string(state.RevokedKey(dead.Until, dead.Unlock))] = []byte{}
			c.revoked = append(c.revoked, dead)
		}
		c.e.Bought = kept.Prev
	}
	return nil
}

func (c *slice) transfers() error {
	for ; c.left > 0 && !c.e.Moved.IsZero(); c.left-- {
		r, err := c.v.Record(c.e.Moved)
		if err != nil {
			return err
		}
		key := state.TransferKey(c.n, r.Cause)
		value, err := c.v.Get(key)
		if err != nil {
			return err
		}
		t, err := state.DecodeTransfer(value)
		if err != nil {
			return err
		}
		c.put[string(key)] = nil
		c.e.Moved = t.Prev
	}
	return nil
}

// found takes away what is found by the wallet's number: its index with all that the
// index leads to, and its counters.
func (c *slice) found() error {
	for _, prefix := range [][]byte{state.IndexPrefix(c.n), state.CounterPrefix(c.n)} {
		err := c.v.Each(prefix, func(key, _ []byte) error {
			if c.left == 0 {
				return errEnough
			}
			c.left--
			c.put[string(key)] = nil
			if key[0] != state.TagIndex {
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

// target takes away the key that an index entry names, unless it has become another
// wallet's since this one was closed.
func (c *slice) target(key []byte) error {
	if key[0] == state.TagOpenIntent { // is waited for, and its money then stands in unclaimed
		return nil
	}
	if key[0] == state.TagDropped {
		key = append([]byte{state.TagKey}, key[1:]...)
	}
	value, err := c.v.Get(key)
	if err != nil {
		return err
	}
	if key[0] == state.TagGift || len(value) == 0 || len(value) >= len(c.e.Of) && state.WalletID(value[:len(c.e.Of)]) == c.e.Of {
		c.put[string(key)] = nil
	}
	return nil
}

// sweep takes an erased wallet away, slice by slice.
func sweep(ctx context.Context, l *Ledger, n state.Number) error {
	for {
		more, err := commit(ctx, l, Change{Reads: Reads{Keys: [][]byte{state.ErasureKey(n)}, List: true}}, func(tx *Tx) (bool, error) {
			value, err := tx.Get(state.ErasureKey(n))
			if err != nil || value == nil {
				return false, err
			}
			e, err := state.DecodeErasure(value)
			if err != nil {
				return false, err
			}
			c, err := sliceOf(&tx.view, n, e, sliceKeys)
			if err != nil {
				return false, err
			}
			for key, value := range c.put {
				tx.put([]byte(key), value)
			}
			tx.revoked = append(tx.revoked, c.revoked...)
			return c.left == 0, nil
		})
		if err != nil || !more {
			return err
		}
	}
}

// tidy is the goroutine that takes away erased wallets that are left, after a crash or
// where the caller of Erase did not wait, and forgets old revocations.
func tidy(l *Ledger) {
	forget := time.NewTicker(10 * time.Minute)
	defer forget.Stop()
	again := time.NewTicker(time.Second) // after a full disk
	defer again.Stop()
	left := sweepAll(l.life, l) != nil
	_ = forgetRevoked(l.life, l)
	for {
		select {
		case <-l.life.Done():
			return
		case <-l.wake:
		case <-again.C:
			if !left {
				continue
			}
		case <-forget.C:
			_ = forgetRevoked(l.life, l) // ten minutes later it tries again
			continue
		}
		left = sweepAll(l.life, l) != nil
	}
}

// sweepAll takes away all wallets that are being erased.
func sweepAll(ctx context.Context, l *Ledger) error {
	var numbers []state.Number
	_, err := look(ctx, l, Reads{List: true}, func(v *view) (struct{}, error) {
		return struct{}{}, v.Each([]byte{state.TagErasure}, func(key, _ []byte) error {
			numbers = append(numbers, state.Number(key[1:]))
			return nil
		})
	})
	for _, n := range numbers {
		err = errors.Join(err, sweep(ctx, l, n))
	}
	return err
}

// erased is what is still to be written for the wallets that are being erased; nil:
// deleted.
func erased(v *view) (map[string][]byte, error) {
	left := map[string][]byte{}
	err := v.Each([]byte{state.TagErasure}, func(key, value []byte) error {
		e, err := state.DecodeErasure(value)
		if err != nil {
			return err
		}
		c, err := sliceOf(v, state.Number(key[1:]), e, math.MaxInt)
		if err != nil {
			return err
		}
		maps.Copy(left, c.put)
		return nil
	})
	return left, err
}
