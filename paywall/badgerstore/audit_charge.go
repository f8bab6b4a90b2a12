package badgerstore

import (
	"strings"

	"github.com/tuppence/tuppence/paywall/journal"
)

func (a *audit) addPaid(r *journal.Record) {
	for _, l := range r.Legs {
		if strings.HasPrefix(l.Account, walletPrefix) != (l.Micros < 0) {
			a.problem(r, "it does not take from the wallet and give to the others")
		}
	}
}

func (w *auditWallet) addTransfer(r *journal.Record, at journal.Ptr) {
	if w.transfers == nil {
		w.transfers = map[string]journal.Ptr{}
	}
	w.transfers[string(transferKey(w.number, r.Cause))] = at
}

// addCharge checks that a purchase took its price, or what its cap left of it.
func (a *audit) addCharge(r *journal.Record, w *auditWallet) {
	due := r.Price
	if r.Cap != 0 {
		due = min(due, max(r.Cap-w.counted(capKey(w.number, r.Site), month(r.Time)), 0))
	}
	if r.Paid() != due || r.Price <= 0 {
		a.problem(r, "it takes %d millionths where %d were due", r.Paid(), due)
	}
	if len(r.Legs) == 0 && r.Refund != 0 {
		a.problem(r, "it can be undone although it took nothing")
	}
	if w.forget && (r.Title != "" || r.URL != bare(r)) {
		a.problem(r, "it says more than its wallet wants to be remembered")
	}
	w.countPaid(r, r.Paid())
	a.addSpent(r, w)
}

// addSpent checks the settings after a transfer was counted.
func (a *audit) addSpent(r *journal.Record, w *auditWallet) {
	if spent := w.counted(counterKey(w.number, countDay), day(r.Time)); w.budget != 0 && spent > w.budget && r.Paid() > 0 {
		a.problem(r, "its wallet spends %d millionths in a day and wants no more than %d", spent, w.budget)
	}
	if !r.Auto {
		return
	}
	if spent := w.counted(counterKey(w.number, countWeek), weekOf(r.Time)); w.week == 0 || r.Paid() > w.article || spent > w.week {
		a.problem(r, "its wallet wants to be asked before")
	}
}

func (a *audit) addSetting(r *journal.Record, w *auditWallet) {
	if r.Budget < 0 || r.Article < 0 || r.Article > r.Week || (r.Article == 0) != (r.Week == 0) || r.Today < 0 || r.Used < 0 {
		a.problem(r, "it sets what cannot be kept")
	}
	if w.forget && !r.Forget {
		w.forgot = r.Time.UnixMilli()
	}
	w.budget, w.article, w.week, w.forget = r.Budget, r.Article, r.Week, r.Forget
	delete(w.counters, string(counterKey(w.number, countDay)))
	delete(w.counters, string(counterKey(w.number, countWeek)))
	w.count(counterKey(w.number, countDay), day(r.Time), r.Today)
	w.count(counterKey(w.number, countWeek), weekOf(r.Time), r.Used)
}

// countPaid counts for the cap and the settings that there are.
func (w *auditWallet) countPaid(bought *journal.Record, amount int64) {
	if bought.Cap != 0 {
		w.count(capKey(w.number, bought.Site), month(bought.Time), amount)
	}
	if w.budget != 0 {
		w.count(counterKey(w.number, countDay), day(bought.Time), amount)
	}
	if bought.Auto && w.week != 0 {
		w.count(counterKey(w.number, countWeek), weekOf(bought.Time), amount)
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
