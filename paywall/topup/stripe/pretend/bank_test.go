package pretend_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

// shop is a bank with a server, and the calls that a client would make.
type shop struct {
	t      *testing.T
	bank   *pretend.Bank
	server *httptest.Server
}

func open(t *testing.T, options pretend.Options) *shop {
	t.Helper()
	bank := pretend.New(options)
	server := httptest.NewServer(bank)
	t.Cleanup(bank.Close)
	t.Cleanup(server.Close)
	return &shop{t: t, bank: bank, server: server}
}

// object is an answer.
type object map[string]any

// in gives what stands at a path of fields.
func (o object) in(path string) any {
	var value any = map[string]any(o)
	for key := range strings.SplitSeq(path, ".") {
		fields, _ := value.(map[string]any)
		value = fields[key]
	}
	return value
}

func (o object) text(path string) string { text, _ := o.in(path).(string); return text }

func (o object) items() []object {
	var items []object
	list, _ := o["data"].([]any)
	for _, item := range list {
		items = append(items, item.(map[string]any))
	}
	return items
}

// ask calls an endpoint, such as "GET /v1/balance", with parameters in turn.
func (s *shop) ask(endpoint string, params ...string) (int, object) {
	s.t.Helper()
	return s.keyed("", endpoint, params...)
}

func (s *shop) keyed(key, endpoint string, params ...string) (int, object) {
	s.t.Helper()
	status, text := s.raw(key, endpoint, params...)
	var o object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		s.t.Fatalf("%s: %v in %s", endpoint, err, text)
	}
	return status, o
}

func (s *shop) raw(key, endpoint string, params ...string) (int, string) {
	s.t.Helper()
	method, path, _ := strings.Cut(endpoint, " ")
	target, body := s.server.URL+path, io.Reader(nil)
	if method == "POST" {
		body = strings.NewReader(query(params...))
	} else if len(params) > 0 {
		target += "?" + query(params...)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, target, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+pretend.DefaultKey)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := s.server.Client().Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func query(params ...string) string {
	form := url.Values{}
	for i := 0; i < len(params); i += 2 {
		form.Add(params[i], params[i+1])
	}
	return form.Encode()
}

// until waits for something to become true.
func until(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come to pass within ten seconds")
		}
	}
}

// got asks and fails unless the answer is 200.
func (s *shop) got(endpoint string, params ...string) object {
	s.t.Helper()
	status, o := s.ask(endpoint, params...)
	if status != http.StatusOK {
		s.t.Fatalf("%s %v: %d %v", endpoint, params, status, o["error"])
	}
	return o
}

// params are a session's of 5.00 EUR, with those changed that are named; "-" takes one away.
func params(change ...string) []string {
	all := map[string]string{
		"mode": "payment", "ui_mode": "hosted_page", "client_reference_id": "INTENT",
		"success_url": "https://shop.example/back?s={CHECKOUT_SESSION_ID}", "cancel_url": "https://shop.example/cancel",
		"line_items[0][quantity]": "1", "line_items[0][price_data][currency]": "eur", "line_items[0][price_data][unit_amount]": "500",
		"line_items[0][price_data][product_data][name]": "Reading credit", "payment_intent_data[metadata][intent]": "INTENT", "metadata[intent]": "INTENT",
		"adaptive_pricing[enabled]": "false", "excluded_payment_method_types[0]": "klarna",
	}
	for i := 0; i < len(change); i += 2 {
		all[change[i]] = change[i+1]
	}
	var list []string
	for name, value := range all {
		if value != "-" {
			list = append(list, name, value)
		}
	}
	return list
}

// paid makes a session, pays it and gives its payment intent with all in it.
func (s *shop) paid(amount string) (session, payment object) {
	s.t.Helper()
	session = s.got("POST /v1/checkout/sessions", params("line_items[0][price_data][unit_amount]", amount)...)
	if _, err := s.bank.Press(session.text("id"), pretend.Pay); err != nil {
		s.t.Fatal(err)
	}
	session = s.got("GET /v1/checkout/sessions/"+session.text("id"), "expand[]", "payment_intent.latest_charge.balance_transaction")
	return session, session["payment_intent"].(map[string]any)
}

func TestPaidSessionHasAChargeWithItsFee(t *testing.T) {
	s := open(t, pretend.Options{})
	session, payment := s.paid("500")
	if session.text("status") != "complete" || session.text("payment_status") != "paid" || payment.text("metadata.intent") != "INTENT" {
		t.Errorf("session %v", session)
	}
	for path, want := range map[string]any{"amount": 500.0, "fee": 33.0, "net": 467.0, "type": "charge"} {
		if got := payment.in("latest_charge.balance_transaction." + path); got != want {
			t.Errorf("balance transaction has %s %v, want %v", path, got, want)
		}
	}
	if s.bank.Funds("eur") != 467 {
		t.Errorf("the account holds %d", s.bank.Funds("eur"))
	}
}
