package badgerstore

import (
	"math"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// reducedMonths is how many months back it is known that a cap took something off a
// price: more than a purchase can be undone for.
const reducedMonths = 63

// reducedKey says for which months a cap took something off a price that a wallet
// paid at a site: a counter whose period is the newest of them, and whose amount
// has a bit for each, that of the newest being the lowest.
func reducedKey(n number, site string) []byte {
	h := resourceHash(site, "")
	return counterKey(n, countReduced, h[:8]...)
}

// reduced reports whether a cap took something off a price in a month.
func (v *view) reduced(n number, site string, m uint64) (bool, error) {
	c, err := v.counter(reducedKey(n, site))
	back := c.period - m
	return err == nil && m <= c.period && back < reducedMonths && c.amount>>back&1 == 1, err
}

func (g *group) reduce(n number, site string, m uint64) error {
	key := reducedKey(n, site)
	c, err := g.counter(key)
	if err != nil {
		return err
	}
	if m > c.period {
		c.amount, c.period = c.amount<<min(m-c.period, 64)&math.MaxInt64, m
	}
	c.amount |= 1 << min(c.period-m, 64) & math.MaxInt64 // of a clock that was set back, an older month
	g.put(key, c.encode())
	return nil
}

// final is why a purchase at a charge could not be undone, nil if it could. Undoing
// is for mistakes: it must not be a way to read for nothing.
func (v *view) final(n number, o *paywall.Offer, before owned, charge paywall.Money, now time.Time) (*paywall.Error, error) {
	reduced := charge.Micros < o.Price.Micros
	if !o.Cap.IsZero() && !reduced {
		var err error
		if reduced, err = v.reduced(n, o.Site, month(now)); err != nil {
			return nil, err
		}
	}
	switch {
	case reduced:
		return paywall.ErrRefundCapped, nil
	case before.undone > 0:
		return paywall.ErrRefundOnce, nil
	}
	return nil, nil
}

// locked is why a purchase that was made cannot be undone although there is time,
// nil if it can.
func (v *view) locked(n number, u *paywall.Unlock) (*paywall.Error, error) {
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
	case o.undone > 0:
		return paywall.ErrRefundOnce, nil
	}
	return nil, nil
}

// undoable takes the time to undo it from a purchase that cannot be undone.
func (v *view) undoable(n number, u *paywall.Unlock, now time.Time) error {
	if !u.Refundable(now) {
		return nil
	}
	why, err := v.locked(n, u)
	if why != nil {
		u.RefundableUntil = u.At
	}
	return err
}
