package badgerstore

import (
	"context"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// read runs a look at Badger when that has every change answered before.
func (s *Store) read(look func(*view) error) error {
	v, err := s.settled(context.Background())
	if err != nil {
		return err
	}
	defer v.txn.Discard()
	return look(v)
}

// query is a look for a caller, at single keys or, with each, at all of Badger.
func query[T any](ctx context.Context, s *Store, view func(context.Context) (*view, error), look func(*view) (T, error)) (T, error) {
	var none T
	if err := s.enter(); err != nil {
		return none, err
	}
	defer s.gate.RUnlock()
	if err := ctx.Err(); err != nil {
		return none, unavailable(err)
	}
	v, err := view(ctx)
	if err != nil {
		return none, err
	}
	defer v.txn.Discard()
	return look(v)
}

// Wallet implements [paywall.Store].
func (s *Store) Wallet(ctx context.Context, key paywall.Hash) (paywall.Wallet, error) {
	return query(ctx, s, s.latest, func(v *view) (paywall.Wallet, error) {
		id, w, err := v.walletOf(keyKey(key))
		if err != nil {
			return paywall.Wallet{}, err
		}
		return s.wallet(id, w), nil
	})
}

func (s *Store) wallet(id walletID, w wallet) paywall.Wallet {
	return paywall.Wallet{ID: id.String(), Balance: s.money(w.balance), Free: s.money(w.free)}
}

// Owned implements [paywall.Store].
func (s *Store) Owned(ctx context.Context, key paywall.Hash, site, resource string) (paywall.Unlock, error) {
	return query(ctx, s, s.latest, func(v *view) (paywall.Unlock, error) {
		_, w, err := v.walletOf(keyKey(key))
		if err != nil {
			return paywall.Unlock{}, err
		}
		o, err := v.owned(w.number, site, resource)
		if err != nil {
			return paywall.Unlock{}, err
		}
		if !o.owns() {
			return paywall.Unlock{}, paywall.ErrNotFound
		}
		u, _, err := s.unlockAt(v, o.stands)
		if err != nil {
			return paywall.Unlock{}, err
		}
		if u.Site != site || paywall.FoldResource(u.Resource) != paywall.FoldResource(resource) || !u.Live(s.o.Now()) {
			return paywall.Unlock{}, paywall.ErrNotFound
		}
		return u, nil
	})
}

// Unlocks implements [paywall.Store].
func (s *Store) Unlocks(ctx context.Context, wallet string, p paywall.Page) (list []paywall.Unlock, next string, err error) {
	list, err = query(ctx, s, s.latest, func(v *view) ([]paywall.Unlock, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		at := w.bought
		if p.Before != "" {
			before, err := v.bought(w.number, p.Before)
			if err != nil {
				return nil, err
			}
			at = before.prev
		}
		list, last, at, err := s.unlocks(ctx, v, w, at, p.Limit)
		if !at.IsZero() {
			next = last
		}
		now := s.now()
		return slices.DeleteFunc(list, func(u paywall.Unlock) bool { return !w.lists(&u, now) }), err
	})
	return list, next, err
}

// unlocks reads so many purchases of a wallet from a place on, and says which one was the last
// and where the one before it stands.
func (s *Store) unlocks(ctx context.Context, v *view, w wallet, at journal.Ref, limit int) (list []paywall.Unlock, last string, next journal.Ref, err error) {
	list = []paywall.Unlock{}
	for !at.IsZero() && len(list) < limit {
		if err := s.interrupted(ctx); err != nil {
			return nil, "", at, err
		}
		u, state, err := s.unlockAt(v, at)
		if err != nil {
			return nil, "", at, err
		}
		u.Forgotten = w.forgets(u.At)
		list = append(list, u)
		last, at = u.ID, state.prev
	}
	return list, last, at, nil
}

// bought finds a purchase of a wallet by its id: [paywall.ErrNotFound].
func (v *view) bought(n number, id string) (unlock, error) {
	u, ok, err := v.unlock(id)
	if err == nil && (!ok || u.number != n) {
		err = paywall.ErrNotFound
	}
	return u, err
}

// Bought implements [paywall.Store].
func (s *Store) Bought(ctx context.Context, wallet, unlock string) (paywall.Unlock, error) {
	return query(ctx, s, s.latest, func(v *view) (paywall.Unlock, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return paywall.Unlock{}, err
		}
		state, err := v.bought(w.number, unlock)
		if err != nil {
			return paywall.Unlock{}, err
		}
		u, _, err := s.unlockAt(v, state.bought)
		u.Forgotten = w.forgets(u.At)
		if err == nil && !w.lists(&u, s.now()) {
			err = paywall.ErrNotFound
		}
		return u, err
	})
}

// unlockAt reads a purchase and, if there was one, its refund.
func (s *Store) unlockAt(v *view, at journal.Ref) (paywall.Unlock, unlock, error) {
	r, err := s.journal.Read(at)
	if err != nil {
		return paywall.Unlock{}, unlock{}, err
	}
	state, _, err := v.unlock(r.Unlock)
	if err != nil {
		return paywall.Unlock{}, state, err
	}
	if state.refunded.IsZero() {
		u := unlockOf(&r, nil, s.o.Currency)
		u.Given = state.given
		return u, state, v.undoable(state.number, &u, s.now())
	}
	refund, err := s.journal.Read(state.refunded)
	if err != nil {
		return paywall.Unlock{}, state, err
	}
	return unlockOf(&r, &refund, s.o.Currency), state, nil
}

// applied is how far the journal is applied to Badger.
func (v *view) applied() (journal.Mark, error) {
	value, err := v.get([]byte{tagMeta})
	if err != nil || value == nil {
		return journal.Mark{}, err
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
