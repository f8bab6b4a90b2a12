package badgerstore

import (
	"github.com/tuppence/tuppence/paywall/journal"
)

// addCharge checks that a purchase took its price, or what its cap left of it.
func (a *audit) addCharge(r *journal.Record, w *auditWallet) {
	due := r.Price
	if r.Cap != 0 {
		key := capKey(w.number, r.Site)
		due = min(due, max(r.Cap-w.counted(key, month(r.Time)), 0))
		w.count(key, month(r.Time), r.Paid())
	}
	if r.Paid() != due || r.Price <= 0 {
		a.problem(r, "it takes %d millionths where %d were due", r.Paid(), due)
	}
	if len(r.Legs) == 0 && r.Refund != 0 {
		a.problem(r, "it can be undone although it took nothing")
	}
}

func (w *auditWallet) counted(key []byte, period uint64) int64 {
	if c := w.counters[string(key)]; c.period == period {
		return c.amount
	}
	return 0
}

// count keeps what was counted in the newest period only, as the store does.
func (w *auditWallet) count(key []byte, period uint64, amount int64) {
	before := w.counted(key, period)
	if amount == 0 || amount < 0 && before == 0 {
		return
	}
	if w.counters == nil {
		w.counters = map[string]counter{}
	}
	w.counters[string(key)] = counter{period, max(before+amount, 0)}
}
