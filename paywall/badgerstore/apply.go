package badgerstore

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// apply is the one place where a record becomes state: for a change that is
// being made, and for one that is read from the journal again.
func (g *group) apply(r *journal.Record, at journal.Ref) error {
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

func (g *group) applyOpen(r *journal.Record, at journal.Ref) error {
	id, ok := parseWalletID(r.Wallet)
	if !ok {
		return errValue
	}
	w := wallet{number: numberOf(r.Seq), opened: at, free: r.Paid()}
	g.put(walletKey(id), w.encode())
	g.putKeys(id, w.number, r, at)
	if r.Paid() == 0 {
		return nil
	}
	return g.count(welcomeKey(r.Site), day(r.Time), 1)
}

func (g *group) applyKey(r *journal.Record, at journal.Ref) error {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	g.putKeys(id, w.number, r, at)
	return nil
}

func (g *group) putKeys(id walletID, n number, r *journal.Record, at journal.Ref) {
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

func (g *group) applyRedeem(r *journal.Record, at journal.Ref) error {
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
	g.putTransfer(id, w, r, at)
	return nil
}

func (g *group) applyUnlock(r *journal.Record, at journal.Ref) error {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	o, err := g.owned(w.number, r.Site, r.Resource)
	if err != nil {
		return err
	}
	o.stands = at
	g.put(resourceKey(w.number, r.Site, r.Resource), o.encode())
	free := w.spend(r.Paid())
	g.put(unlockKey(r.Unlock), unlock{number: w.number, bought: at, prev: w.bought, free: free - r.Free}.encode())
	w.bought = at
	w.spent.pay(r)
	g.put(walletKey(id), w.encode())
	if r.Gift != (paywall.Hash{}) {
		return g.applyOpened(r.Gift)
	}
	if r.Cap == 0 {
		return nil
	}
	if r.Paid() < r.Price {
		if err := g.reduce(w.number, r.Site, month(r.Time)); err != nil {
			return err
		}
	}
	return g.count(capKey(w.number, r.Site), month(r.Time), r.Paid())
}

func (g *group) applyRefund(r *journal.Record, at journal.Ref) error {
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
	if o.undone++; o.stands == u.bought {
		o.stands = journal.Ref{}
	}
	g.put(resourceKey(u.number, r.Site, r.Resource), o.encode())
	g.revoke(r.Unlock, r.Time)
	if err := g.count(counterKey(u.number, countRefunds), month(r.Time), 1); err != nil {
		return err
	}
	bought, err := g.read(u.bought)
	if err != nil {
		return err
	}
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	w.free += bought.Free + u.free
	w.spent.undo(bought, r.Paid())
	g.put(walletKey(id), w.encode())
	if bought.Cap == 0 {
		return nil
	}
	return g.count(capKey(w.number, bought.Site), month(bought.Time), -r.Paid())
}

// applyErase closes the wallet at once: whatever leads to it leads to nothing
// from now on. What there is of it the sweeper takes away, bit by bit.
func (g *group) applyErase(r *journal.Record) error {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	g.put(walletKey(id), nil)
	g.put(erasureKey(w.number), erasure{of: id, at: r.Time.UnixMilli(), bought: w.bought, moved: w.moved}.encode())
	g.erases = true
	return nil
}
