package audit

import (
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

func (a *Audit) addPaid(r *journal.Record) {
	for _, l := range r.Legs {
		if strings.HasPrefix(l.Account, walletPrefix) != (l.Micros < 0) {
			a.problem(r, "it does not take from the wallet and give to the others")
		}
	}
}

func (w *wallet) addTransfer(r *journal.Record, at Ref) {
	if w.transfers == nil {
		w.transfers = map[string]state.Transfer{}
	}
	w.transfers[string(state.TransferKey(w.Number, r.Cause))] = state.Transfer{At: at, Prev: w.Moved}
	w.Moved = at
}

// addCharge checks that a purchase took its price, or what its cap left of it.
func (a *Audit) addCharge(r *journal.Record, w *wallet) {
	due := r.Price
	if r.Cap != 0 {
		due = min(due, max(r.Cap-w.counted(state.CapKey(w.Number, r.Site), month(r.Time)), 0))
	}
	if r.Paid() != due || r.Price <= 0 {
		a.problem(r, "it takes %d millionths where %d were due", r.Paid(), due)
	}
	if len(r.Legs) == 0 && r.Refund != 0 {
		a.problem(r, "it can be undone although it took nothing")
	}
	if w.Forget && (r.Title != "" || r.URL != state.Bare(r)) {
		a.problem(r, "it says more than its wallet wants to be remembered")
	}
	if r.Price > r.Paid() {
		w.addReduced(r)
	}
	if r.Cap != 0 {
		w.count(state.CapKey(w.Number, r.Site), month(r.Time), r.Paid())
	}
	a.addSpent(r, w)
}

// addSpent counts what a record took, and checks the settings after it.
func (a *Audit) addSpent(r *journal.Record, w *wallet) {
	if r.Paid() > 0 {
		w.pass(r.Time)
		w.Spent.Today += r.Paid()
		w.Spent.Month += r.Paid()
	}
	if w.Budget != 0 && w.Spent.Today > w.Budget && r.Paid() > 0 {
		a.problem(r, "its wallet spends %d millionths in a day and wants no more than %d", w.Spent.Today, w.Budget)
	}
	if !r.Auto {
		return
	}
	w.Spent.Week += r.Paid()
	if w.Week == 0 || r.Paid() > w.Article || r.Paid() > 0 && w.Spent.Week > w.Week {
		a.problem(r, "a purchase without asking exceeds the wallet's limits")
	}
}

// pass has what was spent in the day, week and month before begin again with nothing.
func (w *wallet) pass(now time.Time) {
	now = now.UTC()
	then := time.Unix(int64(w.Spent.Day)*86400, 0).UTC()
	year, week := now.ISOWeek()
	if y, n := then.ISOWeek(); y != year || n != week {
		w.Spent.Week = 0
	}
	if then.Year() != now.Year() || then.Month() != now.Month() {
		w.Spent.Month = 0
	}
	if today := uint64(now.Unix()) / 86400; today != w.Spent.Day {
		w.Spent.Day, w.Spent.Today = today, 0
	}
}

// takeBack takes off what an undone purchase took, in the periods that it was made in.
func (w *wallet) takeBack(bought *journal.Record, back int64) {
	then, at := time.Unix(int64(w.Spent.Day)*86400, 0).UTC(), bought.Time.UTC()
	less := func(sum *int64, counts bool) {
		if counts {
			*sum = max(*sum-back, 0)
		}
	}
	year, week := at.ISOWeek()
	y, n := then.ISOWeek()
	less(&w.Spent.Today, then.Format(time.DateOnly) == at.Format(time.DateOnly))
	less(&w.Spent.Week, bought.Auto && y == year && n == week)
	less(&w.Spent.Month, then.Format("2006-01") == at.Format("2006-01"))
	if bought.Cap != 0 {
		w.count(state.CapKey(w.Number, bought.Site), month(bought.Time), -back)
	}
}

func (a *Audit) addSetting(r *journal.Record, w *wallet) {
	if r.Budget < 0 || r.Article < 0 || r.Article > r.Week || (r.Article == 0) != (r.Week == 0) || r.Today < 0 || r.Used < 0 {
		a.problem(r, "it sets what cannot be kept")
	}
	if w.Forget && !r.Forget {
		w.Forgot = r.Time.UnixMilli()
	}
	w.Budget, w.Article, w.Week, w.Forget = r.Budget, r.Article, r.Week, r.Forget
}

func (w *wallet) counted(key []byte, period uint64) int64 {
	if c := w.counters[string(key)]; c.Period == period {
		return c.Amount
	}
	return 0
}

// count keeps what was counted in the newest period only, as the store does.
func (w *wallet) count(key []byte, period uint64, amount int64) {
	before := w.counted(key, period)
	if amount == 0 || amount < 0 && before == 0 {
		return
	}
	if w.counters == nil {
		w.counters = map[string]state.Counter{}
	}
	w.counters[string(key)] = state.Counter{Period: period, Amount: max(before+amount, 0)}
}
