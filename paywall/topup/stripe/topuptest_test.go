package stripe

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend/mocktest"
	"github.com/tuppence/tuppence/paywall/topup/topuptest"
)

func TestMain(m *testing.M) { os.Exit(mocktest.Main(m)) }

func TestWayKeepsThePortsPromises(t *testing.T) {
	topuptest.Run(t, bench)
}

// mail collects the calls of a bank.
type mail struct {
	mu    sync.Mutex
	calls []*http.Request
}

func (m *mail) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	call := httptest.NewRequest(r.Method, r.URL.String(), bytes.NewReader(body))
	call.Header = r.Header
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, call)
}

func (m *mail) take() []*http.Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	calls := m.calls
	m.calls = nil
	return calls
}

// bench is a way on a pretend bank of its own.
func bench(t *testing.T) topuptest.Bench {
	log := mocktest.Record(t)
	bank := pretend.New(pretend.Options{Key: testKey, ArriveAfter: -1, Received: log.Add})
	stripe, box := httptest.NewServer(bank), &mail{}
	site := httptest.NewServer(box)
	t.Cleanup(func() { bank.Close(); stripe.Close(); site.Close() })
	bank.Subscribe(pretend.Endpoint{URL: site.URL, Secrets: []string{testSecret}})
	bank.Move("topup", 10_000, "eur") // else refunds wait for what fees took
	w, _ := newWay(t, stripe.URL)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	press := func(in paywall.Intent, a pretend.Action) { must(bank.Press(in.Object, a))(t) }
	payment := func(in paywall.Intent) string {
		for _, m := range must(w.Look(t.Context(), in))(t).Movements {
			return m.Payment
		}
		t.Fatal("the intent has no payment")
		return ""
	}
	cents := func(m paywall.Money) int64 { return m.Micros / 10_000 }
	everywhere := func(f pretend.Fault, patterns ...string) {
		for _, p := range patterns {
			bank.Break(p, f)
		}
	}
	writes := []string{"POST /v1/checkout/sessions", "POST /v1/refunds"}
	all := append(writes, "GET /v1/checkout/sessions/{id}", "GET /v1/checkout/sessions", "GET /v1/refunds", "GET /v1/disputes", "GET /v1/balance_transactions")
	return topuptest.Bench{
		Way: w, Amount: euros(1000),
		Pay: func(in paywall.Intent) { press(in, pretend.Pay) },
		Hooks: func() []*http.Request {
			check(bank.Wait(t.Context()))
			return box.take()
		},
		Forged: func() []*http.Request {
			unsigned, get, large := calling(paidSession), calling(paidSession), calling(strings.Repeat("x", maxEvent+1))
			unsigned.Header.Set("Stripe-Signature", "t=1,v1=00")
			get.Method = http.MethodGet
			return []*http.Request{unsigned, get, large}
		},
		PayLater: func(in paywall.Intent) func(bool) {
			press(in, pretend.PayLater)
			return func(ok bool) {
				if !ok {
					check(bank.Edit(in.Object, func(o map[string]any) { o["_arrives"] = false }))
				}
				check(bank.Arrive(in.Object))
			}
		},
		Fail: func(in paywall.Intent) {
			check(bank.Edit(in.Object, func(o map[string]any) { o["status"], o["url"] = "expired", nil }))
		},
		Refund: func(in paywall.Intent, amount paywall.Money) { must(bank.Refund(payment(in), cents(amount)))(t) },
		Dispute: func(in paywall.Intent) func(bool) {
			p := payment(in)
			id := must(bank.Dispute(p, cents(euros(1000)), "needs_response"))(t)
			return func(won bool) {
				if won {
					check(bank.MoveDispute(id, "won"))
				} else {
					check(bank.MoveDispute(id, "lost"))
				}
			}
		},
		Warn: func(in paywall.Intent) { must(bank.Warn(payment(in)))(t) },
		Payout: func(amount paywall.Money) { // of all there is
			if short := cents(amount) - bank.Funds("eur"); short > 0 {
				bank.Move("topup", short, "eur")
			}
			must(bank.Payout("eur"))(t)
		},
		Move:      func(amount paywall.Money) { bank.Move("adjustment", cents(amount), "eur") },
		Stranger:  func(amount paywall.Money) { bank.Charge(cents(amount), "eur") },
		Hang:      func() { everywhere(pretend.Fault{Kind: pretend.Hang}, all...) },
		Break:     func() { everywhere(pretend.Fault{Kind: pretend.Fail}, all...) },
		BreakOnce: func() { everywhere(pretend.Fault{Kind: pretend.Fail, Times: 1}, all...) },
		LoseOnce:  func() { everywhere(pretend.Fault{Kind: pretend.CutAfter, Times: 1}, writes...) },
		Mend:      bank.Mend,
		Sent: func() string {
			var b strings.Builder
			for _, r := range log.All() {
				b.WriteString(r.Method + " " + r.URL + " " + r.Body + "\n")
			}
			return b.String()
		},
	}
}
