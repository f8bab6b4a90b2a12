package badgerstore

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dgraph-io/badger/v4"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// apply is the one place where a record becomes state: for a change that is
// being made, and for one that is read from the journal again.
func (g *group) apply(r *journal.Record, at journal.Ptr) error {
	var err error
	switch r.Kind {
	case paywall.KindOpen:
		err = g.applyOpen(r, at)
	case paywall.KindKey:
		err = g.applyKey(r, at)
	case paywall.KindPasskey:
		err = g.applyPasskey(r, at)
	case paywall.KindDrop:
		err = g.applyDrop(r)
	case paywall.KindVoucher:
		g.applyVouchers(r)
	case paywall.KindRedeem:
		err = g.applyRedeem(r, at)
	case paywall.KindUnlock:
		err = g.applyUnlock(r, at)
	case paywall.KindRefund:
		err = g.applyRefund(r, at)
	case paywall.KindTip:
		err = g.applyTip(r, at)
	case paywall.KindGift:
		err = g.applyGift(r, at)
	case paywall.KindSetting:
		err = g.applySetting(r)
	case paywall.KindErase:
		err = g.applyErase(r)
	}
	if err != nil {
		return fmt.Errorf("applying record %d: %w", r.Seq, err)
	}
	return g.move(r.Legs)
}

// move books the legs.
func (g *group) move(legs []paywall.Leg) error {
	for _, l := range legs {
		id, isWallet := strings.CutPrefix(l.Account, walletPrefix)
		if !isWallet {
			balance, _, err := g.balance(l.Account)
			if err != nil {
				return err
			}
			g.put(accountKey(l.Account), encodeBalance(balance+l.Micros))
			continue
		}
		raw, w, err := g.wallet(id)
		if err != nil {
			return err
		}
		w.balance += l.Micros
		g.put(walletKey(raw), w.encode())
	}
	return nil
}

func (g *group) applyOpen(r *journal.Record, at journal.Ptr) error {
	id, ok := parseWalletID(r.Wallet)
	if !ok {
		return errValue
	}
	w := wallet{number: numberOf(r.Seq)}
	g.put(walletKey(id), w.encode())
	g.putKeys(id, w.number, r, at)
	return nil
}

func (g *group) applyKey(r *journal.Record, at journal.Ptr) error {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	g.putKeys(id, w.number, r, at)
	return nil
}

func (g *group) putKeys(id walletID, n number, r *journal.Record, at journal.Ptr) {
	key, code := keyKey(r.Key), codeKey(r.Code)
	g.put(key, id[:])
	g.put(indexKey(n, key), appendPtr(nil, at))
	g.put(code, id[:])
	g.put(indexKey(n, code), []byte{})
}

func (g *group) applyVouchers(r *journal.Record) {
	for _, v := range r.Vouchers {
		value := voucher{amount: v.Amount.Micros}
		if !v.ExpiresAt.IsZero() {
			value.expires = v.ExpiresAt.UnixMilli()
		}
		g.put(voucherKey(v.Code), value.encode())
	}
}

func (g *group) applyRedeem(r *journal.Record, at journal.Ptr) error {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	key := voucherKey(r.Voucher)
	value, err := g.get(key)
	if err != nil {
		return err
	}
	v, err := decodeVoucher(value)
	if err != nil {
		return err
	}
	v.used = usedBy(id, r.Voucher)
	g.put(key, v.encode())
	g.put(transferKey(w.number, r.Cause), appendPtr(nil, at))
	return nil
}

func (g *group) applyUnlock(r *journal.Record, at journal.Ptr) error {
	_, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	g.put(unlockKey(r.Unlock), unlock{number: w.number, bought: at}.encode())
	o, err := g.owned(w.number, r.Site, r.Resource)
	if err != nil {
		return err
	}
	if len(o.bought) == 0 || o.bought[0] != at { // not when it is applied again
		o.bought = slices.Insert(o.bought, 0, at)
	}
	o.stands = true
	g.put(resourceKey(w.number, r.Site, r.Resource), o.encode())
	if r.Gift != (paywall.Hash{}) {
		return g.applyOpened(r.Gift)
	}
	return g.countPaid(w, r, r.Paid())
}

// countPaid counts what a purchase took, or takes off again what was given back.
func (g *group) countPaid(w wallet, bought *journal.Record, amount int64) error {
	if bought.Cap != 0 {
		if err := g.count(capKey(w.number, bought.Site), month(bought.Time), amount); err != nil {
			return err
		}
	}
	if w.budget != 0 {
		if err := g.count(counterKey(w.number, countDay), day(bought.Time), amount); err != nil {
			return err
		}
	}
	if bought.Auto && w.week != 0 {
		return g.count(counterKey(w.number, countWeek), weekOf(bought.Time), amount)
	}
	return nil
}

func (g *group) applyRefund(r *journal.Record, at journal.Ptr) error {
	u, ok, err := g.unlock(r.Unlock)
	if err != nil || !ok {
		return fmt.Errorf("finding its purchase: %w", cmp.Or(err, errValue))
	}
	u.refunded = at
	g.put(unlockKey(r.Unlock), u.encode())
	o, err := g.owned(u.number, r.Site, r.Resource)
	if err != nil {
		return err
	}
	if len(o.bought) > 0 && o.bought[0] == u.bought {
		o.stands = false
		g.put(resourceKey(u.number, r.Site, r.Resource), o.encode())
	}
	g.revoke(r.Unlock, r.Time)
	if err := g.count(counterKey(u.number, countRefunds), month(r.Time), 1); err != nil {
		return err
	}
	bought, err := g.read(u.bought)
	if err != nil {
		return err
	}
	_, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	return g.countPaid(w, bought, -r.Paid())
}

// applyErase takes away everything that leads to the wallet. Its unlocks'
// ids stay as tombstones, so that none is ever given out twice. The group holds
// nothing else, so Badger's snapshot has all there is to find.
func (g *group) applyErase(r *journal.Record) error {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	index := indexPrefix(w.number)
	err = g.each(index, func(key, _ []byte) error {
		g.put(key, nil)
		g.put(key[len(index):], nil)
		return nil
	})
	if err != nil {
		return err
	}
	err = g.each(resourcePrefix(w.number), func(key, value []byte) error {
		g.put(key, nil)
		o, err := decodeOwned(value)
		if err != nil {
			return err
		}
		for i, at := range o.bought {
			bought, err := g.read(at)
			if err != nil {
				return err
			}
			u := unlockOf(bought, nil, g.s.o.Currency)
			g.put(unlockKey(u.ID), make([]byte, len(number{})))
			if (i > 0 || o.stands) && u.Live(r.Time) {
				g.revoke(u.ID, r.Time)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	g.put(walletKey(id), nil)
	for _, prefix := range [][]byte{counterKeys(w.number), transferPrefix(w.number)} {
		err := g.each(prefix, func(key, _ []byte) error {
			g.put(key, nil)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// each reads all keys with a prefix from Badger's snapshot, over which no layer
// may lie. Key and value are the callback's to keep.
func (v *view) each(prefix []byte, yield func(key, value []byte) error) error {
	if len(v.layers) > 0 {
		return errors.New("reading Badger: it lacks changes that were made already")
	}
	it := v.txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Seek(prefix); it.ValidForPrefix(prefix); it.Next() {
		value, err := it.Item().ValueCopy(nil)
		if err != nil {
			return fmt.Errorf("reading Badger: %w", err)
		}
		if err := yield(it.Item().KeyCopy(nil), value); err != nil {
			return err
		}
	}
	return nil
}
