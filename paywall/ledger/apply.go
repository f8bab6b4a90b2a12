package ledger

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// Apply does to the state what follows from a record: for a change that is being made,
// and for a record that is read from the journal again. It is the one place where a
// record becomes state, in every engine. An error says that the state is not as the
// records before have made it.
func Apply(tx *Tx, r *journal.Record, at Ref) error {
	if err := tx.apply(r, at); err != nil {
		return fmt.Errorf("applying record %d: %w", r.Seq, err)
	}
	return tx.move(r.Legs)
}

// Large reports whether what a record does to the state may be too much for one
// transaction of an engine; doing it twice does no harm then.
func Large(r *journal.Record) bool {
	return r.Kind == paywall.KindVoucher || r.Kind == paywall.KindRevoke
}

func (tx *Tx) apply(r *journal.Record, at Ref) error {
	if r.Funding != nil {
		return tx.applyFunding(r, at)
	}
	switch r.Kind {
	case paywall.KindOpen:
		return tx.applyOpen(r, at)
	case paywall.KindVoucher:
		tx.applyVouchers(r)
		return nil
	case paywall.KindGenesis:
		return nil
	default: // changes a wallet that is there
	}
	id, w, err := tx.wallet(r.Wallet)
	if err != nil {
		return err
	}
	switch r.Kind {
	case paywall.KindKey:
		tx.putKeys(id, w.Number, r, at)
	case paywall.KindPasskey:
		tx.applyPasskey(r, at, id, w.Number)
	case paywall.KindDrop:
		tx.applyDrop(r, w.Number)
	case paywall.KindRedeem:
		return tx.applyRedeem(r, at, id, &w)
	case paywall.KindUnlock:
		return tx.applyUnlock(r, at, id, &w)
	case paywall.KindRefund:
		return tx.applyRefund(r, at, id, &w)
	case paywall.KindTip:
		takeFree(&w, r.Paid())
		spend(&w.Spent, r)
		tx.putTransfer(id, &w, r, at)
	case paywall.KindGift:
		return tx.applyGift(r, at, id, &w)
	case paywall.KindSetting:
		w.Settings = settingsAfter(w.Settings, r)
		tx.putWallet(id, &w)
	case paywall.KindErase:
		return tx.applyErase(r, id, &w)
	default: // above
	}
	return nil
}

// move books the legs.
func (tx *Tx) move(legs []paywall.Leg) error {
	for _, l := range legs {
		id, isWallet := strings.CutPrefix(l.Account, walletPrefix)
		if !isWallet {
			balance, _, err := tx.balance(l.Account)
			if err != nil {
				return err
			}
			tx.put(state.AccountKey(l.Account), state.EncodeBalance(balance+l.Micros))
			continue
		}
		raw, w, err := tx.wallet(id)
		if err != nil {
			return err
		}
		w.Balance += l.Micros
		tx.putWallet(raw, &w)
	}
	return nil
}

func (tx *Tx) applyOpen(r *journal.Record, at Ref) error {
	id, ok := state.ParseWalletID(r.Wallet)
	if !ok {
		return state.ErrValue
	}
	w := state.Wallet{Number: state.NumberOf(r.Seq), Opened: at, Free: r.Paid()}
	tx.putWallet(id, &w)
	tx.putKeys(id, w.Number, r, at)
	if r.Paid() == 0 {
		return nil
	}
	return tx.count(state.WelcomeKey(r.Site), day(r.Time), 1)
}

func (tx *Tx) putKeys(id state.WalletID, n state.Number, r *journal.Record, at Ref) {
	key, code := state.KeyKey(r.Key), state.CodeKey(r.Code)
	tx.put(key, id[:])
	tx.put(state.IndexKey(n, key), state.AppendRef(nil, at))
	tx.put(code, id[:])
	tx.put(state.IndexKey(n, code), []byte{})
}

func (tx *Tx) applyPasskey(r *journal.Record, at Ref, id state.WalletID, n state.Number) {
	key := state.PasskeyKey(r.Passkey)
	if r.Data == "" {
		tx.put(key, nil)
		tx.put(state.IndexKey(n, key), nil)
		return
	}
	tx.put(key, state.Passkey{Of: id, Set: at}.Encode())
	tx.put(state.IndexKey(n, key), []byte{})
}

// applyDrop leaves the key without a wallet, so that it is never taken again.
func (tx *Tx) applyDrop(r *journal.Record, n state.Number) {
	key := state.KeyKey(r.Key)
	tx.put(key, []byte{})
	tx.put(state.IndexKey(n, key), nil)
	tx.put(state.DroppedKey(n, r.Key), []byte{})
	if r.Code != (paywall.Hash{}) {
		tx.put(state.CodeKey(r.Code), nil)
		tx.put(state.IndexKey(n, state.CodeKey(r.Code)), nil)
	}
}

func (tx *Tx) applyVouchers(r *journal.Record) {
	for _, v := range r.Vouchers {
		value := state.Voucher{Amount: v.Amount.Micros}
		if !v.ExpiresAt.IsZero() {
			value.Expires = v.ExpiresAt.UnixMilli()
		}
		tx.put(state.VoucherKey(v.Code), value.Encode())
	}
}

func (tx *Tx) applyRedeem(r *journal.Record, at Ref, id state.WalletID, w *state.Wallet) error {
	key := state.VoucherKey(r.Voucher)
	value, err := tx.Get(key)
	if err != nil {
		return err
	}
	v, err := state.DecodeVoucher(value)
	if err != nil {
		return err
	}
	v.Used = state.UsedBy(id, r.Voucher)
	tx.put(key, v.Encode())
	w.Owed -= legOf(r, paywall.AccountReceivable)
	tx.putTransfer(id, w, r, at)
	return nil
}

func (tx *Tx) applyUnlock(r *journal.Record, at Ref, id state.WalletID, w *state.Wallet) error {
	o, err := tx.owned(w.Number, r.Site, r.Resource)
	if err != nil {
		return err
	}
	o.Stands = at
	tx.put(state.ResourceKey(w.Number, r.Site, r.Resource), o.Encode())
	free := takeFree(w, r.Paid())
	u := state.Unlock{Number: w.Number, Bought: at, Prev: w.Bought, Free: free - r.Free}
	tx.put(state.UnlockKey(r.Unlock), u.Encode())
	w.Bought = at
	spend(&w.Spent, r)
	tx.putWallet(id, w)
	if r.Gift != (paywall.Hash{}) {
		return tx.applyOpened(r.Gift)
	}
	if r.Cap == 0 {
		return nil
	}
	if r.Paid() < r.Price {
		if err := tx.reduce(w.Number, r.Site, month(r.Time)); err != nil {
			return err
		}
	}
	return tx.count(state.CapKey(w.Number, r.Site), month(r.Time), r.Paid())
}

// reduce notes that a cap took something off a price in a month.
func (tx *Tx) reduce(n state.Number, site string, m uint64) error {
	key := state.ReducedKey(n, site)
	c, err := tx.counter(key)
	if err != nil {
		return err
	}
	if m > c.Period {
		c.Amount, c.Period = c.Amount<<min(m-c.Period, 64)&math.MaxInt64, m
	}
	c.Amount |= 1 << min(c.Period-m, 64) & math.MaxInt64 // of a clock that was set back, an earlier month
	tx.put(key, c.Encode())
	return nil
}

func (tx *Tx) applyRefund(r *journal.Record, at Ref, id state.WalletID, w *state.Wallet) error {
	u, ok, err := tx.unlock(r.Unlock)
	if err != nil || !ok {
		return fmt.Errorf("finding its purchase: %w", cmp.Or(err, state.ErrValue))
	}
	free := u.Free
	u.Refunded = at
	tx.put(state.UnlockKey(r.Unlock), u.Encode())
	o, err := tx.owned(u.Number, r.Site, r.Resource)
	if err != nil {
		return err
	}
	if o.Undone++; o.Stands == u.Bought {
		o.Stands = Ref{}
	}
	tx.put(state.ResourceKey(u.Number, r.Site, r.Resource), o.Encode())
	tx.revoke(r.Unlock, r.Time)
	if err := tx.count(state.RefundsKey(u.Number), month(r.Time), 1); err != nil {
		return err
	}
	bought, err := tx.Record(u.Bought)
	if err != nil {
		return err
	}
	w.Free += bought.Free + free
	unspend(&w.Spent, bought, r.Paid())
	tx.putWallet(id, w)
	if bought.Cap == 0 {
		return nil
	}
	return tx.count(state.CapKey(w.Number, bought.Site), month(bought.Time), -r.Paid())
}

// putTransfer puts a tip or a top-up in front of a wallet's others.
func (tx *Tx) putTransfer(id state.WalletID, w *state.Wallet, r *journal.Record, at Ref) {
	tx.put(state.TransferKey(w.Number, r.Cause), state.Transfer{At: at, Prev: w.Moved}.Encode())
	w.Moved = at
	tx.putWallet(id, w)
}

func (tx *Tx) applyGift(r *journal.Record, at Ref, id state.WalletID, w *state.Wallet) error {
	key := state.GiftKey(r.Gift)
	tx.put(key, state.Gift{Made: at, Prev: w.Gave}.Encode())
	w.Gave = at
	tx.putWallet(id, w)
	tx.put(state.IndexKey(w.Number, key), []byte{})
	return tx.count(state.GiftsKey(w.Number), month(r.Time), 1)
}

// applyOpened counts a gift's reader, and binds the giver to the purchase.
func (tx *Tx) applyOpened(key paywall.Hash) error {
	g, err := tx.giftDetails(key)
	if err != nil {
		return err
	}
	g.state.Opened++
	tx.put(state.GiftKey(key), g.state.Encode())
	g.giver.Given = true
	tx.put(state.UnlockKey(g.made.Unlock), g.giver.Encode())
	return nil
}

// applyErase closes the wallet at once: nothing leads to it any more. The rest is taken
// away in slices, see [Ledger.Erase]. What it owes stays.
func (tx *Tx) applyErase(r *journal.Record, id state.WalletID, w *state.Wallet) error {
	tx.putWallet(id, nil)
	tx.put(state.ErasureKey(w.Number), state.Erasure{Of: id, At: r.Time.UnixMilli(), Bought: w.Bought, Moved: w.Moved}.Encode())
	return tx.owe(w.Number, w.Owed)
}

// takeFree takes a payment off the free credit first, and answers how much of the
// payment that was.
func takeFree(w *state.Wallet, paid int64) (free int64) {
	free = min(paid, w.Free)
	w.Free -= free
	return free
}
