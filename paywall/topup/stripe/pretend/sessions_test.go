package pretend_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

func TestWrongSessionsAreRefused(t *testing.T) {
	s := open(t, pretend.Options{})
	in := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
	amount, many := "line_items[0][price_data][unit_amount]", make([]string, 0, 102)
	for i := range 51 {
		many = append(many, "metadata[k"+strconv.Itoa(i)+"]", "v")
	}
	for name, c := range map[string]struct {
		change []string
		code   string
	}{
		"unknown parameter":        {[]string{"zz", "1"}, "parameter_unknown"},
		"unknown nested parameter": {[]string{"payment_intent_data[zz]", "1"}, "parameter_unknown"},
		"old ui_mode":              {[]string{"ui_mode", "hosted"}, ""},
		"other mode":               {[]string{"mode", "subscription"}, ""},
		"no mode":                  {[]string{"mode", "-"}, "parameter_missing"},
		"past":                     {[]string{"expires_at", in(-time.Hour)}, ""},
		"soon":                     {[]string{"expires_at", in(29 * time.Minute)}, ""},
		"late":                     {[]string{"expires_at", in(25 * time.Hour)}, ""},
		"no item":                  {[]string{"line_items[0][quantity]", "-"}, "parameter_missing"},
		"no name":                  {[]string{"line_items[0][price_data][product_data][name]", ""}, "parameter_invalid_empty"},
		"below the minimum":        {[]string{amount, "49"}, "amount_too_small"},
		"above the maximum":        {[]string{amount, "100000000"}, "parameter_invalid_integer"},
		"no number":                {[]string{amount, "5.00"}, "parameter_invalid_integer"},
		"no URL":                   {[]string{"success_url", "/back"}, "url_invalid"},
		"long value":               {[]string{"metadata[intent]", strings.Repeat("x", 501)}, ""},
		"long value of payment":    {[]string{"payment_intent_data[metadata][intent]", strings.Repeat("x", 501)}, ""},
		"long key":                 {[]string{"metadata[" + strings.Repeat("x", 41) + "]", "1"}, ""},
		"many keys":                {many, ""},
		"long reference":           {[]string{"client_reference_id", strings.Repeat("x", 201)}, ""},
	} {
		status, o := s.ask(create, params(c.change...)...)
		if status != http.StatusBadRequest || o.text("error.type") != "invalid_request_error" || o.text("error.code") != c.code {
			t.Errorf("%s: %d %v", name, status, o)
		}
	}
	if n := len(s.bank.IDs("checkout.session")); n != 0 {
		t.Errorf("%d sessions were made", n)
	}
}

func TestOthersAreRefused(t *testing.T) {
	s := open(t, pretend.Options{Key: "sk_test_other"})
	if status, _ := s.ask("GET /v1/balance"); status != http.StatusUnauthorized {
		t.Errorf("another key gets %d", status)
	}
	s = open(t, pretend.Options{})
	for endpoint, code := range map[string]string{"GET /v1/charges/ch_1": "resource_missing", "GET /v1/customers": "", "DELETE /v1/refunds": ""} {
		if status, o := s.ask(endpoint); status != http.StatusNotFound || o.text("error.code") != code {
			t.Errorf("%s: %d %v", endpoint, status, o)
		}
	}
	for _, wrong := range [][]string{{"limit", "101"}, {"created[gte]", "now"}, {"starting_after", "re_1"}, {"expand[]", "data.metadata"}, {"type", "x"}} {
		s.paid("500")
		_, payment := s.paid("500")
		s.got("POST /v1/refunds", "payment_intent", payment.text("id"))
		if status, _ := s.ask("GET /v1/refunds", wrong...); status < 400 {
			t.Errorf("%v: %d", wrong, status)
		}
	}
}

func TestSessionExpires(t *testing.T) {
	now := time.Now()
	s := open(t, pretend.Options{Now: func() time.Time { return now }})
	id := s.got(create, params("expires_at", strconv.FormatInt(now.Add(31*time.Minute).Unix(), 10))...).text("id")
	now = now.Add(31 * time.Minute)
	if o := s.got("GET /v1/checkout/sessions/" + id); o.text("status") != "expired" || o["url"] != nil {
		t.Errorf("session %v", o)
	}
	if _, err := s.bank.Press(id, pretend.Pay); err == nil {
		t.Error("an expired session was paid")
	}
	if status, _ := s.ask("POST /v1/checkout/sessions/" + id + "/expire"); status != http.StatusBadRequest {
		t.Errorf("an expired session was expired: %d", status)
	}
}

func TestPaymentIsFoundByItsMetadata(t *testing.T) {
	s := open(t, pretend.Options{})
	_, payment := s.paid("500")
	s.bank.Charge(500, "eur")
	found := s.got("GET /v1/payment_intents/search", "query", `metadata["intent"]:"INTENT" AND status:"succeeded"`).items()
	if len(found) != 1 || found[0].text("id") != payment.text("id") {
		t.Errorf("found %v", found)
	}
	if found := s.got("GET /v1/payment_intents/search", "query", `metadata['intent']:'OTHER'`).items(); len(found) != 0 {
		t.Errorf("found %v", found)
	}
}

func TestListsGoOnWhereAPageEnded(t *testing.T) {
	s := open(t, pretend.Options{})
	for range 7 {
		s.bank.Charge(500, "eur")
	}
	var seen []string
	after := []string{"limit", "3"}
	for range 3 {
		list := s.got("GET /v1/balance_transactions", after...)
		for _, o := range list.items() {
			seen = append(seen, o.text("id"))
		}
		if list["has_more"] != (len(seen) < 7) {
			t.Errorf("has_more is %v after %d", list["has_more"], len(seen))
		}
		after = []string{"limit", "3", "starting_after", seen[len(seen)-1]}
	}
	all := s.bank.IDs("balance_transaction")
	if len(seen) != 7 || seen[0] != all[6] || seen[6] != all[0] {
		t.Errorf("saw %v of %v", seen, all)
	}
	back := s.got("GET /v1/balance_transactions", "limit", "2", "ending_before", seen[5])
	if items := back.items(); len(items) != 2 || items[0].text("id") != seen[3] || items[1].text("id") != seen[4] {
		t.Errorf("before %s came %v", seen[5], items)
	}
	if items := s.got("GET /v1/balance_transactions", "type", "refund").items(); len(items) != 0 {
		t.Errorf("refunds: %v", items)
	}
	future := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
	if items := s.got("GET /v1/balance_transactions", "created[gte]", future).items(); len(items) != 0 {
		t.Errorf("of the future: %v", items)
	}
}
