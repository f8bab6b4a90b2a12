package badgerstore

import (
	"context"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// maxVouchers bounds one call: they are one record, so that all are made or none.
const maxVouchers = 100_000

// AddVouchers implements [paywall.Store].
func (s *Store) AddVouchers(ctx context.Context, vouchers []paywall.Voucher) error {
	if len(vouchers) == 0 {
		return nil
	}
	if len(vouchers) > maxVouchers {
		return paywall.Errorf(paywall.CodeTooLarge, "at most %d vouchers can be made at once", maxVouchers)
	}
	r := journal.Record{Vouchers: make([]paywall.Voucher, len(vouchers))}
	r.Kind = paywall.KindVoucher
	seen := make(map[paywall.Hash]bool, len(vouchers))
	for i, v := range vouchers {
		if v.Amount.Micros <= 0 || v.Amount.Currency != s.o.Currency || len(v.Campaign) > 128 {
			return paywall.Errorf(paywall.CodeMalformed, "a voucher of %s %s cannot be made", v.Amount, v.Amount.Currency)
		}
		if seen[v.Code] {
			return paywall.ErrOfferChanged
		}
		seen[v.Code] = true
		v.Campaign = strings.ToValidUTF8(v.Campaign, "\uFFFD")
		if !v.ExpiresAt.IsZero() {
			v.ExpiresAt = v.ExpiresAt.UTC().Truncate(time.Millisecond)
		}
		r.Vouchers[i] = v
	}
	return s.submit(ctx, true, func(g *group) error {
		for _, v := range r.Vouchers {
			value, err := g.get(voucherKey(v.Code))
			if err != nil {
				return err
			}
			if value != nil {
				return paywall.ErrOfferChanged
			}
		}
		return g.record(&r)
	})
}

// Voucher implements [paywall.Store].
func (s *Store) Voucher(ctx context.Context, code paywall.Hash) (paywall.Money, error) {
	return query(ctx, s, s.latest, func(v *view) (paywall.Money, error) {
		value, err := v.get(voucherKey(code))
		if err != nil {
			return paywall.Money{}, err
		}
		if value == nil {
			return paywall.Money{}, paywall.ErrBadVoucher
		}
		kept, err := decodeVoucher(value)
		if err != nil {
			return paywall.Money{}, err
		}
		if err := kept.check(s.o.Now()); err != nil {
			return paywall.Money{}, err
		}
		return s.money(kept.amount), nil
	})
}

// Redeem implements [paywall.Store].
func (s *Store) Redeem(ctx context.Context, wallet string, code paywall.Hash) (paywall.TopUp, error) {
	return change(ctx, s, false, func(g *group) (paywall.TopUp, error) {
		id, w, err := g.wallet(wallet)
		if err != nil {
			return paywall.TopUp{}, err
		}
		value, err := g.get(voucherKey(code))
		if err != nil {
			return paywall.TopUp{}, err
		}
		if value == nil {
			return paywall.TopUp{}, paywall.ErrBadVoucher
		}
		v, err := decodeVoucher(value)
		if err != nil {
			return paywall.TopUp{}, err
		}
		if v.used == usedBy(id, code) {
			return paywall.TopUp{Credited: s.money(v.amount), Balance: s.money(w.balance), Replayed: true}, nil
		}
		if err := v.check(g.now); err != nil {
			return paywall.TopUp{}, err
		}
		r := journal.Record{Wallet: wallet, Voucher: code}
		r.Kind = paywall.KindRedeem
		r.Legs = []paywall.Leg{
			{Account: paywall.WalletAccount(wallet), Micros: v.amount},
			{Account: paywall.AccountVoucher, Micros: -v.amount},
		}
		if err := g.record(&r); err != nil {
			return paywall.TopUp{}, err
		}
		_, w, err = g.walletByID(id)
		return paywall.TopUp{Credited: s.money(v.amount), Balance: s.money(w.balance)}, err
	})
}
