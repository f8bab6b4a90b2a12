package ledger

import (
	"context"
	"math"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// Refund gives back exactly what was paid, to the kind of credit it came from, takes the
// shares back, ends ownership and revokes the unlock before it answers. Key: the unlock;
// a second refund answers the first receipt. An unlock that is unknown or another
// wallet's is [paywall.ErrNotFound].
//
// Undoing is for mistakes, not for reading. It is refused after RefundableUntil, or
// after the access has ended: [paywall.ErrRefundClosed]; when the wallet undid a
// purchase of the resource before: [paywall.ErrRefundOnce]; when a cap took something off
// a price that the wallet paid at the site in the UTC month of the purchase:
// [paywall.ErrRefundCapped]; when somebody opened a gift of it: [paywall.ErrRefundGiven].
// With a limit above zero, a wallet that had that many refunds in this UTC month is
// refused the next: [paywall.ErrTooManyRefunds]. Refunds without a limit count, too. A
// refund lowers the sum counted under a cap for the month in which the purchase was made.
func (l *Ledger) Refund(ctx context.Context, wallet, unlock string, limit int) (paywall.Receipt, error) {
	if limit < 0 || limit > math.MaxInt32 {
		return paywall.Receipt{}, paywall.Errorf(paywall.CodeMalformed, "a limit of %d refunds cannot be kept", limit)
	}
	return change(ctx, l, walletReads(wallet, state.UnlockKey(unlock)), func(v *view) (*journal.Record, paywall.Receipt, error) {
		return decideRefund(v, wallet, unlock, limit)
	})
}

func decideRefund(v *view, wallet, unlock string, limit int) (_ *journal.Record, receipt paywall.Receipt, err error) {
	_, w, err := v.wallet(wallet)
	if paywall.ErrorCode(err) == paywall.CodeNoWallet {
		err = paywall.ErrNotFound
	}
	if err != nil {
		return nil, receipt, err
	}
	u, err := v.bought(w.Number, unlock)
	if err != nil {
		return nil, receipt, err
	}
	bought, err := v.Record(u.Bought)
	if err != nil {
		return nil, receipt, err
	}
	if !u.Refunded.IsZero() {
		first, err := v.Record(u.Refunded)
		if err != nil {
			return nil, receipt, err
		}
		return nil, paywall.Receipt{Unlock: v.unlockOf(bought, first), Balance: v.money(w.Balance)}, nil
	}
	if err := mayRefund(v, w.Number, u, bought, limit); err != nil {
		return nil, receipt, err
	}
	r := &journal.Record{Wallet: bought.Wallet, Unlock: bought.Unlock, Site: bought.Site, Resource: bought.Resource, Limit: limit}
	r.Kind, r.Free, r.Time = paywall.KindRefund, bought.Free+u.Free, v.now
	for _, leg := range bought.Legs {
		r.Legs = append(r.Legs, paywall.Leg{Account: leg.Account, Micros: -leg.Micros})
	}
	return r, paywall.Receipt{Unlock: v.unlockOf(bought, r), Balance: v.money(w.Balance + r.Paid())}, nil
}

// mayRefund is why a purchase that was not refunded cannot be now, nil if it can.
func mayRefund(v *view, n state.Number, u state.Unlock, bought *journal.Record, limit int) error {
	if u.Given {
		return paywall.ErrRefundGiven
	}
	was := v.unlockOf(bought, nil)
	locked, err := v.locked(n, &was)
	switch {
	case err != nil:
		return err
	case locked != nil:
		return locked
	case !was.Refundable(v.now):
		return paywall.ErrRefundClosed
	}
	refunds, err := v.counted(state.RefundsKey(n), month(v.now))
	if err == nil && limit > 0 && refunds >= int64(limit) {
		err = paywall.Errorf(paywall.CodeTooManyRefunds,
			"%d purchases were undone this month; the next can be from %s on", refunds, paywall.NextMonth(v.now).Format("2 January"))
	}
	return err
}

// reduced reports whether a cap took something off a price in a month.
func (v *view) reduced(n state.Number, site string, m uint64) (bool, error) {
	c, err := v.counter(state.ReducedKey(n, site))
	back := c.Period - m
	return err == nil && m <= c.Period && back < state.ReducedMonths && c.Amount>>back&1 == 1, err
}

// final is why a purchase at a charge could not be undone, nil if it could.
func final(v *view, n state.Number, o *paywall.Offer, before state.Owned, charge paywall.Money) (*paywall.Error, error) {
	reduced := charge.Micros < o.Price.Micros
	if !o.Cap.IsZero() && !reduced {
		var err error
		if reduced, err = v.reduced(n, o.Site, month(v.now)); err != nil {
			return nil, err
		}
	}
	switch {
	case reduced:
		return paywall.ErrRefundCapped, nil
	case before.Undone > 0:
		return paywall.ErrRefundOnce, nil
	}
	return nil, nil
}

// locked is why a purchase that was made cannot be undone although there is time, nil
// if it can.
func (v *view) locked(n state.Number, u *paywall.Unlock) (*paywall.Error, error) {
	reduced, err := v.reduced(n, u.Site, month(u.At))
	if err != nil {
		return nil, err
	}
	o, err := v.owned(n, u.Site, u.Resource)
	switch {
	case err != nil:
		return nil, err
	case reduced:
		return paywall.ErrRefundCapped, nil
	case o.Undone > 0:
		return paywall.ErrRefundOnce, nil
	}
	return nil, nil
}

// lock takes the time to undo it from a purchase that cannot be undone.
func (v *view) lock(n state.Number, u *paywall.Unlock) error {
	if !u.Refundable(v.now) {
		return nil
	}
	why, err := v.locked(n, u)
	if why != nil {
		u.RefundableUntil = u.At
	}
	return err
}
