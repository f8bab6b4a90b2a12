package badgerstore

import (
	"context"
	"math"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// Refund implements [paywall.Store].
func (s *Store) Refund(ctx context.Context, wallet, unlock string, limit int) (paywall.Receipt, error) {
	if limit < 0 || limit > math.MaxInt32 {
		return paywall.Receipt{}, paywall.Errorf(paywall.CodeMalformed, "a limit of %d refunds cannot be kept", limit)
	}
	return change(ctx, s, false, func(g *group) (paywall.Receipt, error) {
		id, w, err := g.wallet(wallet)
		if paywall.ErrorCode(err) == paywall.CodeNoWallet {
			return paywall.Receipt{}, paywall.ErrNotFound
		}
		if err != nil {
			return paywall.Receipt{}, err
		}
		u, ok, err := g.unlock(unlock)
		if err != nil {
			return paywall.Receipt{}, err
		}
		if !ok || u.number != w.number {
			return paywall.Receipt{}, paywall.ErrNotFound
		}
		return g.refundOnce(id, w, u, limit)
	})
}

func (g *group) refundOnce(id walletID, w wallet, u unlock, limit int) (paywall.Receipt, error) {
	bought, err := g.read(u.bought)
	if err != nil {
		return paywall.Receipt{}, err
	}
	if !u.refunded.IsZero() {
		first, err := g.read(u.refunded)
		if err != nil {
			return paywall.Receipt{}, err
		}
		return paywall.Receipt{Unlock: unlockOf(bought, first, g.s.o.Currency), Balance: g.s.money(w.balance)}, nil
	}
	if u.given {
		return paywall.Receipt{}, paywall.ErrRefundGiven
	}
	was := unlockOf(bought, nil, g.s.o.Currency)
	locked, err := g.locked(w.number, &was)
	switch {
	case err != nil:
		return paywall.Receipt{}, err
	case locked != nil:
		return paywall.Receipt{}, locked
	case !was.Refundable(g.now):
		return paywall.Receipt{}, paywall.ErrRefundClosed
	}
	refunds, err := g.counted(counterKey(w.number, countRefunds), month(g.now))
	if err != nil {
		return paywall.Receipt{}, err
	}
	if limit > 0 && refunds >= int64(limit) {
		return paywall.Receipt{}, paywall.Errorf(paywall.CodeTooManyRefunds,
			"%d purchases were undone this month; the next can be from %s on", refunds, paywall.NextMonth(g.now).Format("2 January"))
	}
	r := journal.Record{Wallet: bought.Wallet, Unlock: bought.Unlock, Site: bought.Site, Resource: bought.Resource, Limit: limit}
	r.Kind, r.Free = paywall.KindRefund, bought.Free+u.free
	for _, l := range bought.Legs {
		r.Legs = append(r.Legs, paywall.Leg{Account: l.Account, Micros: -l.Micros})
	}
	if err := g.record(&r); err != nil {
		return paywall.Receipt{}, err
	}
	_, w, err = g.walletByID(id)
	return paywall.Receipt{Unlock: unlockOf(bought, &r, g.s.o.Currency), Balance: g.s.money(w.balance)}, err
}
