package badgerstore

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// view is the state at one moment: a Badger snapshot, and for the writer what
// lies over it. A key that does not exist reads as nil.
type view struct {
	txn     *badger.Txn
	layers  []*layer          // what lies over the snapshot
	pending map[string][]byte // written by the group, over the layers; nil: deleted
	known   map[string][]byte // the writer's cache of what layers and Badger hold
	memo    map[string][]byte // what the group has read before; nil: absent
	seen    *seen             // the writer's; nil for others
}

func (v *view) get(key []byte) ([]byte, error) {
	if v.seen != nil && filtered(key) && v.seen.lacks(key) {
		return nil, nil
	}
	if value, ok := v.pending[string(key)]; ok {
		return value, nil
	}
	if value, ok := v.known[string(key)]; ok {
		return value, nil
	}
	if value, ok := lookup(v.layers, key); ok {
		return value, nil
	}
	if value, ok := v.memo[string(key)]; ok {
		return value, nil
	}
	value, err := v.load(bytes.Clone(key)) // keys that are found in memory stay on the stack
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading Badger: %w", err)
	case v.known != nil && value != nil && cached(key):
		v.known[string(key)] = value
	case v.memo != nil:
		v.memo[string(key)] = value
	}
	return value, nil
}

func (v *view) load(key []byte) ([]byte, error) {
	item, err := v.txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return item.ValueCopy(nil)
}

// cached tells the keys whose values the writer keeps: each purchase needs a
// wallet and the site's account.
func cached[K ~[]byte | ~string](key K) bool { return key[0] == tagWallet || key[0] == tagAccount }

// wallet finds a wallet by its id as callers write it: [paywall.ErrNoWallet].
func (v *view) wallet(id string) (walletID, wallet, error) {
	raw, ok := parseWalletID(id)
	if !ok {
		return raw, wallet{}, paywall.ErrNoWallet
	}
	return v.walletByID(raw)
}

// walletOf finds a wallet by a key of the kind k or c: [paywall.ErrNoWallet].
func (v *view) walletOf(key []byte) (walletID, wallet, error) {
	value, err := v.get(key)
	if err != nil {
		return walletID{}, wallet{}, err
	}
	if len(value) != len(walletID{}) {
		return walletID{}, wallet{}, paywall.ErrNoWallet
	}
	return v.walletByID(walletID(value))
}

func (v *view) walletByID(id walletID) (walletID, wallet, error) {
	value, err := v.get(walletKey(id))
	if err != nil {
		return id, wallet{}, err
	}
	if value == nil {
		return id, wallet{}, paywall.ErrNoWallet
	}
	w, err := decodeWallet(value)
	return id, w, err
}

// unlock finds an unlock by its id; ok is false if there is none.
func (v *view) unlock(id string) (u unlock, ok bool, err error) {
	value, err := v.get(unlockKey(id))
	if err != nil || value == nil {
		return u, false, err
	}
	if len(value) == len(number{}) { // a tombstone: its wallet was erased
		return u, true, nil
	}
	u, err = decodeUnlock(value)
	return u, true, err
}

// owned finds the purchases of a resource by a wallet.
func (v *view) owned(n number, site, resource string) (o owned, err error) {
	value, err := v.get(resourceKey(n, site, resource))
	if err != nil || value == nil {
		return o, err
	}
	return decodeOwned(value)
}

// unlockOf puts together what the purchase's record and its refund's say.
func unlockOf(r *journal.Record, refund *journal.Record, c paywall.Currency) paywall.Unlock {
	u := paywall.Unlock{
		ID: r.Unlock, Wallet: r.Wallet, Offer: r.Offer, Site: r.Site, Resource: r.Resource,
		URL: r.URL, Title: r.Title, Paid: paywall.Money{Micros: r.Paid(), Currency: c}, Auto: r.Auto, Gift: r.Gift,
		At: r.Time, RefundableUntil: r.Time.Add(r.Refund),
	}
	if r.Access > 0 {
		u.ExpiresAt = r.Time.Add(r.Access)
	}
	if r.Access > 0 && r.Access < r.Refund { // what was read to its end is no mistake
		u.RefundableUntil = u.ExpiresAt
	}
	if refund != nil {
		u.RefundedAt = refund.Time
	}
	return u
}
