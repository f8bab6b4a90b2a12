package stripe

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

const refunds = "POST /v1/refunds"

func (s *shop) part(in paywall.Intent, payment string, cents int64) paywall.CashOutPart {
	s.n++
	return paywall.CashOutPart{ID: fmt.Sprintf("cashout%d-0", s.n), Way: Name, Payment: payment, Intent: in.ID, Amount: euros(cents), State: paywall.CashOutSent, At: s.clock.Now()}
}

// back is what went back for a part.
func (s *shop) back(in paywall.Intent, part string) (n int, total int64) {
	for _, m := range s.look(in).Movements {
		if m.Kind == paywall.MovedRefund && m.CashOut == part {
			n, total = n+1, total+m.Amount.Micros
		}
	}
	return n, total
}

func TestPartGoesBackOnceWhateverFails(t *testing.T) {
	for name, fault := range map[string]pretend.Fault{
		"nothing fails":   {Kind: pretend.Refuse, Status: 429, Code: "rate_limit", Times: 1},
		"cut before":      {Kind: pretend.CutBefore, Times: 5},
		"cut after":       {Kind: pretend.CutAfter, Times: 5},
		"failed before":   {Kind: pretend.Fail, Times: 1},
		"failed after":    {Kind: pretend.FailAfter, Times: 1},
		"fails and fails": {Kind: pretend.Fail, Times: 3},
		"a page":          {Kind: pretend.HTML, Times: 1},
		"in use":          {Kind: pretend.Refuse, Status: 409, Code: "idempotency_key_in_use", Times: 5},
		"low balance":     {Kind: pretend.Refuse, Status: 400, Code: "balance_insufficient", Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, pretend.Options{})
			in, payment := s.paid(1000)
			s.paid(1000) // so that there is money enough to give back twice
			part := s.part(in, payment, 300)
			s.bank.Break(refunds, fault)
			var state paywall.CashOutState
			var err error
			for range 4 {
				if state, err = s.Return(t.Context(), part); err == nil {
					break
				}
				if !errors.Is(err, topup.ErrProvider) {
					t.Fatal(err)
				}
				s.clock.add(25 * time.Hour) // Stripe forgot the key
			}
			if err != nil || state != paywall.CashOutDone {
				t.Fatalf("%s, %v", state, err)
			}
			s.bank.Mend()
			s.clock.add(25 * time.Hour)
			must(s.Return(t.Context(), part))(t)
			if n, total := s.back(in, part.ID); n != 1 || total != 3_000_000 {
				t.Fatalf("%d refunds of %d", n, total)
			}
		})
	}
}

func TestPartAskedForAtOnceGoesBackOnce(t *testing.T) {
	s := open(t, pretend.Options{})
	in, payment := s.paid(1000)
	part := s.part(in, payment, 300)
	s.bank.Break(refunds, pretend.Fault{Kind: pretend.FailAfter, Times: 1})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if state, err := s.Return(t.Context(), part); err != nil || state != paywall.CashOutDone {
				t.Errorf("%s, %v", state, err)
			}
		})
	}
	wait.Wait()
	if n, total := s.back(in, part.ID); n != 1 || total != 3_000_000 {
		t.Fatalf("%d refunds of %d", n, total)
	}
}

func TestRefundIsRefusedForEver(t *testing.T) {
	s := open(t, pretend.Options{})
	for name, spoil := range map[string]func(payment string) int64{
		"given back already":   func(p string) int64 { must(s.bank.Refund(p, 1000))(t); return 1 },
		"more than is left":    func(p string) int64 { must(s.bank.Refund(p, 800))(t); return 300 },
		"disputed":             func(p string) int64 { must(s.bank.Dispute(p, 1000, "needs_response"))(t); return 300 },
		"none of this account": func(string) int64 { return -1 },
	} {
		in, payment := s.paid(1000)
		cents := spoil(payment)
		if cents < 0 {
			payment, cents = "pi_elsewhere", 300
		}
		if _, err := s.Return(t.Context(), s.part(in, payment, cents)); !errors.Is(err, topup.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	in, payment := s.paid(1000)
	s.bank.Break("GET /v1/refunds", pretend.Fault{Kind: pretend.Refuse, Status: 404, Code: "resource_missing"})
	s.bank.Break(refunds, pretend.Fault{Kind: pretend.Refuse, Status: 404, Code: "resource_missing"})
	if _, err := s.Return(t.Context(), s.part(in, payment, 100)); !errors.Is(err, topup.ErrRefused) {
		t.Errorf("a payment that is not there: %v", err)
	}
	s.bank.Mend()
	s.bank.Break(refunds, pretend.Fault{Kind: pretend.Refuse, Status: 403})
	if _, err := s.Return(t.Context(), s.part(in, payment, 100)); !errors.Is(err, topup.ErrProvider) || !strings.Contains(err.Error(), `"Refunds: Write"`) {
		t.Errorf("a missing permission: %v", err)
	}
}

func TestRefundWaitsForTheBalance(t *testing.T) {
	s := open(t, pretend.Options{})
	in, payment := s.paid(1000)
	must(s.bank.Payout("eur"))(t)
	part := s.part(in, payment, 1000)
	for range 2 {
		if state := must(s.Return(t.Context(), part))(t); state != paywall.CashOutPending {
			t.Fatalf("%s", state)
		}
		if n, _ := s.back(in, part.ID); n != 0 {
			t.Fatal("it moved")
		}
	}
	s.paid(2000)
	if state := must(s.Return(t.Context(), part))(t); state != paywall.CashOutDone {
		t.Fatalf("%s", state)
	}
	s.wants(in, paywall.IntentPaid, "payment 10.00, fee 0.40, refund 10.00")
}

func TestRefundThatFailsBeforeItMovedIsTold(t *testing.T) {
	s := open(t, pretend.Options{})
	in, payment := s.paid(1000)
	must(s.bank.Payout("eur"))(t)
	part := s.part(in, payment, 1000)
	must(s.Return(t.Context(), part))(t)
	if err := s.bank.FailRefund(s.bank.IDs("refund")[0], "insufficient_funds"); err != nil {
		t.Fatal(err)
	}
	if state := must(s.Return(t.Context(), part))(t); state != paywall.CashOutFailed {
		t.Errorf("%s", state)
	}
	s.wants(in, paywall.IntentPaid, "payment 10.00, fee 0.40")
}

func TestFailedRefundComesBack(t *testing.T) {
	s := open(t, pretend.Options{})
	in, payment := s.paid(1000)
	part := s.part(in, payment, 400)
	must(s.Return(t.Context(), part))(t)
	refund := s.look(in).Movements[2].ID
	if err := s.bank.FailRefund(refund, "expired_or_canceled_card"); err != nil {
		t.Fatal(err)
	}
	if state := must(s.Return(t.Context(), part))(t); state != paywall.CashOutFailed {
		t.Errorf("%s", state)
	}
	found := s.wants(in, paywall.IntentPaid, "payment 10.00, fee 0.40, refund 4.00, refund-failed 4.00")
	for _, m := range found.Movements[2:] {
		if m.ID != refund || m.CashOut != part.ID || m.Payment != payment {
			t.Errorf("%+v", m)
		}
	}
}
