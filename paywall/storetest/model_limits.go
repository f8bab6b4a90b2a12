package storetest

import (
	"time"

	"pgregory.net/rapid"

	"github.com/tuppence/tuppence/paywall"
)

// charge is what the cap leaves of an offer's price, by adding up this month's
// purchases under a cap.
func (r *modelReader) charge(o paywall.Offer, now time.Time) int64 {
	price := o.Price.Micros / 10_000
	if o.Cap.IsZero() {
		return price
	}
	left := o.Cap.Micros / 10_000
	for _, u := range r.unlocks {
		same := u.unlock.At.Format("2006-01") == now.Format("2006-01")
		if same && !u.offer.Cap.IsZero() && u.unlock.RefundedAt.IsZero() {
			left -= u.unlock.Paid.Micros / 10_000
		}
	}
	return min(price, max(left, 0))
}

func cents(m paywall.Money) int64 { return m.Micros / 10_000 }

// spent today, and without asking this week, by adding up the purchases.
func (r *modelReader) spent(now time.Time) (today, week int64) {
	for _, u := range r.unlocks {
		if !u.unlock.RefundedAt.IsZero() {
			continue
		}
		if u.unlock.At.Format(time.DateOnly) == now.Format(time.DateOnly) {
			today += cents(u.unlock.Paid)
		}
		year, number := u.unlock.At.ISOWeek()
		if y, n := now.ISOWeek(); u.unlock.Auto && y == year && n == number {
			week += cents(u.unlock.Paid)
		}
	}
	for _, t := range r.tips {
		if t.at.Format(time.DateOnly) == now.Format(time.DateOnly) {
			today += t.cents
		}
	}
	return today, week
}

func (m *model) tip() {
	r, t := m.any(), tip(rapid.Int64Range(1, 30).Draw(m.rt, "tip"))
	today, _ := r.spent(m.clock.now())
	w, err := m.store.Tip(m.t.Context(), r.ID, t)
	switch given := cents(t.Amount); {
	case r.erased:
		m.want("tipping", err, paywall.ErrNoWallet)
	case !r.wants.Budget.IsZero() && today+given > cents(r.wants.Budget):
		m.want("tipping above the budget", err, paywall.ErrOverBudget)
	case r.cents < given:
		m.want("tipping without money", err, paywall.ErrInsufficientFunds)
	case m.want("tipping", err, nil):
		r.cents -= given
		r.tips = append(r.tips, modelTip{given, m.clock.now()})
		if w.Balance != euro(r.cents) {
			m.rt.Fatalf("after a tip the balance is %v, want %d", w.Balance, r.cents)
		}
	}
}

func (m *model) set() {
	r := m.any()
	s := paywall.Settings{Budget: euro(rapid.Int64Range(0, 2).Draw(m.rt, "budget") * 40)}
	if rapid.Bool().Draw(m.rt, "auto") {
		article := rapid.Int64Range(1, 40).Draw(m.rt, "article")
		s.Auto = auto(article, article+rapid.Int64Range(0, 40).Draw(m.rt, "week"))
	}
	err := m.store.Set(m.t.Context(), r.ID, s)
	if r.erased {
		m.want("setting", err, paywall.ErrNoWallet)
		return
	}
	m.want("setting", err, nil)
	r.wants = s
}

// refunds of a wallet in this month.
func (r *modelReader) refunds(now time.Time) (n int) {
	for _, u := range r.unlocks {
		if u.unlock.RefundedAt.Format("2006-01") == now.Format("2006-01") {
			n++
		}
	}
	return n
}

func (m *model) checkSpent(r *modelReader, now time.Time) {
	today, week := r.spent(now)
	_, spent := m.settings(r.reader)
	if !r.wants.Budget.IsZero() && spent.Today != euro(today) || !r.wants.Auto.PerWeek.IsZero() && spent.Week != euro(week) {
		m.rt.Fatalf("spent is %+v, want %d today and %d this week", spent, today, week)
	}
}
