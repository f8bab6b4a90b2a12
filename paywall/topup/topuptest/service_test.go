package topuptest

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

// newPurseHouse is a house whose purse has its time.
func newPurseHouse(t *testing.T) (*house, *purse) {
	t.Helper()
	p := newPurse()
	h := newHouse(t, p.bench(t))
	p.now = h.clock.now
	return h, p
}

// until moves the clock to a time.
func (h *house) until(at time.Time) { h.clock.forward(at.Sub(h.clock.now())) }

// TestYearThatTurnsDoublesNothing: what was begun and paid in one year is told again, paid,
// and given back in the next.
func TestYearThatTurnsDoublesNothing(t *testing.T) {
	h, _ := newPurseHouse(t)
	h.until(time.Date(2026, 12, 31, 23, 40, 0, 0, time.UTC))
	old, oldIntent := h.paid()
	h.Stranger(h.part())
	h.Hooks() // nobody tells of the stranger
	across := h.reader()
	in := h.begin(across)
	h.until(time.Date(2027, 1, 1, 0, 5, 0, 0, time.UTC))
	h.Pay(in)
	h.expect(across, in.Amount.Micros)
	if _, err := h.service.Look(t.Context(), oldIntent.ID); err != nil {
		t.Error(err)
	}
	h.deliver()
	h.has(across, in.Amount.Micros)
	h.has(old, oldIntent.Amount.Micros)
	h.proved()
	h.until(time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC))
	h.Refund(oldIntent, h.part())
	h.deliver()
	h.expect(old, -h.part().Micros)
	h.proved()
}

// TestForgottenPaymentMovesNoWalletAndNothingTwice: the key that leads from a payment to its
// wallet is gone, and the provider names all that ever moved for it.
func TestForgottenPaymentMovesNoWalletAndNothingTwice(t *testing.T) {
	h, _ := newPurseHouse(t)
	r, in := h.paid()
	h.Refund(in, h.part())
	h.deliver()
	h.expect(r, -h.part().Micros)
	h.until(time.Date(2028, 3, 2, 0, 0, 0, 0, time.UTC))
	h.must(h.service.Sweep(t.Context()))
	if _, err := h.service.Show(t.Context(), in.ID); paywall.ErrorCode(err) != paywall.CodeNotFound {
		t.Errorf("a forgotten top-up is shown: %v", err)
	}
	h.Refund(in, h.part())
	for _, c := range h.calls() {
		for range 2 {
			if code := h.hook(c); code != http.StatusOK {
				t.Errorf("a call about a forgotten payment is answered %d", code)
			}
		}
	}
	moved := h.suspense()
	if len(moved) != 1 || moved[0].Amount != h.part().Neg() {
		t.Errorf("in suspense stand %+v", moved)
	}
	h.proved()
}

// suspense is what stands there.
func (h *house) suspense() (moved []paywall.Movement) {
	h.t.Helper()
	for m, err := range h.ledger.Movements(h.t.Context(), time.Time{}) {
		h.must(err)
		if m.Kind == paywall.MovedOther {
			moved = append(moved, m)
		}
	}
	return moved
}

// TestAnswerLostInACrashIsFoundByTheCall: the provider made an order, the process died
// before it knew, and somebody paid.
func TestAnswerLostInACrashIsFoundByTheCall(t *testing.T) {
	h, p := newPurseHouse(t)
	r := h.reader()
	p.lostOnce = true
	if _, err := h.service.Begin(t.Context(), h.request(r)); paywall.ErrorCode(err) != paywall.CodeUnavailable {
		t.Fatalf("a lost answer is %v", err)
	}
	h.restart()
	if len(p.orders) != 1 {
		t.Fatalf("the purse has %d orders", len(p.orders))
	}
	for object := range p.orders {
		h.Pay(paywall.Intent{Object: object})
	}
	h.expect(r, h.Amount.Micros)
	h.deliver()
	h.proved()
}

// TestReaderWhoTriesAgainGoesOnWithTheSameIntent, also when the sweeper asked meanwhile.
func TestReaderWhoTriesAgainGoesOnWithTheSameIntent(t *testing.T) {
	h, p := newPurseHouse(t)
	r := h.reader()
	q := h.request(r)
	for range 4 { // more often than a wallet has open top-ups
		p.lostOnce = true
		if _, err := h.service.Begin(t.Context(), q); paywall.ErrorCode(err) != paywall.CodeUnavailable {
			t.Fatalf("a lost answer is %v", err)
		}
	}
	h.must(h.service.Sweep(t.Context()))
	status, err := h.service.Begin(t.Context(), q)
	h.must(err)
	if len(p.orders) != 1 || p.orders[status.Intent.Object] == nil || status.Next.URL == "" {
		t.Errorf("the purse has %d orders, the reader got %+v", len(p.orders), status)
	}
}

func TestCardingIsSlowedAndThenStopped(t *testing.T) {
	h, p := newPurseHouse(t)
	fail := func(n int) {
		t.Helper()
		for range n {
			h.Fail(h.begin(h.reader()))
			h.deliver()
		}
	}
	q := h.request(h.reader())
	for range 10 {
		q.Wallet = h.reader().id
		_, err := h.service.Begin(t.Context(), q)
		h.must(err)
	}
	q.Wallet = h.reader().id
	if _, err := h.service.Begin(t.Context(), q); paywall.ErrorCode(err) != paywall.CodeRateLimited {
		t.Errorf("the eleventh top-up from one network: %v", err)
	}
	fail(91)
	if p.strict {
		t.Error("authentication was demanded before more than 90 failed")
	}
	fail(100)
	if !p.strict {
		t.Error("91 sessions of 100 were not paid, and nobody demanded authentication")
	}
	q = h.request(h.reader())
	if _, err := h.service.Begin(t.Context(), q); paywall.ErrorCode(err) != paywall.CodeUnavailable {
		t.Errorf("that changed nothing, and a new wallet begins a top-up: %v", err)
	}
	q.Known = true
	if _, err := h.service.Begin(t.Context(), q); err != nil {
		t.Errorf("a known wallet is refused: %v", err)
	}
}

// TestPaymentOfNobodysIntentStandsInUnclaimed: the ledger lost the intent, such as by a
// restored backup.
func TestPaymentOfNobodysIntentStandsInUnclaimed(t *testing.T) {
	h, _ := newPurseHouse(t)
	in := h.begun(t)
	h.Pay(in)
	h.deliver()
	list, err := h.service.Unclaimed(t.Context(), 10)
	h.must(err)
	if len(list) != 1 || list[0].Amount != in.Amount {
		t.Errorf("in unclaimed stand %+v", list)
	}
	h.proved()
}

func TestReconcileListsWhatNobodyCanMend(t *testing.T) {
	h, p := newPurseHouse(t)
	h.paid()
	h.paid()
	dollars := paywall.Money{Micros: 1_000_000, Currency: "USD"}
	p.move(nil, paywall.Movement{Kind: paywall.MovedPayment, ID: "usd", Payment: "usd", Amount: dollars})
	h.deliver() // 200: it can never be booked
	fees := 0
	for i := range p.moved {
		if p.moved[i].Kind == paywall.MovedFee {
			p.moved[i].Amount.Micros += 10_000
			fees++
		}
	}
	lostID := p.moved[0].ID
	p.moved = p.moved[1:] // a payment
	out, err := h.service.Reconcile(t.Context(), time.Time{}, func(int) {})
	h.must(err)
	got := map[topup.DifferenceKind]int{}
	for _, d := range out.Differences {
		got[d.Kind]++
		if d.Kind == topup.MissingThere && d.Movement.ID != lostID {
			t.Errorf("missing at the provider is %q instead of %q", d.Movement.ID, lostID)
		}
		if d.Mended {
			t.Errorf("this was mended: %+v", d)
		}
	}
	if out.OK() || out.Open != 4 || got[topup.OtherAmount] != fees || got[topup.MissingThere] != 1 || got[topup.MissingHere] != 1 {
		t.Errorf("%d differences: %v", out.Open, got)
	}
}

func TestCallForAnUnknownWayIsNotFound(t *testing.T) {
	h, p := newPurseHouse(t)
	p.call("intent=AAAAAAAAAAAAAAAA")
	h.Bench.Way = otherName{p}
	for _, c := range h.calls() {
		if code := h.hook(c); code != http.StatusNotFound {
			t.Errorf("a call for an unknown way is answered %d", code)
		}
	}
}

// otherName is a purse that no service has.
type otherName struct{ *purse }

func (otherName) Name() string { return "stranger" }

// TestL06TheSameCallFiftyTimesAndDaysLaterIsOneCredit: at once, and when the provider sends
// it anew. Each is answered well.
func TestL06TheSameCallFiftyTimesAndDaysLaterIsOneCredit(t *testing.T) {
	h, _ := newPurseHouse(t)
	r := h.reader()
	in := h.begin(r)
	h.Pay(in)
	h.expect(r, in.Amount.Micros)
	calls := h.calls()
	if len(calls) == 0 {
		t.Fatal("the purse called nobody")
	}
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			for _, c := range calls {
				if code := h.hook(c); code != http.StatusOK {
					t.Errorf("a call at the same time is answered %d", code)
				}
			}
		})
	}
	callers.Wait()
	h.has(r, in.Amount.Micros)
	h.clock.forward(3 * 24 * time.Hour)
	for _, c := range calls {
		if code := h.hook(c); code != http.StatusOK {
			t.Errorf("three days later a call is answered %d", code)
		}
	}
	h.proved()
}
