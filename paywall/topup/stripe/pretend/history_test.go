package pretend_test

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

// TestBooksAddUpWhateverHappens: many at once pay, refund, dispute and pay out, over
// connections that are cut; then the account holds the sum of its balance transactions,
// a payout is worth what it paid out, and a charge has given back what its refunds say.
func TestBooksAddUpWhateverHappens(t *testing.T) {
	s := open(t, pretend.Options{BookAfter: time.Millisecond, ArriveAfter: time.Millisecond, Retry: []time.Duration{time.Millisecond}})
	in := newInbox(t, func(n int) int { return []int{200, 200, 500}[n%3] })
	s.bank.Subscribe(pretend.Endpoint{URL: in.url, Secrets: []string{"x"}})
	s.bank.Deliver(pretend.Delivery{Twice: true, Shuffle: true, Late: 5 * time.Millisecond})
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for i := range 25 {
				s.happens(random, strconv.Itoa(worker)+"-"+strconv.Itoa(i))
			}
		})
	}
	all.Wait()
	s.bank.Mend()
	for _, id := range s.bank.IDs("payment_intent") {
		_ = s.bank.Book(id) // those that failed have nothing to book
	}
	in.waited(s)

	if s.bank.Funds("eur") != s.sum() {
		t.Errorf("the account holds %d, the sum is %d", s.bank.Funds("eur"), s.sum())
	}
	for _, id := range s.bank.IDs("payout") {
		if sum := s.sum("payout", id); sum != 0 {
			t.Errorf("payout %s and what it paid out come to %d", id, sum)
		}
	}
	refunds := 0
	for _, id := range s.bank.IDs("charge") {
		back := 0.0
		for _, refund := range s.got("GET /v1/refunds", "charge", id, "limit", "100").items() {
			if refunds++; refund.text("status") != "failed" {
				back += refund["amount"].(float64)
			}
		}
		if charge := s.got("GET /v1/charges/" + id); charge["amount_refunded"] != back {
			t.Errorf("charge %s has given back %v, its refunds %v", id, charge["amount_refunded"], back)
		}
	}
	for kind, least := range map[string]int{"checkout.session": 200, "charge": 100, "refund": 15, "dispute": 5, "payout": 2} {
		if n := len(s.bank.IDs(kind)); n < least || kind == "checkout.session" && n > least {
			t.Errorf("%d of %s", n, kind)
		}
	}
}

// happens is one session and what becomes of it.
func (s *shop) happens(random *rand.Rand, key string) {
	if random.IntN(10) == 0 {
		s.bank.Break(create, pretend.Fault{Kind: []pretend.FaultKind{pretend.CutBefore, pretend.CutAfter}[random.IntN(2)], Times: 1})
	}
	wanted := params("client_reference_id", key, "line_items[0][price_data][unit_amount]", strconv.Itoa(500+random.IntN(2000)))
	var session object
	for session == nil { // a connection that was cut is tried again
		_, text := s.raw(key, create, wanted...)
		_ = json.Unmarshal([]byte(text), &session)
	}
	id := session.text("id")
	_, _ = s.bank.Press(id, []pretend.Action{pretend.Pay, pretend.Pay, pretend.Pay, pretend.PayLater, pretend.PayLaterFails, pretend.Decline}[random.IntN(6)])
	payment := s.got("GET /v1/checkout/sessions/" + id).text("payment_intent")
	amount := 100 + random.Int64N(300)
	switch random.IntN(8) { // what cannot be done any more is not done
	case 0, 1:
		s.raw("re-"+key, "POST /v1/refunds", "payment_intent", payment, "amount", strconv.FormatInt(amount, 10))
	case 2:
		if refund, err := s.bank.Refund(payment, amount); err == nil {
			_ = s.bank.FailRefund(refund, "unknown")
		}
	case 3:
		if dispute, err := s.bank.Dispute(payment, amount, "needs_response"); err == nil && random.IntN(2) == 0 {
			_ = s.bank.MoveDispute(dispute, "won")
		}
	case 4:
		if payout, err := s.bank.Payout("eur"); err == nil && random.IntN(2) == 0 {
			_ = s.bank.FailPayout(payout)
		}
	}
}

// sum is that of the nets of all balance transactions that a list holds.
func (s *shop) sum(filter ...string) (sum int64) {
	s.t.Helper()
	page := append([]string{"limit", "100"}, filter...)
	for {
		list := s.got("GET /v1/balance_transactions", page...)
		for _, o := range list.items() {
			sum += int64(o["net"].(float64))
		}
		if list["has_more"] != true {
			return sum
		}
		items := list.items()
		page = append([]string{"limit", "100", "starting_after", items[len(items)-1].text("id")}, filter...)
	}
}
