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
	today, week, _ = r.sums(now)
	return today, week
}

// sums are what was spent today, without asking this week, and this month.
func (r *modelReader) sums(now time.Time) (today, week, month int64) {
	of := func(layout string, at time.Time, micros int64) int64 {
		if at.Format(layout) != now.Format(layout) {
			return 0
		}
		return micros
	}
	for _, u := range r.unlocks {
		if !u.unlock.RefundedAt.IsZero() {
			continue
		}
		today += of(time.DateOnly, u.unlock.At, cents(u.unlock.Paid))
		month += of("2006-01", u.unlock.At, cents(u.unlock.Paid))
		year, number := u.unlock.At.ISOWeek()
		if y, n := now.ISOWeek(); u.unlock.Auto && y == year && n == number {
			week += cents(u.unlock.Paid)
		}
	}
	for _, t := range r.tips {
		today += of(time.DateOnly, t.at, t.cents)
		month += of("2006-01", t.at, t.cents)
	}
	return today, week, month
}

func (m *model) tip() {
	r, t := m.any(), tip(rapid.Int64Range(1, 30).Draw(m.rt, "tip"))
	t.FreeShares = rapid.IntRange(0, 3).Draw(m.rt, "generous") == 0
	today, _ := r.spent(m.clock.now())
	w, err := m.store.Tip(m.t.Context(), r.ID, t)
	switch given := cents(t.Amount); {
	case r.erased:
		m.want("tipping", err, paywall.ErrNoWallet)
	case r.closing:
		m.want("tipping with a closed wallet", err, paywall.ErrWalletClosed)
	case r.owed > 0:
		m.want("tipping while owing", err, paywall.ErrOwing)
	case !r.wants.Budget.IsZero() && today+given > cents(r.wants.Budget):
		m.want("tipping above the budget", err, paywall.ErrOverBudget)
	case r.cents < given:
		m.want("tipping without money", err, paywall.ErrInsufficientFunds)
	case m.want("tipping", err, nil):
		m.pay(r, given, t.Shares, t.FreeShares)
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

// checkSpent holds the sums that the store keeps always, whatever the settings
// were when something was bought, against the purchases added up.
func (m *model) checkSpent(r *modelReader, now time.Time) {
	today, week, month := r.sums(now)
	_, spent := m.settings(r.reader)
	if want := (paywall.Spending{Today: euro(today), Week: euro(week), Month: euro(month), Undone: r.refunds(now)}); spent != want {
		m.rt.Fatalf("spent is %+v, want %+v", spent, want)
	}
}
