package badgerstore

import (
	"context"
	"slices"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

var (
	errNotSold      = paywall.Errorf(paywall.CodeMalformed, "this offer cannot be bought here")
	errOfferExpired = paywall.Errorf(paywall.CodeOfferExpired, "this offer has expired; open the article again for a new one")
	errMoreNow      = paywall.Errorf(paywall.CodeOfferChanged, "this costs more now than was shown; open the article again to see how much")
)

// amount reports whether an amount that may be nothing is one of this ledger's.
func (s *Store) amount(m paywall.Money) bool {
	return m.IsZero() || m.Micros > 0 && m.Currency == s.o.Currency
}

// charge makes the record take what the offer costs this wallet now. Without a
// cap, and without free credit, it does already.
func (g *group) charge(r *journal.Record, w wallet, p *paywall.Purchase) error {
	charge, _, err := g.chargeOf(w.number, &p.Offer, g.now)
	if err != nil {
		return err
	}
	if p.Shown != nil && charge.Micros > p.Shown.Micros {
		return errMoreNow
	}
	before, err := g.owned(w.number, r.Site, r.Resource)
	if err != nil {
		return err
	}
	if r.Auto && !w.unasked(before, charge.Micros, g.now) {
		return paywall.ErrAskFirst
	}
	if err := w.affords(charge.Micros, g.now); err != nil {
		return err
	}
	final, err := g.final(w.number, &p.Offer, before, charge, g.now)
	if err != nil {
		return err
	}
	if charge.IsZero() || final != nil { // nothing to give back, or never
		r.Refund = 0
	}
	return take(r, charge, w.spend(charge.Micros), p.Offer.Shares, p.FreeShares)
}

// chargeOf is what an offer costs a wallet, and what the wallet spent this month
// under its cap.
func (v *view) chargeOf(n number, o *paywall.Offer, now time.Time) (charge, spent paywall.Money, err error) {
	spent.Currency = o.Price.Currency
	if !o.Cap.IsZero() {
		spent.Micros, err = v.counted(capKey(n, o.Site), month(now))
	}
	return o.Charge(spent), spent, err
}

// unasked reports whether the wallet's settings let an amount be taken without
// asking, for what it bought before. Whoever undid the last purchase did not want
// it, and a link that is followed again must not buy it again.
func (w *wallet) unasked(before owned, amount int64, now time.Time) bool {
	if w.week == 0 || amount > w.article || before.undone > 0 && !before.owns() {
		return false
	}
	return w.spent.on(now).week+amount <= w.week
}

// affords is [paywall.ErrOverBudget] for more than the wallet's budget has left today.
func (w *wallet) affords(amount int64, now time.Time) error {
	if w.budget != 0 && amount != 0 && w.spent.on(now).today+amount > w.budget {
		return paywall.ErrOverBudget
	}
	return nil
}

// take makes a record take an amount, which may be nothing, of which a part is free
// credit. Creators share in the rest, or with ofFree in all of it.
func take(r *journal.Record, amount paywall.Money, free int64, shares []paywall.Share, ofFree bool) error {
	if r.Free = free; free > 0 && !ofFree {
		r.Shares = shares // the legs do not tell
	}
	if amount.Micros == r.Paid() && len(r.Shares) == 0 {
		return nil
	}
	if r.Legs = nil; amount.IsZero() {
		return nil
	}
	legs, err := paywall.Divide(amount, paywall.Money{Micros: free, Currency: amount.Currency}, r.Site, shares, ofFree)
	if err != nil {
		return err
	}
	r.Legs = slices.Insert(legs, 0, paywall.Leg{Account: paywall.WalletAccount(r.Wallet), Micros: -amount.Micros})
	return nil
}

// Quote implements [paywall.Store].
func (s *Store) Quote(ctx context.Context, wallet string, o paywall.Offer) (paywall.Quote, error) {
	if !s.amount(o.Price) || !s.amount(o.Cap) {
		return paywall.Quote{}, errNotSold
	}
	return query(ctx, s, s.latest, func(v *view) (q paywall.Quote, err error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return q, err
		}
		now := s.now()
		if q.Charge, q.Spent, err = v.chargeOf(w.number, &o, now); err != nil {
			return q, err
		}
		owned, err := v.owned(w.number, o.Site, o.Resource)
		if err != nil {
			return q, err
		}
		if owned.owns() {
			bought, err := s.journal.Read(owned.stands)
			if err != nil {
				return q, err
			}
			u := unlockOf(&bought, nil, s.o.Currency)
			q.Owned = u.Live(now)
		}
		if q.Owned {
			q.Charge, q.Free = s.money(0), s.money(0)
			return q, nil
		}
		final, err := v.final(w.number, &o, owned, q.Charge, now)
		if err != nil {
			return q, err
		}
		if final != nil {
			q.Final = final
		}
		undone, err := v.counted(counterKey(w.number, countRefunds), month(now))
		if err != nil {
			return q, err
		}
		q.Undone, q.Free = int(undone), s.money(min(q.Charge.Micros, w.free))
		q.Refusal = w.affords(q.Charge.Micros, now)
		switch {
		case now.After(o.ExpiresAt):
			q.Refusal = errOfferExpired
		case q.Charge.Micros > w.balance:
			q.Refusal = paywall.ErrInsufficientFunds
		case q.Refusal == nil:
			q.Auto = w.unasked(owned, q.Charge.Micros, now)
		}
		return q, nil
	})
}
