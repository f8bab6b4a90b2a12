package stripe

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

// effect is what a movement changes the account at Stripe by.
func effect(m paywall.Movement) int64 {
	switch m.Kind {
	case paywall.MovedPayment, paywall.MovedRefundFailed, paywall.MovedDisputeWon, paywall.MovedPayoutFailed, paywall.MovedOther:
		return m.Amount.Micros
	case paywall.MovedFee, paywall.MovedRefund, paywall.MovedPayout:
		return -m.Amount.Micros
	case paywall.MovedDispute:
		return -m.Amount.Micros - m.Fee.Micros
	case paywall.MovedDisputeLost:
	}
	return 0
}

func (s *shop) all(since time.Time) []paywall.Movement {
	s.Helper()
	var all []paywall.Movement
	for m, err := range s.Movements(s.Context(), since) {
		if err != nil {
			s.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// TestMovementsSumToTheAccount has chance make what happens on an account. All that is
// listed sums to what the account holds, each movement once; and what a look names is
// listed alike, but for payments whose money is not on the account yet.
func TestMovementsSumToTheAccount(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := open(t, pretend.Options{BookAfter: -1, ArriveAfter: -1})
		start := s.clock.Now()
		var intents []paywall.Intent
		var payments []string
		for range 60 {
			s.clock.add(time.Duration(r.IntN(100_000)) * time.Second)
			s.happens(r, &intents, &payments)
		}
		all := s.all(start)
		var sum int64
		seen := map[string]paywall.Movement{}
		for _, m := range all {
			sum += effect(m)
			key := string(m.Kind) + " " + m.ID
			if _, twice := seen[key]; twice {
				t.Errorf("seed %d: %s twice", seed, key)
			}
			seen[key] = m
		}
		if want := s.bank.Funds("eur") * 10_000; sum != want {
			t.Errorf("seed %d: movements sum to %d, the account holds %d", seed, sum, want)
		}
		for _, in := range intents {
			moved := s.look(in).Movements
			booked := slices.ContainsFunc(moved, func(m paywall.Movement) bool { return m.Kind == paywall.MovedFee })
			for _, m := range moved {
				if listed, ok := seen[string(m.Kind)+" "+m.ID]; ok && listed != m || !ok && booked {
					t.Errorf("seed %d: a look names %+v, listed is %+v", seed, m, listed)
				}
			}
		}
	}
}

// happens lets one thing happen on the account. What is not possible does not.
func (s *shop) happens(r *rand.Rand, intents *[]paywall.Intent, payments *[]string) {
	pick := func() string {
		if len(*payments) == 0 {
			return "pi_none"
		}
		return (*payments)[r.IntN(len(*payments))]
	}
	last := func(kind string) string {
		ids := s.bank.IDs(kind)
		if len(ids) == 0 {
			return "none"
		}
		return ids[r.IntN(len(ids))]
	}
	amount := 100 + r.Int64N(2000)
	switch n := r.IntN(16); n {
	case 0, 1, 2, 3:
		in := s.begin(amount)
		*intents = append(*intents, in)
		s.press(in, pretend.Pay)
		p := s.look(in).Movements[0].ID
		*payments = append(*payments, p)
		if r.IntN(10) > 0 {
			_ = s.bank.Book(p)
		}
	case 4:
		in := s.begin(amount)
		*intents = append(*intents, in)
		s.press(in, pretend.PayLater)
		if r.IntN(2) == 0 && s.bank.Arrive(in.Object) == nil {
			*payments = append(*payments, s.look(in).Movements[0].ID)
		}
	case 5, 6:
		_, _ = s.bank.Refund(pick(), 1+r.Int64N(amount))
	case 7:
		_, _ = s.Return(s.Context(), s.part(paywall.Intent{}, pick(), 1+r.Int64N(amount)))
	case 8:
		_ = s.bank.FailRefund(last("refund"), "lost_or_stolen_card")
	case 9, 10:
		_, _ = s.bank.Dispute(pick(), 1+r.Int64N(amount), []string{"warning_needs_response", "needs_response", "prevented"}[r.IntN(3)])
	case 11:
		_ = s.bank.MoveDispute(last("dispute"), []string{"won", "lost", "needs_response", "under_review"}[r.IntN(4)])
	case 12:
		if _, err := s.bank.Payout("eur"); err == nil && r.IntN(2) == 0 {
			_ = s.bank.FailPayout(last("payout"))
		}
	case 13:
		s.bank.Charge(amount, []string{"eur", "usd"}[r.IntN(2)])
	case 14:
		s.bank.Move([]string{"stripe_fee", "adjustment", "tax_fee", "reserve_hold", "topup"}[r.IntN(5)], r.Int64N(2000)-1000, "eur")
	case 15:
		_ = s.bank.FailPayment(pick())
	}
}

func TestMovementsAreListedOldestFirst(t *testing.T) {
	s := open(t, pretend.Options{})
	start := s.clock.Now()
	const many = maxPages*pageSize + 500 // at one hour: more than is listed at once
	for i := range many {
		if i%100 == 0 {
			s.clock.add(time.Minute)
		}
		s.bank.Move("stripe_fee", -int64(i)-1, "eur")
	}
	s.clock.add(300 * 24 * time.Hour)
	s.bank.Move("stripe_fee", -many-1, "eur")
	for _, since := range []time.Time{start, {}} {
		all := s.all(since)
		if len(all) != many+1 {
			t.Fatalf("%d movements", len(all))
		}
		for i, m := range all {
			if m.Kind != paywall.MovedFee || m.Amount != euros(int64(i)+1) {
				t.Fatalf("%d: %+v", i, m)
			}
		}
	}
	if all := s.all(start.Add(24 * time.Hour)); len(all) != 1 {
		t.Errorf("%d movements since a day later", len(all))
	}
	n := 0
	for range s.Movements(t.Context(), start) {
		if n++; n == 3 {
			break
		}
	}
}

func TestMovementsEndWithTheFirstError(t *testing.T) {
	w, _ := answering(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("starting_after") == "" {
			_, _ = fmt.Fprint(rw, `{"object":"list","has_more":true,"data":[{"id":"txn_1","object":"balance_transaction","amount":-100,"net":-100,"currency":"eur","type":"stripe_fee"}]}`)
			return
		}
		failing(rw, 403, "invalid_request_error", "")
	})
	n := 0
	for _, err := range w.Movements(t.Context(), time.Now().Add(-time.Hour)) {
		n++
		if err == nil || !strings.Contains(err.Error(), `"Balance Transactions: Read"`) {
			t.Error(err)
		}
	}
	if n != 1 {
		t.Errorf("%d answers", n)
	}
}

// TestEveryTransactionIsWorthItsNet are shapes that the pretend bank has not.
func TestEveryTransactionIsWorthItsNet(t *testing.T) {
	const charge = `{"id":"ch_1","object":"charge","amount":1000,"amount_captured":1000,"currency":"eur","captured":true,"paid":true,"status":"succeeded","payment_intent":"pi_1","balance_transaction":"txn_0","created":1700000000,"metadata":{"intent":"ABCDEFGHIJKLMNOP"}}`
	for name, c := range map[string]struct{ txn, want string }{
		"payment, its transaction not linked yet": {`"amount":1000,"fee":40,"type":"charge","source":` + strings.Replace(charge, `"txn_0"`, "null", 1), "payment 10.00, fee 0.40"},
		"payment without a payment intent":        {`"amount":1000,"fee":40,"type":"charge","source":` + strings.Replace(strings.Replace(charge, `"txn_0"`, `"txn_1"`, 1), `"pi_1"`, "null", 1), "payment 10.00, fee 0.40"},
		"charged in another currency":             {`"amount":900,"fee":40,"type":"charge","source":` + strings.Replace(strings.Replace(charge, `"txn_0"`, `"txn_1"`, 1), `"eur"`, `"usd"`, 1), "payment 9.00, fee 0.40"},
		"a charge's third transaction":            {`"amount":-5,"fee":0,"type":"payment_reversal","source":` + strings.Replace(charge, `"metadata"`, `"failure_balance_transaction":"txn_2","metadata"`, 1), "other -0.05"},
		"refund whose fee is given back":          {`"amount":-1000,"fee":-40,"type":"refund","source":{"id":"re_1","object":"refund","amount":1000,"balance_transaction":"txn_1","payment_intent":"pi_1","created":1700000000}`, "refund 10.00, other 0.40"},
		"refund with a fee":                       {`"amount":-1000,"fee":40,"type":"refund","source":{"id":"re_1","object":"refund","amount":1000,"balance_transaction":"txn_1","payment_intent":"pi_1","created":1700000000}`, "refund 10.00, fee 0.40"},
		"failed refund as an adjustment":          {`"amount":1000,"fee":0,"type":"adjustment","source":{"id":"re_1","object":"refund","amount":1000,"balance_transaction":"txn_0","failure_balance_transaction":"txn_1","payment_intent":"pi_1","created":1700000000}`, "refund-failed 10.00"},
		"dispute that does not list it yet":       {`"amount":-1000,"fee":2000,"type":"adjustment","source":{"id":"du_1","object":"dispute","amount":1000,"status":"needs_response","balance_transactions":[],"payment_intent":"pi_1","created":1700000000}`, "dispute 10.00 fee 20.00"},
		"dispute that gives its fee back":         {`"amount":1000,"fee":-2000,"type":"adjustment","source":{"id":"du_1","object":"dispute","amount":1000,"status":"won","balance_transactions":[{"id":"txn_0","amount":-1000,"fee":2000,"currency":"eur","created":1699999000}],"payment_intent":"pi_1","created":1700000000}`, "dispute-won 10.00, other 20.00"},
		"a dispute's fee for an answer":           {`"amount":0,"fee":2000,"type":"adjustment","source":{"id":"du_1","object":"dispute","amount":1000,"status":"under_review","balance_transactions":[{"id":"txn_0","amount":-1000,"fee":2000,"currency":"eur","created":1699999000}],"payment_intent":"pi_1","created":1700000000}`, "fee 20.00"},
		"fee of an inquiry":                       {`"amount":0,"fee":2000,"type":"adjustment","source":{"id":"du_1","object":"dispute","amount":1000,"status":"warning_under_review","balance_transactions":[],"payment_intent":"pi_1","created":1700000000}`, "fee 20.00"},
		"instant payout":                          {`"amount":-1000,"fee":10,"type":"payout","source":{"id":"po_1","object":"payout","amount":1000,"balance_transaction":"txn_1","created":1700000000}`, "payout 10.00, fee 0.10"},
		"payout below zero":                       {`"amount":1000,"fee":0,"type":"payout","source":{"id":"po_1","object":"payout","amount":-1000,"balance_transaction":"txn_1","created":1700000000}`, "other 10.00"},
		"canceled payout":                         {`"amount":1000,"fee":0,"type":"payout_cancel","source":{"id":"po_1","object":"payout","amount":1000,"balance_transaction":"txn_0","failure_balance_transaction":"txn_1","created":1700000000}`, "payout-failed 10.00"},
		"Stripe's fee":                            {`"amount":-300,"fee":0,"type":"stripe_fee","source":null`, "fee 3.00"},
		"Stripe's fee given back":                 {`"amount":300,"fee":0,"type":"stripe_fee","source":null`, "other 3.00"},
		"source that is not expanded":             {`"amount":-300,"fee":0,"type":"transfer","source":"tr_1"`, "other -3.00"},
		"type that nobody knows":                  {`"amount":-300,"fee":7,"type":"brand_new","source":{"id":"x_1","object":"brand_new"}`, "other -3.00, fee 0.07"},
		"other with its fee given back":           {`"amount":-300,"fee":-7,"type":"adjustment","source":null`, "other -2.93"},
		"nothing":                                 {`"amount":0,"fee":0,"type":"adjustment","source":null`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			served := false
			w, _ := answering(t, func(rw http.ResponseWriter, _ *http.Request) {
				data := ""
				if !served {
					data = `{"id":"txn_1","object":"balance_transaction","currency":"eur","created":1700000000,` + c.txn + `}`
				}
				served = true
				_, _ = fmt.Fprintf(rw, `{"object":"list","has_more":false,"data":[%s]}`, data)
			})
			var all []paywall.Movement
			var sum int64
			for m, err := range w.Movements(t.Context(), time.Now().Add(-time.Hour)) {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, m)
				sum += effect(m)
			}
			var amount, fee int64
			_, _ = fmt.Sscanf(c.txn, `"amount":%d,"fee":%d`, &amount, &fee)
			if says(all) != c.want || sum != (amount-fee)*10_000 {
				t.Errorf("got %q worth %d, want %q worth %d", says(all), sum, c.want, (amount-fee)*10_000)
			}
		})
	}
}
