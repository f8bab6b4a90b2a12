package storetest

import (
	"context"
	"time"

	"pgregory.net/rapid"

	"github.com/tuppence/tuppence/paywall"
)

// pay takes cents from a wallet, those that are free first, and gives alice her
// share of the others, or with generous of all.
func (m *model) pay(r *modelReader, cents int64, shares []paywall.Share, generous bool) (free, alice int64) {
	free = r.spend(cents)
	if generous {
		alice = cents
	} else {
		alice = cents - free
	}
	for _, s := range shares {
		alice = (alice*10_000*s.PPM + paywall.WholePPM/2) / paywall.WholePPM // the only creator there is
	}
	if len(shares) == 0 {
		alice = 0
	}
	m.alice += alice
	return free, alice
}

func (m *model) payBack(r *modelReader, u *modelUnlock) {
	r.cents += cents(u.unlock.Paid)
	r.free += u.free
	m.alice -= u.alice
}

// reduced reports whether a cap took something off a price in the month of a time.
func (r *modelReader) reduced(at time.Time) bool {
	for _, u := range r.unlocks {
		same := u.unlock.At.Format("2006-01") == at.Format("2006-01")
		if same && !u.offer.Cap.IsZero() && u.unlock.Paid.Micros < u.offer.Price.Micros {
			return true
		}
	}
	return false
}

func (r *modelReader) undidEver(resource string) bool {
	for _, u := range r.unlocks {
		if u.unlock.Resource == resource && !u.unlock.RefundedAt.IsZero() {
			return true
		}
	}
	return false
}

// final reports whether what is bought now could never be undone.
func (r *modelReader) final(o paywall.Offer, charge int64, now time.Time) bool {
	capped := !o.Cap.IsZero() && (charge < cents(o.Price) || r.reduced(now))
	return charge == 0 || capped || r.undidEver(o.Resource)
}

// locked reports whether a purchase cannot be undone for what happened since.
func (r *modelReader) locked(u *modelUnlock) bool {
	return r.reduced(u.unlock.At) || r.undidEver(u.unlock.Resource)
}

// shown is a purchase as it is told now.
func (m *model) shown(r *modelReader, u *modelUnlock) paywall.Unlock {
	now := u.unlock
	if now.Refundable(m.clock.now()) && r.locked(u) {
		now.RefundableUntil = now.At
	}
	return now
}

// checkShares adds up what creators have.
func (m *model) checkShares() {
	if got := m.accounts()[paywall.CreatorAccount("alice")]; got != m.alice {
		m.rt.Fatalf("the creator has %d millionths, want %d", got, m.alice)
	}
}

// newTeller has the model's chance decide what becomes of money in and out.
func (m *model) newTeller() *teller {
	return &teller{
		suite: m.suite,
		dice:  func(n int) int { return rapid.IntRange(0, n-1).Draw(m.rt, "dice") },
		fail:  func(text string, args ...any) { m.rt.Fatalf(text, args...) },
		any:   func() *holder { return &m.any().holder },
		try:   func(call func(context.Context) error) error { return call(m.t.Context()) },
		sums:  sums{},
	}
}

// addMoney adds what a teller does to the calls of a run, and takes out of them what has
// nothing to do with money.
func (m *model) addMoney(calls map[string]func(*rapid.T)) {
	for _, name := range []string{"set", "later", "replay"} {
		delete(calls, name)
	}
	for name, call := range m.money.calls() {
		calls[name] = func(rt *rapid.T) { m.rt = rt; call() }
	}
	if m.mortal != nil {
		calls["doomed money"] = func(rt *rapid.T) { m.rt = rt; m.doomedMoney() }
	}
}
