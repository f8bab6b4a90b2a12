package audit

import (
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// addWelcome counts what a site gives new wallets in a day.
func (a *Audit) addWelcome(r *journal.Record) {
	if r.Paid() == 0 {
		return
	}
	key, today := string(state.WelcomeKey(r.Site)), uint64(r.Time.Unix())/86400
	c := a.welcomes[key]
	if c.Period != today {
		c = state.Counter{Period: today}
	}
	c.Amount++
	a.welcomes[key] = c
}

// addFree takes a payment off the free credit first, and answers how much of it
// that was. A record must say so; only before the first that does it need not.
func (a *Audit) addFree(r *journal.Record, w *wallet) int64 {
	free := r.Paid()
	if w.Free < free {
		free = w.Free
	}
	w.Free -= free
	a.said(r, free)
	if r.Free == 0 || len(r.Shares) == 0 {
		return free
	}
	paid, creators := r.Paid()-r.Free, 0
	for _, l := range r.Legs {
		if strings.HasPrefix(l.Account, paywall.CreatorAccount("")) {
			creators++
		}
		for _, s := range r.Shares { // within the millionth that rounding moves
			due := paid * s.PPM / paywall.WholePPM
			if l.Account == paywall.CreatorAccount(s.Creator) && (l.Micros < due || l.Micros > due+1) {
				a.problem(r, "of %d millionths that were not free a creator has %d, not %s %%", paid, l.Micros, s.Percent())
			}
		}
		if l.Account == paywall.SiteAccount(r.Site) && l.Micros < r.Free {
			a.problem(r, "the site has %d millionths, which is less than was free", l.Micros)
		}
	}
	if paid == 0 && creators > 0 || creators > len(r.Shares) {
		a.problem(r, "creators share in free credit")
	}
	return free
}

// said compares what a record says of free credit.
func (a *Audit) said(r *journal.Record, free int64) {
	if r.Free != free && (a.freeSaid || r.Free != 0) {
		a.problem(r, "it says that %d millionths are free credit, where %d are", r.Free, free)
	}
}

// addReduced notes in which months a cap took something off a price.
func (w *wallet) addReduced(r *journal.Record) {
	key, now := string(state.ReducedKey(w.Number, r.Site)), month(r.Time)
	if w.reduced == nil {
		w.reduced = map[string]map[uint64]bool{}
	}
	if w.reduced[key] == nil {
		w.reduced[key] = map[uint64]bool{}
	}
	w.reduced[key][now] = true
}

// reducedCounter is how the store keeps these months.
func reducedCounter(months map[uint64]bool) (c state.Counter) {
	for m := range months {
		c.Period = max(c.Period, m)
	}
	for back := range uint64(state.ReducedMonths) {
		if months[c.Period-back] {
			c.Amount += 1 << back
		}
	}
	return c
}
