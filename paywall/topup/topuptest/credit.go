package topuptest

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func creditEqualsPayment(t *testing.T, b Bench) {
	h := newHouse(t, b)
	r := h.reader()
	in := h.begin(r)
	h.has(r, 0)
	h.Pay(in)
	h.expect(r, in.Amount.Micros)
	h.deliver()
	status, err := h.service.Look(t.Context(), in.ID)
	h.must(err)
	if status.Intent.State != paywall.IntentPaid || status.Late {
		t.Errorf("after it was paid, the top-up is %+v", status)
	}
	if b.asks() && status.Credited != in.Amount {
		t.Errorf("%s was credited instead of %s", status.Credited, in.Amount)
	}
	if status.Intent.ID != in.ID || status.Intent.Object != in.Object {
		t.Errorf("the ids come back as %q and %q", status.Intent.ID, status.Intent.Object)
	}
	h.proved()
}

func parallelLooksCreditOnce(t *testing.T, b Bench) {
	h := newHouse(t, b)
	r := h.reader()
	in := h.begin(r)
	h.Pay(in)
	h.expect(r, in.Amount.Micros)
	calls := h.calls()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := h.service.Look(t.Context(), in.ID); err != nil {
				t.Error(err)
			}
		})
		for _, c := range calls {
			all.Go(func() {
				if code := h.hook(c); code != http.StatusOK {
					t.Errorf("a call was answered %d", code)
				}
			})
		}
	}
	all.Wait()
	h.place()
	h.proved()
}

func latePaymentIsCredited(t *testing.T, b Bench) {
	h := newHouse(t, b)
	r := h.reader()
	in := h.begin(r)
	h.clock.forward(b.Way.Life() + time.Hour)
	h.must(h.service.Sweep(t.Context()))
	status, err := h.service.Show(t.Context(), in.ID)
	h.must(err)
	if status.Intent.State != paywall.IntentExpired {
		t.Errorf("after its time was over, the top-up is %s", status.Intent.State)
	}
	h.Pay(in)
	h.expect(r, in.Amount.Micros)
	h.deliver()
	h.proved()
	if status, err = h.service.Show(t.Context(), in.ID); err != nil || status.Intent.State != paywall.IntentPaid {
		t.Errorf("paid late, the top-up is %s, %v", status.Intent.State, err)
	}
}

func slowPayments(t *testing.T, b Bench) {
	needs(t, b.PayLater != nil)
	h := newHouse(t, b)
	good, bad := h.reader(), h.reader()
	arriving, failing := h.begin(good), h.begin(bad)
	arrive, fail := h.PayLater(arriving), h.PayLater(failing)
	h.deliver()
	h.clock.forward(b.Way.Life() + time.Hour)
	h.must(h.service.Sweep(t.Context()))
	for _, in := range []paywall.Intent{arriving, failing} {
		status, err := h.service.Look(t.Context(), in.ID)
		h.must(err)
		if status.Intent.State != paywall.IntentPending {
			t.Errorf("money on its way is %s", status.Intent.State)
		}
	}
	h.proved()
	arrive(true)
	fail(false)
	h.expect(good, arriving.Amount.Micros)
	h.deliver()
	h.proved()
	status, err := h.service.Show(t.Context(), failing.ID)
	h.must(err)
	if status.Intent.State != paywall.IntentFailed {
		t.Errorf("money that never arrived is %s", status.Intent.State)
	}
}

func failedPaymentCreditsNothing(t *testing.T, b Bench) {
	needs(t, b.Fail != nil)
	h := newHouse(t, b)
	r := h.reader()
	in := h.begin(r)
	h.Fail(in)
	h.deliver()
	status, err := h.service.Look(t.Context(), in.ID)
	h.must(err)
	if s := status.Intent.State; !s.Final() || s == paywall.IntentPaid || status.Next != nil {
		t.Errorf("a top-up that the provider gave up is %+v", status)
	}
	h.proved()
}

// newsThatNeverComeAreFound is row L20: no call arrives, and nobody returns.
func newsThatNeverComeAreFound(t *testing.T, b Bench) {
	needs(t, b.asks())
	h := newHouse(t, b)
	swept, compared := h.reader(), h.reader()
	in := h.begin(swept)
	h.Pay(in)
	h.expect(swept, in.Amount.Micros)
	h.clock.forward(b.Way.Life() + time.Hour)
	h.must(h.service.Sweep(t.Context()))
	h.has(swept, in.Amount.Micros)

	in = h.begin(compared)
	h.Pay(in)
	h.expect(compared, in.Amount.Micros)
	if out := h.reconciled(); out.Mended == 0 {
		t.Error("a payment that nobody told of was no difference")
	}
	h.has(compared, in.Amount.Micros)
	h.proved()
}

// ledgerAwayIsNoAnswer is row L13: a call is answered well only when it is in the ledger.
func ledgerAwayIsNoAnswer(t *testing.T, b Bench) {
	h := newHouse(t, b)
	r := h.reader()
	in := h.begin(r)
	h.Pay(in)
	h.expect(r, in.Amount.Micros)
	h.away.Store(true)
	if _, err := h.service.Look(t.Context(), in.ID); !errors.Is(err, paywall.ErrUnavailable) {
		t.Errorf("while the ledger is away, a look answers %v", err)
	}
	if _, err := h.service.Begin(t.Context(), h.request(r)); !errors.Is(err, paywall.ErrUnavailable) {
		t.Errorf("while the ledger is away, a top-up begins with %v", err)
	}
	calls := h.calls()
	for _, c := range calls {
		if code := h.hook(c); code < 500 {
			t.Errorf("while the ledger is away, a call is answered %d: the provider will not call again", code)
		}
	}
	h.away.Store(false)
	h.has(r, 0)
	for _, c := range calls {
		if code := h.hook(c); code != http.StatusOK {
			t.Errorf("called again, the answer is %d", code)
		}
	}
	h.place()
	h.proved()
}

func hangingProviderIsSaid(t *testing.T, b Bench) {
	needs(t, b.Hang != nil, b.Mend != nil, b.asks())
	h := newHouse(t, b)
	r := h.reader()
	paying := h.begin(r)
	h.Hang()
	asked := h.request(r)
	began := time.Now()
	_, err := h.service.Begin(t.Context(), asked)
	if took := time.Since(began); paywall.ErrorCode(err) != paywall.CodeUnavailable || took > 3*time.Second {
		t.Errorf("a provider that hangs is %v, after %s", err, took)
	}
	began = time.Now()
	status, err := h.service.Look(t.Context(), paying.ID)
	if took := time.Since(began); err != nil || !status.Late || took > 3*time.Second {
		t.Errorf("looked up at a provider that hangs, a top-up is %+v, %v, after %s", status, err, took)
	}
	h.Mend()
	status, err = h.service.Begin(t.Context(), asked) // the same intent goes on
	h.must(err)
	open, err := h.ledger.OpenIntents(t.Context(), "", 10)
	h.must(err)
	if len(open) != 2 {
		t.Errorf("%d intents are open, for two top-ups", len(open))
	}
	h.Pay(status.Intent)
	h.expect(r, status.Intent.Amount.Micros)
	h.deliver()
	h.proved()
}

// providerLearnsNothing searches what the provider was told.
func providerLearnsNothing(t *testing.T, b Bench) {
	needs(t, b.Sent != nil)
	h := newHouse(t, b)
	r := h.reader()
	in := h.begin(r)
	h.Pay(in)
	h.deliver()
	_, err := h.service.CashOut(t.Context(), r.id, "cash-out", false)
	h.must(err)
	h.must(h.service.Sweep(t.Context()))
	sent := h.Sent()
	if !strings.Contains(sent, in.ID) {
		t.Fatal("not even the intent's id is in what was sent: the search proves nothing")
	}
	for _, secret := range []string{r.id, "offer"} {
		if strings.Contains(sent, secret) {
			t.Errorf("the provider learnt %q", secret)
		}
	}
}
