package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger"
)

// testModel runs random calls against the store and against a few maps that say
// what must come out. Money says whether money comes in and goes out in a run.
func testModel(t *testing.T, money *rapid.Generator[bool], open func(t *testing.T, now func() time.Time) (*ledger.Ledger, Mortal)) {
	rapid.Check(t, func(rt *rapid.T) {
		var mortal Mortal
		h := newSuite(t, func(t *testing.T, now func() time.Time) (l *ledger.Ledger) {
			l, mortal = open(t, now)
			return l
		})
		m := &model{suite: h, mortal: mortal, rt: rt, vouchers: map[paywall.Hash]*modelVoucher{}}
		m.money = m.newTeller()
		calls := map[string]func(*rapid.T){
			"open":    func(rt *rapid.T) { m.rt = rt; m.open() },
			"buy":     func(rt *rapid.T) { m.rt = rt; m.buyAny() },
			"replay":  func(rt *rapid.T) { m.rt = rt; m.replay() },
			"give":    func(rt *rapid.T) { m.rt = rt; m.give() },
			"take":    func(rt *rapid.T) { m.rt = rt; m.take() },
			"tip":     func(rt *rapid.T) { m.rt = rt; m.tip() },
			"set":     func(rt *rapid.T) { m.rt = rt; m.set() },
			"refund":  func(rt *rapid.T) { m.rt = rt; m.refund() },
			"voucher": func(rt *rapid.T) { m.rt = rt; m.voucher() },
			"redeem":  func(rt *rapid.T) { m.rt = rt; m.redeem() },
			"erase":   func(rt *rapid.T) { m.rt = rt; m.erase() },
			"sleep": func(rt *rapid.T) {
				h.clock.sleep(time.Duration(rapid.IntRange(1, 40).Draw(rt, "minutes")) * time.Minute)
			},
			"later": func(rt *rapid.T) {
				h.clock.sleep(time.Duration(rapid.IntRange(1, 9).Draw(rt, "days")) * 24 * time.Hour)
			},
			"": func(rt *rapid.T) { m.rt = rt; m.check() },
		}
		if m.mortal != nil {
			calls["crash"] = func(rt *rapid.T) { m.rt = rt; m.crash() }
			calls["doomed"] = func(rt *rapid.T) { m.rt = rt; m.doomed() }
		}
		if money.Draw(rt, "money") {
			m.addMoney(calls)
		}
		rt.Repeat(calls)
		m.checkShares()
		m.money.checkSums(h.accounts())
		h.verify()
		if err := h.store.Close(); err != nil {
			rt.Fatalf("closing: %v", err)
		}
	})
}

type model struct {
	*suite
	mortal   Mortal // nil for a store that cannot die
	rt       *rapid.T
	readers  []*modelReader
	vouchers map[paywall.Hash]*modelVoucher
	codes    []paywall.Hash
	gifts    []*modelGift
	alice    int64 // what the creator must have, in millionths
	money    *teller
}

type modelGift struct {
	key     paywall.Hash
	giver   *modelReader
	of      *modelUnlock
	readers int
	opened  map[*modelReader]*modelUnlock
	made    time.Time
}

type modelReader struct {
	holder
	wants   paywall.Settings
	unlocks []*modelUnlock
	tips    []modelTip
}

type modelTip struct {
	cents int64
	at    time.Time
}

type modelUnlock struct {
	offer  paywall.Offer
	unlock paywall.Unlock
	free   int64 // of what was paid, in cents
	alice  int64 // of it, the creator's, in millionths
}

type modelVoucher struct {
	cents    int64
	by       *modelReader
	credited int64 // after what its wallet owed
}

func (v *modelVoucher) redeem(m *model, by *modelReader) {
	before := by.cents
	by.add(m.money.sums, v.cents)
	v.by, v.credited = by, by.cents-before
}

func (m *model) any() *modelReader {
	if len(m.readers) == 0 {
		m.open()
	}
	return rapid.SampledFrom(m.readers).Draw(m.rt, "reader")
}

func (m *model) want(what string, err, want error) bool {
	if !errors.Is(err, want) {
		m.rt.Fatalf("%s: got %v, want %v", what, err, want)
	}
	return want == nil
}

func (m *model) open() {
	cents := rapid.Int64Range(0, 200).Draw(m.rt, "welcome")
	m.readers = append(m.readers, &modelReader{holder: holder{m.reader(cents), purse{cents: cents, free: cents}}})
}

func (r *modelReader) live(resource string, now time.Time) *modelUnlock {
	for _, u := range r.unlocks {
		if u.offer.Resource == resource && u.unlock.Live(now) {
			return u
		}
	}
	return nil
}

// undid reports whether the last purchase of a resource was undone.
func (r *modelReader) undid(resource string) (undone bool) {
	for _, u := range r.unlocks {
		if u.unlock.Resource == resource {
			undone = !u.unlock.RefundedAt.IsZero()
		}
	}
	return undone
}

func (m *model) buyAny() {
	r := m.any()
	offer := m.offer(fmt.Sprintf("/articles/%d", rapid.IntRange(0, 4).Draw(m.rt, "article")), rapid.Int64Range(1, 60).Draw(m.rt, "price"))
	offer.Access = time.Duration(rapid.SampledFrom([]int{0, 0, 10, 60}).Draw(m.rt, "access")) * time.Minute
	if rapid.Bool().Draw(m.rt, "shared") {
		offer.Shares = []paywall.Share{{Creator: "alice", PPM: rapid.Int64Range(1, paywall.WholePPM).Draw(m.rt, "share")}}
	}
	if rapid.Bool().Draw(m.rt, "capped") {
		offer.Cap = euro(rapid.Int64Range(1, 150).Draw(m.rt, "cap"))
	}
	charge := r.charge(offer, m.clock.now())
	p := paywall.Purchase{Wallet: r.ID, Offer: offer, Refund: refundTime, Auto: rapid.Bool().Draw(m.rt, "unasked"), FreeShares: rapid.IntRange(0, 3).Draw(m.rt, "generous") == 0}
	today, week := r.spent(m.clock.now())
	final := r.final(offer, charge, m.clock.now())
	quote, _ := m.store.Quote(m.t.Context(), r.ID, offer)
	receipt, err := m.store.Unlock(m.t.Context(), p)
	live := r.live(offer.Resource, m.clock.now())
	switch {
	case r.erased:
		m.want("buying", err, paywall.ErrNoWallet)
	case live != nil:
		if m.want("buying what is owned", err, nil) && (!receipt.AlreadyOwned || receipt.Unlock != m.shown(r, live)) {
			m.rt.Fatalf("owned %+v, got %+v", live.unlock, receipt)
		}
	case r.closing:
		m.want("buying with a closed wallet", err, paywall.ErrWalletClosed)
	case r.owed > 0:
		m.want("buying while owing", err, paywall.ErrOwing)
	case p.Auto && (r.undid(offer.Resource) || r.wants.Auto.PerWeek.IsZero() || charge > cents(r.wants.Auto.PerArticle) || week+charge > cents(r.wants.Auto.PerWeek)):
		m.want("buying unasked", err, paywall.ErrAskFirst)
	case charge > 0 && !r.wants.Budget.IsZero() && today+charge > cents(r.wants.Budget):
		m.want("buying above the budget", err, paywall.ErrOverBudget)
	case r.cents < charge:
		m.want("buying without money", err, paywall.ErrInsufficientFunds)
	default:
		if m.want("buying", err, nil) && (receipt.AlreadyOwned || receipt.Unlock.Paid != euro(charge)) {
			m.rt.Fatalf("what was not owned, for %d cents, is: %+v", charge, receipt)
		}
		if final != receipt.Unlock.RefundableUntil.Equal(receipt.Unlock.At) || final != (quote.Final != nil || quote.Charge.IsZero()) {
			m.rt.Fatalf("that it is final is %v; the quote is %+v, the receipt %+v", final, quote, receipt)
		}
		u := &modelUnlock{offer: offer, unlock: receipt.Unlock}
		u.free, u.alice = m.pay(r, charge, offer.Shares, p.FreeShares)
		if quote.Charge != receipt.Unlock.Paid || quote.Free != euro(u.free) {
			m.rt.Fatalf("quoted was %+v, sold %+v of which %d cents were free", quote, receipt, u.free)
		}
		r.unlocks = append(r.unlocks, u)
	}
}

func (m *model) pick() (*modelReader, *modelUnlock) {
	r := m.any()
	if len(r.unlocks) == 0 {
		m.rt.Skip("nothing bought")
	}
	return r, rapid.SampledFrom(r.unlocks).Draw(m.rt, "unlock")
}

func (m *model) replay() {
	r, u := m.pick()
	if u.offer.ID == "" {
		m.rt.Skip("opened as a gift")
	}
	receipt, err := m.unlock(r.reader, u.offer)
	switch {
	case r.erased:
		m.want("replaying", err, paywall.ErrNoWallet)
	case !u.unlock.RefundedAt.IsZero():
		m.want("replaying what was refunded", err, paywall.ErrOfferSpent)
	case m.want("replaying", err, nil) && receipt.Unlock != m.shown(r, u):
		m.rt.Fatalf("replaying gave %+v, first %+v", receipt.Unlock, u.unlock)
	}
}

func (m *model) refund() {
	r, u := m.pick()
	limit := rapid.SampledFrom([]int{0, 1, 2, 3}).Draw(m.rt, "limit")
	receipt, err := m.store.Refund(m.t.Context(), r.ID, u.unlock.ID, limit)
	switch {
	case r.erased:
		m.want("refunding", err, paywall.ErrNotFound)
	case !u.unlock.RefundedAt.IsZero():
		if m.want("refunding again", err, nil) && receipt.Unlock != u.unlock {
			m.rt.Fatalf("refunding again gave %+v, first %+v", receipt.Unlock, u.unlock)
		}
	case !u.unlock.Refundable(m.clock.now()) || m.given(u) || r.locked(u):
		m.want("refunding late", err, paywall.ErrRefundClosed)
	case limit > 0 && r.refunds(m.clock.now()) >= limit:
		m.want("refunding too often", err, paywall.ErrTooManyRefunds)
	case m.want("refunding", err, nil):
		u.unlock.RefundedAt = m.clock.now()
		m.payBack(r, u)
	}
}

func (m *model) voucher() {
	c := code(fmt.Sprint("model", len(m.codes)))
	cents := rapid.Int64Range(1, 100).Draw(m.rt, "worth")
	m.want("making a voucher", m.store.AddVouchers(m.t.Context(), []paywall.Voucher{{Code: c, Amount: euro(cents)}}), nil)
	m.vouchers[c] = &modelVoucher{cents: cents}
	m.codes = append(m.codes, c)
}

func (m *model) redeem() {
	if len(m.codes) == 0 {
		m.voucher()
	}
	r, c := m.any(), rapid.SampledFrom(m.codes).Draw(m.rt, "code")
	v := m.vouchers[c]
	top, err := m.store.Redeem(m.t.Context(), r.ID, c)
	switch {
	case r.erased:
		m.want("redeeming", err, paywall.ErrNoWallet)
	case v.by != nil && v.by != r:
		m.want("redeeming another's voucher", err, paywall.ErrBadVoucher)
	case v.by == nil && r.closing:
		m.want("redeeming into a closed wallet", err, paywall.ErrWalletClosed)
	case m.want("redeeming", err, nil):
		first := v.by == nil
		if first {
			v.redeem(m, r)
		}
		if top.Replayed != !first || top.Credited != euro(v.credited) {
			m.rt.Fatalf("the top-up is %+v, want %d cents", top, v.credited)
		}
	}
}

func (m *model) erase() {
	r := m.any()
	err := m.store.Erase(m.t.Context(), r.ID)
	if r.erased {
		m.want("erasing again", err, paywall.ErrNoWallet)
		return
	}
	m.want("erasing", err, nil)
	r.erased = true
}

// check reads everything back.
func (m *model) check() {
	now := m.clock.now()
	for _, r := range m.readers {
		w, err := m.store.Wallet(m.t.Context(), r.keys.Key)
		if r.erased {
			m.want("reading an erased wallet", err, paywall.ErrNoWallet)
			continue
		}
		if m.want("reading a wallet", err, nil) && (w.Balance != euro(r.cents) || w.Free != euro(r.free) || w.Owed != euro(r.owed) || w.Closed != r.closing) {
			m.rt.Fatalf("a wallet is %+v, want %+v", w, r.purse)
		}
		history, err := History(m.t.Context(), m.store, r.ID)
		if m.want("reading a history", err, nil) && len(history) != len(r.unlocks) {
			m.rt.Fatalf("the history has %d purchases, want %d", len(history), len(r.unlocks))
		}
		for i, u := range r.unlocks {
			want := m.shown(r, u)
			if want.Given = m.given(u); want.Given {
				want.RefundableUntil = u.unlock.RefundableUntil
			}
			if got := history[len(history)-1-i]; got != want {
				m.rt.Fatalf("history has %+v, want %+v", got, want)
			}
			if refunded := !u.unlock.RefundedAt.IsZero(); refunded && now.Sub(u.unlock.RefundedAt) < paywall.AccessTTL && !m.store.Revoked(u.unlock.ID) {
				m.rt.Fatalf("the refunded %s is not revoked", u.unlock.ID)
			}
		}
		m.checkSpent(r, now)
		m.checkOwned(r, now)
	}
}

func (m *model) checkOwned(r *modelReader, now time.Time) {
	for i := range 5 {
		resource := fmt.Sprintf("/articles/%d", i)
		u, err := m.store.Owned(m.t.Context(), r.keys.Key, site, resource)
		if live := r.live(resource, now); live != nil {
			want := m.shown(r, live)
			if want.Given = m.given(live); want.Given {
				want.RefundableUntil = live.unlock.RefundableUntil
			}
			if m.want("reading what is owned", err, nil) && u != want {
				m.rt.Fatalf("owned is %+v, want %+v", u, want)
			}
		} else {
			m.want("reading what is not owned", err, paywall.ErrNotFound)
		}
	}
}
