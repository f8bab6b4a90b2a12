package badgerstore

import (
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall/journal"
)

func (a *audit) addPaid(r *journal.Record) {
	for _, l := range r.Legs {
		if strings.HasPrefix(l.Account, walletPrefix) != (l.Micros < 0) {
			a.problem(r, "it does not take from the wallet and give to the others")
		}
	}
}

func (w *auditWallet) addTransfer(r *journal.Record, at journal.Ref) {
	if w.transfers == nil {
		w.transfers = map[string]transfer{}
	}
	w.transfers[string(transferKey(w.number, r.Cause))] = transfer{at, w.moved}
	w.moved = at
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
	if r.Price > r.Paid() {
		w.addReduced(r)
	}
	if r.Cap != 0 {
		w.count(capKey(w.number, r.Site), month(r.Time), r.Paid())
	}
	a.addSpent(r, w)
}

// addSpent counts what a record took, and checks the settings after it.
func (a *audit) addSpent(r *journal.Record, w *auditWallet) {
	if r.Paid() > 0 {
		w.pass(r.Time)
		w.spent.today += r.Paid()
		w.spent.month += r.Paid()
	}
	if w.budget != 0 && w.spent.today > w.budget && r.Paid() > 0 {
		a.problem(r, "its wallet spends %d millionths in a day and wants no more than %d", w.spent.today, w.budget)
	}
	if !r.Auto {
		return
	}
	w.spent.week += r.Paid()
	if w.week == 0 || r.Paid() > w.article || r.Paid() > 0 && w.spent.week > w.week {
		a.problem(r, "its wallet wants to be asked before")
	}
}

// pass has what was spent in the day, week and month before begin again with nothing.
func (w *auditWallet) pass(now time.Time) {
	now = now.UTC()
	then := time.Unix(int64(w.spent.day)*86400, 0).UTC()
	year, week := now.ISOWeek()
	if y, n := then.ISOWeek(); y != year || n != week {
		w.spent.week = 0
	}
	if then.Year() != now.Year() || then.Month() != now.Month() {
		w.spent.month = 0
	}
	if today := uint64(now.Unix()) / 86400; today != w.spent.day {
		w.spent.day, w.spent.today = today, 0
	}
}

// takeBack takes off what an undone purchase took, in the periods that it was made in.
func (w *auditWallet) takeBack(bought *journal.Record, back int64) {
	then, at := time.Unix(int64(w.spent.day)*86400, 0).UTC(), bought.Time.UTC()
	less := func(sum *int64, counts bool) {
		if counts {
			*sum = max(*sum-back, 0)
		}
	}
	year, week := at.ISOWeek()
	y, n := then.ISOWeek()
	less(&w.spent.today, then.Format(time.DateOnly) == at.Format(time.DateOnly))
	less(&w.spent.week, bought.Auto && y == year && n == week)
	less(&w.spent.month, then.Format("2006-01") == at.Format("2006-01"))
	if bought.Cap != 0 {
		w.count(capKey(w.number, bought.Site), month(bought.Time), -back)
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
