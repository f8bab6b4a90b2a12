package pretend_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

func TestFeesAreRoundedUp(t *testing.T) {
	for amount, fee := range map[string]float64{"500": 33, "1000": 40, "1001": 41, "50": 26, "2000": 55} {
		s := open(t, pretend.Options{})
		if _, payment := s.paid(amount); payment.in("latest_charge.balance_transaction.fee") != fee {
			t.Errorf("of %s the fee is %v, not %v", amount, payment.in("latest_charge.balance_transaction.fee"), fee)
		}
	}
}

func TestBalanceTransactionMayComeLater(t *testing.T) {
	s := open(t, pretend.Options{BookAfter: -1})
	session, payment := s.paid("500")
	if payment.text("status") != "succeeded" || payment.in("latest_charge.balance_transaction") != nil {
		t.Fatalf("payment %v", payment)
	}
	if err := s.bank.Book(payment.text("id")); err != nil {
		t.Fatal(err)
	}
	session = s.got("GET /v1/checkout/sessions/"+session.text("id"), "expand[]", "payment_intent.latest_charge.balance_transaction")
	if session.in("payment_intent.latest_charge.balance_transaction.fee") != 33.0 {
		t.Errorf("session %v", session)
	}
	if !slices.Contains(s.events(), "charge.updated") {
		t.Errorf("events %v", s.events())
	}
}

// events are the types of all events, newest first.
func (s *shop) events() (types []string) {
	s.t.Helper()
	for _, o := range s.got("GET /v1/events", "limit", "100").items() {
		types = append(types, o.text("type"))
	}
	return types
}

func TestWhatIsPaidLaterArrivesOrFails(t *testing.T) {
	for action, want := range map[pretend.Action]string{pretend.PayLater: "paid", pretend.PayLaterFails: "unpaid"} {
		s := open(t, pretend.Options{ArriveAfter: -1})
		id := s.got(create, params()...).text("id")
		location, err := s.bank.Press(id, action)
		if err != nil || location != "https://shop.example/back?s="+id {
			t.Errorf("%s leads to %s: %v", action, location, err)
		}
		if o := s.got("GET /v1/checkout/sessions/" + id); o.text("status") != "complete" || o.text("payment_status") != "unpaid" || s.sum() != 0 {
			t.Errorf("%s: session %v", action, o)
		}
		if err := s.bank.Arrive(id); err != nil {
			t.Fatal(err)
		}
		if o := s.got("GET /v1/checkout/sessions/" + id); o.text("payment_status") != want || (s.sum() > 0) != (want == "paid") {
			t.Errorf("%s: then session %v", action, o)
		}
		if err := s.bank.Arrive(id); err == nil {
			t.Error("it arrives twice")
		}
	}
}

func TestDemandedSecureStepIsAsked(t *testing.T) {
	s := open(t, pretend.Options{})
	id := s.got(create, params("payment_method_options[card][request_three_d_secure]", "any")...).text("id")
	for _, step := range []struct {
		press  pretend.Action
		ends   bool
		status string
	}{
		{pretend.Pay, false, "requires_action"},
		{pretend.SecureFail, false, "requires_payment_method"},
		{pretend.Pay, false, "requires_action"},
		{pretend.SecurePass, true, "succeeded"},
	} {
		location, err := s.bank.Press(id, step.press)
		if err != nil || (location != "") != step.ends {
			t.Errorf("%s leads to %q: %v", step.press, location, err)
		}
		if o := s.got("GET /v1/checkout/sessions/"+id, "expand[]", "payment_intent"); o.text("payment_intent.status") != step.status {
			t.Errorf("after %s the payment is %v", step.press, o.in("payment_intent.status"))
		}
	}
}

func TestRefunds(t *testing.T) {
	s := open(t, pretend.Options{})
	_, payment := s.paid("1000")
	id := payment.text("id")
	one := s.got("POST /v1/refunds", "payment_intent", id, "amount", "300", "metadata[cashout]", "C-0")
	if one.text("status") != "succeeded" || one.text("metadata.cashout") != "C-0" || s.sum() != 660 {
		t.Errorf("refund %v, %d left", one, s.sum())
	}
	if status, o := s.ask("POST /v1/refunds", "payment_intent", id, "amount", "701"); status != http.StatusBadRequest {
		t.Errorf("more than is left: %d %v", status, o)
	}
	// 660 are there: the rest of 700 waits for money.
	rest := s.got("POST /v1/refunds", "charge", payment.text("latest_charge.id"))
	if rest.text("status") != "pending" || rest.text("pending_reason") != "insufficient_funds" || rest["balance_transaction"] != nil {
		t.Errorf("refund %v", rest)
	}
	if status, o := s.ask("POST /v1/refunds", "payment_intent", id); status != http.StatusBadRequest || o.text("error.code") != "charge_already_refunded" {
		t.Errorf("a payment that is refunded: %d %v", status, o)
	}
	s.bank.Charge(1000, "eur")
	if rest = s.got("GET /v1/refunds/" + rest.text("id")); rest.text("status") != "succeeded" || s.sum() != 920 {
		t.Errorf("then refund %v, %d left", rest, s.sum())
	}
	if err := s.bank.FailRefund(rest.text("id"), "expired_or_canceled_card"); err != nil {
		t.Fatal(err)
	}
	if rest = s.got("GET /v1/refunds/" + rest.text("id")); rest.text("status") != "failed" || rest.text("failure_balance_transaction") == "" || s.sum() != 1620 {
		t.Errorf("at last refund %v, %d left", rest, s.sum())
	}
	if items := s.got("GET /v1/refunds", "payment_intent", id).items(); len(items) != 2 {
		t.Errorf("refunds %v", items)
	}
	if s.bank.Funds("eur") != s.sum() {
		t.Errorf("the account holds %d, the sum is %d", s.bank.Funds("eur"), s.sum())
	}
}

func TestRefundOfWhatIsNoCardFailsWithoutMoney(t *testing.T) {
	s := open(t, pretend.Options{})
	id := s.got(create, params()...).text("id")
	if _, err := s.bank.Press(id, pretend.PayLater); err != nil {
		t.Fatal(err)
	}
	refund := s.got("POST /v1/refunds", "payment_intent", s.got("GET /v1/checkout/sessions/"+id).text("payment_intent"))
	if refund.text("status") != "failed" || refund.text("failure_reason") != "insufficient_funds" || s.sum() != 467 {
		t.Errorf("refund %v", refund)
	}
}

func TestDisputesMoveMoneyAsStripeSays(t *testing.T) {
	for _, c := range []struct {
		begins string
		then   []string
		net    int64
	}{
		{"warning_needs_response", nil, 0},
		{"warning_needs_response", []string{"warning_closed"}, 0},
		{"warning_needs_response", []string{"prevented"}, 0},
		{"warning_needs_response", []string{"needs_response"}, -2400},
		{"needs_response", nil, -2400},
		{"needs_response", []string{"under_review", "won"}, -2000},
		{"needs_response", []string{"lost"}, -2400},
		{"prevented", nil, -400},
	} {
		s := open(t, pretend.Options{})
		_, payment := s.paid("5000")
		before := s.sum()
		id, err := s.bank.Dispute(payment.text("id"), 400, c.begins)
		if err != nil {
			t.Fatal(err)
		}
		for _, status := range c.then {
			if err := s.bank.MoveDispute(id, status); err != nil {
				t.Error(err)
			}
		}
		if got := s.sum() - before; got != c.net {
			t.Errorf("%s %v moves %d, not %d", c.begins, c.then, got, c.net)
		}
		dispute := s.got("GET /v1/disputes/" + id)
		status, o := s.ask("POST /v1/refunds", "payment_intent", payment.text("id"), "amount", "1")
		if refundable := dispute["is_charge_refundable"] == true; refundable != (status == 200) {
			t.Errorf("%s %v: refundable %v, but %d %v", c.begins, c.then, refundable, status, o)
		}
		if _, err := s.bank.Dispute(payment.text("id"), 400, "needs_response"); err == nil {
			t.Error("a payment is disputed twice")
		}
	}
}

func TestWarningIsActionableUntilItIsActedOn(t *testing.T) {
	s := open(t, pretend.Options{})
	s.bank.Charge(5000, "eur")
	_, payment := s.paid("500")
	id, err := s.bank.Warn(payment.text("id"))
	if err != nil {
		t.Fatal(err)
	}
	for _, amount := range []string{"100", "400"} {
		if o := s.got("GET /v1/radar/early_fraud_warnings/" + id); o["actionable"] != true {
			t.Errorf("warning %v", o)
		}
		s.got("POST /v1/refunds", "payment_intent", payment.text("id"), "amount", amount)
	}
	if o := s.got("GET /v1/radar/early_fraud_warnings/" + id); o["actionable"] != false {
		t.Errorf("warning %v", o)
	}
	if _, err := s.bank.Dispute(payment.text("id"), 500, "needs_response"); err == nil {
		t.Error("what was refunded in full is disputed")
	}
}

func TestPayoutNamesWhatItPaidOut(t *testing.T) {
	s := open(t, pretend.Options{})
	s.paid("500")
	first, err := s.bank.Payout("eur")
	if err != nil || s.bank.Funds("eur") != 0 {
		t.Fatalf("the account holds %d: %v", s.bank.Funds("eur"), err)
	}
	s.paid("1000")
	s.bank.Move("stripe_fee", -90, "eur")
	second, err := s.bank.Payout("eur")
	if err != nil {
		t.Fatal(err)
	}
	for payout, want := range map[string]int{first: 2, second: 3} {
		items, sum := s.got("GET /v1/balance_transactions", "payout", payout).items(), 0.0
		for _, o := range items {
			sum += o["net"].(float64)
		}
		if len(items) != want || sum != 0 {
			t.Errorf("payout %s has %d transactions with a sum of %v", payout, len(items), sum)
		}
	}
	if err := s.bank.FailPayout(second); err != nil {
		t.Fatal(err)
	}
	if o := s.got("GET /v1/payouts/" + second); o.text("status") != "failed" || s.bank.Funds("eur") != 870 {
		t.Errorf("payout %v, the account holds %d", o, s.bank.Funds("eur"))
	}
	if err := s.bank.FailPayout(second); err == nil {
		t.Error("a payout fails twice")
	}
}
