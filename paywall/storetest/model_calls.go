package storetest

import (
	"errors"
	"fmt"
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

// given reports whether somebody opened a gift of a purchase.
func (m *model) given(u *modelUnlock) bool {
	for _, g := range m.gifts {
		if g.of == u && len(g.opened) > 0 {
			return true
		}
	}
	return false
}

func (m *model) give() {
	r, u := m.pick()
	now := m.clock.now()
	limit, made := rapid.IntRange(0, 3).Draw(m.rt, "limit"), 0
	for _, g := range m.gifts {
		if g.giver == r && g.made.Format("2006-01") == now.Format("2006-01") {
			made++
		}
	}
	g := &modelGift{
		key: code(fmt.Sprint("gift", len(m.gifts))), giver: r, of: u, made: now,
		readers: rapid.IntRange(1, 3).Draw(m.rt, "readers"), opened: map[*modelReader]*modelUnlock{},
	}
	err := m.store.AddGift(m.t.Context(), r.ID, paywall.Gift{Key: g.key, Unlock: u.unlock.ID, Readers: g.readers, Limit: limit})
	switch {
	case r.erased:
		m.want("giving", err, paywall.ErrNoWallet)
	case !u.unlock.Live(now) || u.unlock.Gift != paywall.Hash{}:
		m.want("giving what is not owned", err, paywall.ErrNotFound)
	case limit > 0 && made >= limit:
		m.want("giving too often", err, paywall.ErrTooManyGifts)
	case m.want("giving", err, nil):
		m.gifts = append(m.gifts, g)
	}
}

func (m *model) pickGift() *modelGift {
	if len(m.gifts) == 0 {
		m.rt.Skip("nothing given")
	}
	return rapid.SampledFrom(m.gifts).Draw(m.rt, "gift")
}

func (m *model) take() {
	g, r := m.pickGift(), m.any()
	receipt, err := m.store.OpenGift(m.t.Context(), r.ID, g.key)
	now := m.clock.now()
	live := r.live(g.of.unlock.Resource, now)
	switch {
	case r.erased:
		m.want("taking", err, paywall.ErrNoWallet)
	case g.giver.erased:
		m.want("taking what nobody gives", err, paywall.ErrGiftOver)
	case live != nil:
		if m.want("taking what is owned", err, nil) && (receipt.Unlock != m.shown(r, live) || receipt.AlreadyOwned != (live.unlock.Gift != g.key)) {
			m.rt.Fatalf("owned %+v, took %+v", live.unlock, receipt)
		}
	case !g.of.unlock.Live(now) || len(g.opened) >= g.readers:
		m.want("taking what is over", err, paywall.ErrGiftOver)
	case m.want("taking", err, nil):
		m.taken(g, r, receipt)
	}
}

func (m *model) taken(g *modelGift, r *modelReader, receipt paywall.Receipt) {
	u := receipt.Unlock
	if u.Gift != g.key || !u.Paid.IsZero() || !u.ExpiresAt.Equal(g.of.unlock.ExpiresAt) || u.Resource != g.of.unlock.Resource {
		m.rt.Fatalf("of %+v was taken %+v", g.of.unlock, u)
	}
	taken := &modelUnlock{offer: paywall.Offer{Resource: u.Resource}, unlock: u}
	r.unlocks = append(r.unlocks, taken)
	g.opened[r] = taken
}

// doomedTake opens a gift; that it is over is an answer, too.
func (m *model) doomedTake(r *modelReader) func() error {
	if len(m.gifts) == 0 || r.erased {
		return nil
	}
	g := m.pickGift()
	return func() error {
		receipt, err := m.store.OpenGift(m.t.Context(), r.ID, g.key)
		if errors.Is(err, paywall.ErrGiftOver) {
			return nil
		}
		if err == nil && !receipt.AlreadyOwned && g.opened[r] == nil {
			m.taken(g, r, receipt)
		}
		return err
	}
}
