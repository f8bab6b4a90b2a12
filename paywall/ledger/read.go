package ledger

import (
	"context"
	"slices"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// Owned answers the live unlock of a resource (canonical path on the site's origin) by
// the wallet with this key. [paywall.ErrNotFound] if there is none,
// [paywall.ErrNoWallet] if the key opens nothing.
func (l *Ledger) Owned(ctx context.Context, key paywall.Hash, site, resource string) (paywall.Unlock, error) {
	return look(ctx, l, Reads{Keys: [][]byte{state.KeyKey(key)}}, func(v *view) (paywall.Unlock, error) {
		_, w, err := v.walletOf(state.KeyKey(key))
		if err != nil {
			return paywall.Unlock{}, err
		}
		o, err := v.owned(w.Number, site, resource)
		if err != nil {
			return paywall.Unlock{}, err
		}
		if !o.Owns() {
			return paywall.Unlock{}, paywall.ErrNotFound
		}
		u, _, err := v.unlockAt(o.Stands)
		if err != nil {
			return paywall.Unlock{}, err
		}
		if u.Site != site || paywall.FoldResource(u.Resource) != paywall.FoldResource(resource) || !u.Live(v.now) {
			return paywall.Unlock{}, paywall.ErrNotFound
		}
		return u, nil
	})
}

// Unlocks lists a page of a wallet's purchases, newest first, refunded ones included, and
// says where the next page begins: "" after the last. It leaves out purchases of the page
// that the wallet asked to forget. It costs what is on the page, however long the history
// is. A page that begins with no purchase of the wallet's is [paywall.ErrNotFound].
// [paywall.ErrNoWallet].
func (l *Ledger) Unlocks(ctx context.Context, wallet string, p paywall.Page) (list []paywall.Unlock, next string, err error) {
	list, err = look(ctx, l, walletReads(wallet), func(v *view) ([]paywall.Unlock, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		at := w.Bought
		if p.Before != "" {
			before, err := v.bought(w.Number, p.Before)
			if err != nil {
				return nil, err
			}
			at = before.Prev
		}
		list, at, err := unlocks(ctx, l, v, &w, at, p.Limit)
		if !at.IsZero() && len(list) > 0 {
			next = list[len(list)-1].ID
		}
		return slices.DeleteFunc(list, func(u paywall.Unlock) bool { return !lists(w.Settings, &u, v.now) }), err
	})
	return list, next, err
}

// unlocks reads limit purchases of a wallet from a ref on, and says where the one before
// them stands.
func unlocks(ctx context.Context, l *Ledger, v *view, w *state.Wallet, at Ref, limit int) (list []paywall.Unlock, next Ref, err error) {
	list = []paywall.Unlock{}
	for !at.IsZero() && len(list) < limit {
		if err := l.interrupted(ctx); err != nil {
			return nil, at, err
		}
		u, kept, err := v.unlockAt(at)
		if err != nil {
			return nil, at, err
		}
		u.Forgotten = forgets(w.Settings, u.At)
		list = append(list, u)
		at = kept.Prev
	}
	return list, at, nil
}

// Bought answers one purchase that Unlocks would list on some page: else
// [paywall.ErrNotFound]. [paywall.ErrNoWallet].
func (l *Ledger) Bought(ctx context.Context, wallet, unlock string) (paywall.Unlock, error) {
	return look(ctx, l, walletReads(wallet, state.UnlockKey(unlock)), func(v *view) (paywall.Unlock, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return paywall.Unlock{}, err
		}
		kept, err := v.bought(w.Number, unlock)
		if err != nil {
			return paywall.Unlock{}, err
		}
		u, _, err := v.unlockAt(kept.Bought)
		u.Forgotten = forgets(w.Settings, u.At)
		if err == nil && !lists(w.Settings, &u, v.now) {
			err = paywall.ErrNotFound
		}
		return u, err
	})
}

// unlockAt reads a purchase and, if there was one, its refund.
func (v *view) unlockAt(at Ref) (paywall.Unlock, state.Unlock, error) {
	r, err := v.Record(at)
	if err != nil {
		return paywall.Unlock{}, state.Unlock{}, err
	}
	kept, _, err := v.unlock(r.Unlock)
	if err != nil {
		return paywall.Unlock{}, kept, err
	}
	if kept.Refunded.IsZero() {
		u := v.unlockOf(r, nil)
		u.Given = kept.Given
		return u, kept, v.lock(kept.Number, &u)
	}
	refund, err := v.Record(kept.Refunded)
	if err != nil {
		return paywall.Unlock{}, kept, err
	}
	return v.unlockOf(r, refund), kept, nil
}
