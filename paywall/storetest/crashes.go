package storetest

import (
	"context"
	"errors"
	"flag"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger"
)

// Mortal keeps a ledger whose process can be made to die.
type Mortal interface {
	// Ledger is the one that is open now.
	Ledger() *ledger.Ledger

	// CutPowerSoon lets the power go soon: the step-th write to disk or sync from now on,
	// from 1, and all after it, fail.
	CutPowerSoon(step int)

	// Revive ends the process as it stands, if the power has not, and opens what is
	// left on disk. dice(n) is a number below n; it decides what a power cut leaves
	// of that which was not synced.
	Revive(dice func(n int) int)
}

// Crashes runs random calls with crashes between them and in the middle of them,
// against a model that knows none: what was acknowledged stays, and what was not
// is done or not done, but never half, and never twice when it is asked again.
func Crashes(t *testing.T, checks int, open func(t *testing.T, now func() time.Time) Mortal) {
	was := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", strconv.Itoa(checks)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = flag.Set("rapid.checks", was) }() // it was valid before
	testModel(t, rapid.Bool(), func(t *testing.T, now func() time.Time) (*ledger.Ledger, Mortal) {
		m := open(t, now)
		return m.Ledger(), m
	})
}

// crash ends the process between two calls.
func (m *model) crash() {
	m.revive()
	m.verify()
}

func (m *model) revive() {
	m.mortal.Revive(m.dice())
	m.store = m.mortal.Ledger()
}

func (m *model) dice() func(n int) int {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(m.rt, "dice") }
}

// doomed makes a call in the middle of which the power goes, and makes it again
// afterwards. The model sees the second.
func (m *model) doomed() {
	r := m.any()
	call := rapid.SampledFrom([]func(*modelReader) func() error{
		m.doomedOpen, m.doomedBuy, m.doomedRefund, m.doomedVoucher, m.doomedRedeem, m.doomedErase, m.doomedTake,
	}).Draw(m.rt, "doomed call")(r)
	if call == nil {
		m.rt.Skip("nothing to do this to")
	}
	_ = m.dying(call)
}

// dying makes a call in the middle of which the power goes, and again afterwards, and
// answers what the second does.
func (m *model) dying(call func() error) error {
	m.mortal.CutPowerSoon(rapid.IntRange(1, 4).Draw(m.rt, "step"))
	first := call()
	m.revive()
	before := m.seq()
	again := call()
	if first == nil && m.seq() != before {
		m.rt.Fatal("what was acknowledged before a crash had to be done again")
	}
	if first != nil && !errors.Is(first, paywall.ErrUnavailable) && !sameError(first, again) {
		m.rt.Fatalf("in a crash: %v, afterwards: %v", first, again)
	}
	m.verify()
	return again
}

// doomedMoney is a call of money in or out in the middle of which the power goes.
func (m *model) doomedMoney() {
	alive := *m.money
	defer func() { m.money.try, m.money.loses = alive.try, false }()
	m.money.loses = true
	m.money.try = func(call func(context.Context) error) error {
		return m.dying(func() error { return call(m.t.Context()) })
	}
	calls := m.money.calls()
	calls[rapid.SampledFrom(slices.Sorted(maps.Keys(calls))).Draw(m.rt, "doomed call")]()
}

func sameError(a, b error) bool { return paywall.ErrorCode(a) == paywall.ErrorCode(b) }

func (m *model) seq() uint64 {
	report, err := m.store.Verify(m.t.Context())
	m.want("verifying", err, nil)
	return report.Seq
}

func (m *model) doomedOpen(*modelReader) func() error {
	keys := newKeys(m.t)
	var opened *modelReader
	return func() error {
		w, err := m.store.OpenWallet(m.t.Context(), keys, paywall.Welcome{Amount: euro(70)})
		if err == nil && opened == nil {
			opened = &modelReader{holder: holder{reader{w, keys}, purse{cents: 70, free: 70}}}
			m.readers = append(m.readers, opened)
		}
		if err == nil && opened.ID != w.ID {
			m.rt.Fatal("one key opened two wallets")
		}
		return err
	}
}

func (m *model) doomedBuy(r *modelReader) func() error {
	offer := m.offer("/articles/1", 30)
	var bought *modelUnlock
	return func() error {
		receipt, err := m.unlock(r.reader, offer)
		if err != nil || receipt.AlreadyOwned {
			return err
		}
		if bought == nil {
			bought = &modelUnlock{offer: offer, unlock: receipt.Unlock}
			bought.free, _ = m.pay(r, 30, nil, false)
			r.unlocks = append(r.unlocks, bought)
			return nil // a purchase without a cap is told to be final later only
		}
		if m.shown(r, bought) != receipt.Unlock {
			m.rt.Fatalf("one offer gave %+v and %+v", bought.unlock, receipt.Unlock)
		}
		return nil
	}
}

func (m *model) doomedRefund(r *modelReader) func() error {
	u := r.live("/articles/1", m.clock.now())
	if r.erased || u == nil || m.given(u) {
		return nil
	}
	return func() error {
		receipt, err := m.store.Refund(m.t.Context(), r.ID, u.unlock.ID, 0)
		if err == nil && u.unlock.RefundedAt.IsZero() {
			u.unlock.RefundedAt = receipt.Unlock.RefundedAt
			m.payBack(r, u)
		}
		return err
	}
}

// doomedVoucher makes a voucher; that it exists is an answer, too.
func (m *model) doomedVoucher(*modelReader) func() error {
	c := code("doomed " + strconv.Itoa(len(m.codes)))
	m.codes = append(m.codes, c)
	m.vouchers[c] = &modelVoucher{cents: 15}
	return func() error {
		err := m.store.AddVouchers(m.t.Context(), []paywall.Voucher{{Code: c, Amount: euro(15)}})
		if errors.Is(err, paywall.ErrConflict) {
			return nil
		}
		return err
	}
}

func (m *model) doomedRedeem(r *modelReader) func() error {
	if len(m.codes) == 0 {
		return nil
	}
	v := m.vouchers[m.codes[0]]
	return func() error {
		_, err := m.store.Redeem(m.t.Context(), r.ID, m.codes[0])
		if err == nil && v.by == nil {
			v.redeem(m, r)
		}
		return err
	}
}

// doomedErase erases; that there is nobody any more is an answer, too.
func (m *model) doomedErase(r *modelReader) func() error {
	return func() error {
		err := m.store.Erase(m.t.Context(), r.ID)
		if err == nil || errors.Is(err, paywall.ErrNoWallet) {
			r.erased = true
			return nil
		}
		return err
	}
}
