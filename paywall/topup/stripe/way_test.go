package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// shop is a way whose Stripe is the pretend bank.
type shop struct {
	*testing.T
	*Way
	bank  *pretend.Bank
	log   *logged
	clock *clock
	n     int
}

func open(t *testing.T, options pretend.Options) *shop {
	t.Helper()
	s := &shop{T: t, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	options.Now, options.Key = s.clock.Now, testKey
	s.bank = pretend.New(options)
	server := httptest.NewServer(s.bank)
	t.Cleanup(func() { server.Close(); s.bank.Close() })
	s.Way, s.log = newWay(t, server.URL, func(c *Config) { c.Now = s.clock.Now })
	return s
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// begin begins a top-up, without its object known to the caller if lost is set.
func (s *shop) begin(cents int64) paywall.Intent {
	s.Helper()
	s.n++
	in := topup.Begin{
		ID:     fmt.Sprintf("INTENT%010s", strings.NewReplacer("0", "A", "1", "B", "8", "C", "9", "D").Replace(fmt.Sprintf("%010d", s.n))),
		Amount: euros(cents), Expires: s.clock.Now().Add(life), Return: "https://news.example/return", Cancel: "https://news.example/cancel",
	}
	next := must(s.Begin(s.Context(), in))(s)
	return paywall.Intent{ID: in.ID, Way: Name, Amount: in.Amount, State: paywall.IntentOffered, Object: next.Object, Begun: s.clock.Now(), ExpiresAt: in.Expires}
}

func (s *shop) press(in paywall.Intent, action pretend.Action) {
	s.Helper()
	must(s.bank.Press(in.Object, action))(s)
}

func (s *shop) look(in paywall.Intent) topup.Found {
	s.Helper()
	return must(s.Look(s.Context(), in))(s)
}

// paid is a top-up that was paid, and its payment.
func (s *shop) paid(cents int64) (paywall.Intent, string) {
	s.Helper()
	in := s.begin(cents)
	s.press(in, pretend.Pay)
	return in, s.look(in).Movements[0].ID
}

// says is a list of movements as "kind amount", in order.
func says(all []paywall.Movement) string {
	var b []string
	for _, m := range all {
		text := string(m.Kind) + " " + m.Amount.String()
		if m.Fee.Micros != 0 {
			text += " fee " + m.Fee.String()
		}
		b = append(b, text)
	}
	return strings.Join(b, ", ")
}

func (s *shop) wants(in paywall.Intent, state paywall.IntentState, movements string) topup.Found {
	s.Helper()
	found := s.look(in)
	if found.State != state || says(found.Movements) != movements {
		s.Fatalf("got %s with %s; want %s with %s", found.State, says(found.Movements), state, movements)
	}
	return found
}

func TestPaidSessionBringsPaymentAndFee(t *testing.T) {
	s := open(t, pretend.Options{})
	in := s.begin(500)
	if found := s.wants(in, paywall.IntentOffered, ""); found.URL == "" {
		t.Error("an open session has no URL to go on with")
	}
	s.press(in, pretend.Decline)
	s.wants(in, paywall.IntentOffered, "")
	s.press(in, pretend.Pay)
	found := s.wants(in, paywall.IntentPaid, "payment 5.00, fee 0.33")
	payment, fee := found.Movements[0], found.Movements[1]
	if payment.Intent != in.ID || payment.Payment != payment.ID || !strings.HasPrefix(payment.ID, "pi_") || payment.Way != Name || found.URL != "" {
		t.Errorf("payment %+v, URL %q", payment, found.URL)
	}
	if fee.Payment != payment.ID || !strings.HasPrefix(fee.ID, "txn_") || fee.Intent != "" {
		t.Errorf("fee %+v", fee)
	}
}

func TestCreditDoesNotWaitForTheFee(t *testing.T) {
	s := open(t, pretend.Options{BookAfter: -1})
	in := s.begin(500)
	s.press(in, pretend.Pay)
	before := s.wants(in, paywall.IntentPaid, "payment 5.00").Movements[0]
	if err := s.bank.Book(before.ID); err != nil {
		t.Fatal(err)
	}
	s.clock.add(time.Hour)
	if after := s.wants(in, paywall.IntentPaid, "payment 5.00, fee 0.33").Movements[0]; after != before {
		t.Errorf("the payment was %+v and is %+v", before, after)
	}
}

// TestUnpaidSessionWaitsForItsMoney is row L08.
func TestUnpaidSessionWaitsForItsMoney(t *testing.T) {
	s := open(t, pretend.Options{ArriveAfter: -1})
	good, bad := s.begin(500), s.begin(500)
	s.press(good, pretend.PayLater)
	s.press(bad, pretend.PayLaterFails)
	for _, in := range []paywall.Intent{good, bad} {
		s.wants(in, paywall.IntentPending, "")
		if err := s.bank.Arrive(in.Object); err != nil {
			t.Fatal(err)
		}
	}
	s.wants(good, paywall.IntentPaid, "payment 5.00, fee 0.33")
	s.wants(bad, paywall.IntentFailed, "")
}

func TestSessionExpires(t *testing.T) {
	s := open(t, pretend.Options{})
	in := s.begin(500)
	s.clock.add(life + time.Minute)
	s.wants(in, paywall.IntentExpired, "")
	in.Object = "cs_test_ofanotheraccount"
	s.wants(in, paywall.IntentExpired, "")
	in.ExpiresAt = s.clock.Now().Add(time.Minute)
	if _, err := s.Look(t.Context(), in); !errors.Is(err, topup.ErrProvider) {
		t.Errorf("a session that is not there, before its end: %v", err)
	}
}

// TestSessionUnlikeItsIntentPaysForNothing is rows L09 and L10.
func TestSessionUnlikeItsIntentPaysForNothing(t *testing.T) {
	for name, change := range map[string]func(map[string]any, *paywall.Intent){
		"amount":              func(o map[string]any, _ *paywall.Intent) { o["amount_total"] = int64(1) },
		"currency":            func(o map[string]any, _ *paywall.Intent) { o["currency"] = "usd" },
		"livemode":            func(o map[string]any, _ *paywall.Intent) { o["livemode"] = true },
		"client_reference_id": func(o map[string]any, _ *paywall.Intent) { o["client_reference_id"] = testIntent },
		"metadata":            func(o map[string]any, _ *paywall.Intent) { o["metadata"] = map[string]string{} },
		"our amount":          func(_ map[string]any, in *paywall.Intent) { in.Amount = euros(5000) },
		"another intent":      func(_ map[string]any, in *paywall.Intent) { in.ID = testIntent },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, pretend.Options{})
			in, _ := s.paid(500)
			if err := s.bank.Edit(in.Object, func(o map[string]any) { change(o, &in) }); err != nil {
				t.Fatal(err)
			}
			found := s.look(in)
			if found.State == paywall.IntentPaid || len(found.Movements) == 0 || found.Movements[0].Kind != paywall.MovedPayment {
				t.Fatalf("%+v", found)
			}
			for _, m := range found.Movements {
				if m.Intent != "" {
					t.Errorf("%+v pays for an intent", m)
				}
			}
			if !strings.Contains(s.log.String(), "level=ERROR") {
				t.Error("no alarm")
			}
		})
	}
}

func TestLostAnswerOfBeginIsFound(t *testing.T) {
	const sessions = "POST /v1/checkout/sessions"
	for name, fault := range map[string]pretend.Fault{
		"cut after":       {Kind: pretend.CutAfter, Times: 4},
		"failed after":    {Kind: pretend.FailAfter, Times: 1},
		"hangs":           {Kind: pretend.Hang, Times: 1},
		"cut before":      {Kind: pretend.CutBefore, Times: 4},
		"a page":          {Kind: pretend.HTML, Times: 1},
		"overloaded":      {Kind: pretend.Refuse, Status: 429, Code: "rate_limit", Times: 2},
		"failed before":   {Kind: pretend.Fail, Times: 1},
		"fails and fails": {Kind: pretend.FailAfter, Times: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, pretend.Options{})
			in := topup.Begin{ID: testIntent, Amount: euros(500), Expires: s.clock.Now().Add(life), Return: "https://news.example/", Cancel: "https://news.example/"}
			lost := paywall.Intent{ID: in.ID, Amount: in.Amount, State: paywall.IntentOpen, Begun: s.clock.Now(), ExpiresAt: in.Expires}
			s.wants(lost, paywall.IntentOpen, "")
			s.bank.Break(sessions, fault)
			first, err := s.Begin(t.Context(), in)
			if err != nil && !errors.Is(err, topup.ErrProvider) {
				t.Fatal(err)
			}
			s.bank.Mend()
			next := must(s.Begin(t.Context(), in))(t)
			if err == nil && next != first {
				t.Fatalf("another session for the same intent: %+v, %+v", first, next)
			}
			must(s.bank.Press(next.Object, pretend.Pay))(t)
			found := s.wants(lost, paywall.IntentPaid, "payment 5.00, fee 0.33") // though the session is not known
			if found.Movements[0].Intent != testIntent {
				t.Errorf("%+v", found.Movements[0])
			}
			lost.Object = next.Object
			if again := s.look(lost); !reflect.DeepEqual(again, found) {
				t.Errorf("%+v, %+v", found, again)
			}
		})
	}
}

func TestIntentWithoutSessionExpires(t *testing.T) {
	s := open(t, pretend.Options{})
	s.begin(500) // another's
	in := paywall.Intent{ID: testIntent, Amount: euros(500), Begun: s.clock.Now(), ExpiresAt: s.clock.Now().Add(life)}
	s.wants(in, paywall.IntentOpen, "")
	s.clock.add(life)
	s.wants(in, paywall.IntentExpired, "")
}

// TestDisputeMovesWhatItsTransactionsSay is the way's part of row L12.
func TestDisputeMovesWhatItsTransactionsSay(t *testing.T) {
	s := open(t, pretend.Options{})
	const base = "payment 10.00, fee 0.40"
	for _, steps := range [][2][]string{
		{{"warning_needs_response", "warning_under_review", "warning_closed"}, {base, base, base}},
		{{"needs_response", "under_review", "won"}, {base + ", dispute 10.00 fee 20.00", base + ", dispute 10.00 fee 20.00", base + ", dispute 10.00 fee 20.00, dispute-won 10.00"}},
		{{"needs_response", "lost"}, {base + ", dispute 10.00 fee 20.00", base + ", dispute 10.00 fee 20.00, dispute-lost 10.00"}},
		{{"prevented"}, {base + ", dispute 10.00, dispute-lost 10.00"}},
		{{"warning_needs_response", "needs_response"}, {base, base + ", dispute 10.00 fee 20.00"}},
	} {
		in, payment := s.paid(1000)
		id := ""
		for i, status := range steps[0] {
			if i == 0 {
				id = must(s.bank.Dispute(payment, 1000, status))(t)
			} else if err := s.bank.MoveDispute(id, status); err != nil {
				t.Fatal(err)
			}
			for _, m := range s.wants(in, paywall.IntentPaid, steps[1][i]).Movements {
				if strings.HasPrefix(string(m.Kind), "dispute") && (m.ID != id || m.Payment != payment) {
					t.Errorf("%+v", m)
				}
			}
		}
	}
}

func TestWarningIsToldWhileItCanBeActedUpon(t *testing.T) {
	s := open(t, pretend.Options{})
	in, payment := s.paid(1000)
	must(s.bank.Warn(payment))(t)
	if got := s.look(in).Warned; !slices.Equal(got, []string{payment}) {
		t.Fatalf("warned %v", got)
	}
	s.bank.Break("GET /v1/radar/early_fraud_warnings", pretend.Fault{Kind: pretend.Refuse, Status: 403})
	s.wants(in, paywall.IntentPaid, "payment 10.00, fee 0.40")
	if !strings.Contains(s.log.String(), "Early Fraud Warnings: Read") {
		t.Errorf("the missing permission is not named: %s", s.log)
	}
	s.bank.Mend()
	must(s.bank.Refund(payment, 1000))(t)
	if got := s.look(in).Warned; len(got) > 0 {
		t.Fatalf("warned %v", got)
	}
}

func TestMissingPermissionIsNamed(t *testing.T) {
	s := open(t, pretend.Options{})
	in, _ := s.paid(1000)
	for pattern, want := range map[string]string{
		"GET /v1/checkout/sessions/{id}": `"Checkout Sessions: Read"`,
		"GET /v1/refunds":                `"Refunds: Read"`,
		"GET /v1/disputes":               `"Disputes: Read"`,
	} {
		s.bank.Break(pattern, pretend.Fault{Kind: pretend.Refuse, Status: 403})
		if _, err := s.Look(t.Context(), in); !errors.Is(err, topup.ErrProvider) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", pattern, err)
		}
		s.bank.Mend()
	}
}

// TestEventsOfTheBankNameTheIntent has the bank's own webhooks verified and resolved.
func TestEventsOfTheBankNameTheIntent(t *testing.T) {
	s := open(t, pretend.Options{})
	var mu sync.Mutex
	var intents []string
	var moved []paywall.Movement
	site := httptest.NewServer(hook(func(named topup.Named, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			t.Error(err)
		}
		for _, r := range named.Intents {
			intents = append(intents, r.Intent)
		}
		moved = append(moved, named.Movements...)
	}, s.Way))
	defer site.Close()
	s.bank.Subscribe(pretend.Endpoint{URL: site.URL, Secrets: []string{"whsec_tobetaken", testSecret}, Version: "2020-08-27"})
	settle := func() []string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := s.bank.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		defer func() { intents = nil }()
		return slices.Compact(slices.Sorted(slices.Values(intents)))
	}
	s.clock.add(time.Until(s.clock.Now())) // signatures are of now
	in, payment := s.paid(1000)
	for i, do := range []func(){
		func() {}, // paid
		func() { must(s.bank.Refund(payment, 100))(t) },
		func() { must(s.bank.Warn(payment))(t) },
		func() { must(s.bank.Dispute(payment, 500, "needs_response"))(t) },
	} {
		do()
		if got := settle(); !slices.Equal(got, []string{in.ID}) {
			t.Errorf("%d: named %v", i, got)
		}
	}
	for range 5 {
		s.paid(1000)
	}
	payout := must(s.bank.Payout("eur"))(t)
	if err := s.bank.FailPayout(payout); err != nil {
		t.Fatal(err)
	}
	settle()
	slices.SortFunc(moved, func(a, b paywall.Movement) int { return cmp.Compare(a.Kind, b.Kind) })
	moved = slices.CompactFunc(moved, func(a, b paywall.Movement) bool { return a.Kind == b.Kind && a.ID == b.ID && a.Amount == b.Amount })
	if len(moved) != 2 || moved[0].Kind != paywall.MovedPayout || moved[1].Kind != paywall.MovedPayoutFailed || moved[0].ID != payout || moved[1].ID != payout || moved[0].Amount != moved[1].Amount {
		t.Errorf("payouts %+v", moved)
	}
}
