package pretend_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend/mocktest"
)

func TestMain(m *testing.M) { os.Exit(mocktest.Main(m)) }

// schema is one of Stripe's OpenAPI description.
type schema struct {
	Ref        string            `json:"$ref"`
	AnyOf      []schema          `json:"anyOf"`
	Type       string            `json:"type"`
	Enum       []any             `json:"enum"`
	Nullable   bool              `json:"nullable"`
	Required   []string          `json:"required"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
	Additional json.RawMessage   `json:"additionalProperties"`
}

type content map[string]struct {
	Schema schema `json:"schema"`
}

type operation struct {
	Parameters []struct {
		Name   string `json:"name"`
		Schema schema `json:"schema"`
	} `json:"parameters"`
	Body struct {
		Content content `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content content `json:"content"`
	} `json:"responses"`
}

type spec struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

// loadSpec reads the description of Stripe's API that stripe-mock brings along.
func loadSpec(t *testing.T) *spec {
	t.Helper()
	if testing.Short() {
		t.Skip("left out with -short: needs stripe-mock's module")
	}
	cmd := exec.Command("go", "mod", "download", "-json", "github.com/stripe/stripe-mock@"+mocktest.Version)
	cmd.Dir = t.TempDir() // it is no dependency of ours
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("this test needs the module of stripe-mock: %v", err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(module.Dir, "embedded", "openapi", "spec3.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s spec
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// operation gives the one of a pattern such as "GET /v1/charges/{id}".
func (s *spec) operation(pattern string) (operation, bool) {
	method, path, _ := strings.Cut(pattern, " ")
	parts := strings.Split(path, "/")
	for known, methods := range s.Paths {
		if slices.EqualFunc(parts, strings.Split(known, "/"), func(a, b string) bool {
			return a == b || strings.HasPrefix(a, "{") && strings.HasPrefix(b, "{")
		}) {
			op, ok := methods[strings.ToLower(method)]
			return op, ok
		}
	}
	return operation{}, false
}

func (s *spec) resolve(c schema) schema {
	for c.Ref != "" {
		c = s.Components.Schemas[c.Ref[strings.LastIndex(c.Ref, "/")+1:]]
	}
	return c
}

// wrong says what of a value is not as its schema has it.
func (s *spec) wrong(c schema, value any, at string) error {
	c = s.resolve(c)
	if value == nil {
		if c.Nullable {
			return nil
		}
		return fmt.Errorf("%s is null", at)
	}
	if len(c.AnyOf) > 0 {
		var last error
		for _, one := range c.AnyOf {
			if last = s.wrong(one, value, at); last == nil {
				return nil
			}
		}
		return last
	}
	ok := false
	switch value := value.(type) {
	case map[string]any:
		if c.Type == "object" {
			return s.wrongFields(c, value, at)
		}
	case []any:
		for i, item := range value {
			if c.Items == nil {
				break
			}
			if err := s.wrong(*c.Items, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		ok = c.Type == "array"
	case string:
		ok = c.Type == "string" && (len(c.Enum) == 0 || slices.Contains(c.Enum, any(value)))
	case bool:
		ok = c.Type == "boolean" && (len(c.Enum) == 0 || slices.Contains(c.Enum, any(value)))
	case float64:
		ok = c.Type == "number" || c.Type == "integer" && value == float64(int64(value))
	}
	if !ok {
		return fmt.Errorf("%s is %v, not %s %v", at, value, c.Type, c.Enum)
	}
	return nil
}

func (s *spec) wrongFields(c schema, value map[string]any, at string) error {
	for _, field := range c.Required {
		if _, ok := value[field]; !ok {
			return fmt.Errorf("%s lacks %s", at, field)
		}
	}
	for field, inner := range value {
		known, ok := c.Properties[field]
		switch {
		case ok:
			if err := s.wrong(known, inner, at+"."+field); err != nil {
				return err
			}
		case len(c.Properties) > 0 && len(c.Additional) == 0:
			return fmt.Errorf("%s has %s, which Stripe does not know", at, field)
		}
	}
	return nil
}

// nested reports whether a parameter such as "a[][b]" is in an operation.
func (s *spec) nested(op operation, param string) bool {
	parts := strings.Split(strings.ReplaceAll(param, "]", ""), "[")
	var at schema
	for _, p := range op.Parameters {
		if p.Name == parts[0] {
			at = p.Schema
		}
	}
	for _, body := range op.Body.Content {
		if inner, ok := body.Schema.Properties[parts[0]]; ok {
			at = inner
		}
	}
	for _, part := range parts[1:] {
		choices := append([]schema{at}, at.AnyOf...)
		at = schema{}
		for _, choice := range choices {
			choice = s.resolve(choice)
			inner, ok := choice.Properties[part]
			switch {
			case ok:
				at = inner
			case part == "" && choice.Items != nil:
				at = *choice.Items
			case part == "" && len(choice.Additional) > 0 && string(choice.Additional) != "false":
				at = schema{Type: "string"}
			}
		}
	}
	return at.Type != "" || at.Ref != "" || len(at.AnyOf) > 0
}

func TestEndpointsAndParametersAreStripes(t *testing.T) {
	s := loadSpec(t)
	for pattern, params := range pretend.Params() {
		op, ok := s.operation(pattern)
		if !ok {
			t.Errorf("Stripe has no %s", pattern)
		}
		for _, param := range params {
			if !s.nested(op, param) {
				t.Errorf("Stripe has no parameter %s at %s", param, pattern)
			}
		}
	}
	op, _ := s.operation("POST /v1/checkout/sessions")
	if s.nested(op, "payment_intent_data[zz]") || s.nested(op, "zz") {
		t.Error("the test knows parameters that there are not")
	}
}

// TestAnswersAreAsStripeDescribesThem looks at each field of each kind of answer: those
// that are required are there, none is made up, and each has a type that it may have.
func TestAnswersAreAsStripeDescribesThem(t *testing.T) {
	s := loadSpec(t)
	shop := open(t, pretend.Options{Received: mocktest.Record(t).Add})
	shop.everything()
	check := func(pattern, path string, params ...string) []object {
		t.Helper()
		op, _ := s.operation(pattern)
		answer := shop.got("GET "+path, params...)
		for _, body := range op.Responses["200"].Content {
			if err := s.wrong(body.Schema, map[string]any(answer), pattern); err != nil {
				t.Error(err)
			}
		}
		return answer.items()
	}
	check("GET /v1/balance", "/v1/balance")
	check("GET /v1/payment_intents/search", "/v1/payment_intents/search", "query", `metadata["intent"]:"INTENT"`, "expand[]", "data.latest_charge")
	for path, expand := range map[string]string{
		"/v1/checkout/sessions":          "data.payment_intent.latest_charge.balance_transaction",
		"/v1/refunds":                    "data.balance_transaction",
		"/v1/balance_transactions":       "data.source",
		"/v1/disputes":                   "data.charge",
		"/v1/radar/early_fraud_warnings": "data.charge",
		"/v1/payouts":                    "data.balance_transaction",
		"/v1/events":                     "",
	} {
		params := []string{"limit", "100"}
		if expand != "" {
			params = append(params, "expand[]", expand)
		}
		all := check("GET "+path, path, params...)
		if len(all) == 0 {
			t.Errorf("there is nothing in %s", path)
		}
		for _, o := range all {
			check("GET "+path+"/{id}", path+"/"+o.text("id"))
			if data, ok := o.in("data.object").(map[string]any); ok {
				kind, _ := data["object"].(string)
				if err := s.wrong(schema{Ref: kind}, data, "event "+o.text("type")); err != nil {
					t.Error(err)
				}
			}
		}
	}
	for _, id := range shop.bank.IDs("charge") {
		check("GET /v1/charges/{id}", "/v1/charges/"+id)
	}
	for _, id := range shop.bank.IDs("payment_intent") {
		check("GET /v1/payment_intents/{id}", "/v1/payment_intents/"+id)
	}
}

// everything has all happen that the bank can.
func (s *shop) everything() {
	s.t.Helper()
	must := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	press := func(actions ...pretend.Action) string {
		s.t.Helper()
		session := s.got("POST /v1/checkout/sessions", params()...).text("id")
		for _, action := range actions {
			_, err := s.bank.Press(session, action)
			must(err)
		}
		return session
	}
	press(pretend.Pay)
	press(pretend.PaySecure, pretend.SecureFail, pretend.PaySecure, pretend.SecurePass)
	press(pretend.Decline)
	press(pretend.PayLater)
	press(pretend.PayLaterFails)
	press(pretend.Cancel)
	s.got("POST /v1/checkout/sessions/" + press(pretend.Decline) + "/expire")
	payments := make([]string, 6)
	for i := range payments {
		_, payment := s.paid("2500")
		payments[i] = payment.text("id")
	}
	s.got("POST /v1/refunds", "payment_intent", payments[0], "amount", "100", "metadata[cashout]", "C-0")
	refund, err := s.bank.Refund(payments[0], 200)
	must(err)
	must(s.bank.FailRefund(refund, "expired_or_canceled_card"))
	must(s.bank.FailPayment(payments[1]))
	for i, status := range []string{"warning_needs_response", "needs_response", "prevented"} {
		dispute, err := s.bank.Dispute(payments[2+i], 500, status)
		must(err)
		if i == 1 {
			must(s.bank.MoveDispute(dispute, "won"))
		}
	}
	_, err = s.bank.Warn(payments[5])
	must(err)
	s.bank.Charge(700, "usd")
	s.bank.Move("stripe_fee", -90, "eur")
	payout, err := s.bank.Payout("eur")
	must(err)
	_, err = s.bank.Refund(payments[5], 100)
	must(err) // waits for money
	must(s.bank.FailPayout(payout))
}
