package mocktest

import (
	"net/http"
	"os"
	"testing"

	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestWhatStripeRefusesIsAnError(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: needs stripe-mock")
	}
	url, err := shared.start()
	if err != nil {
		t.Fatal(err)
	}
	for body, wrong := range map[string]bool{
		"payment_intent=pi_1&amount=5":      false,
		"payment_intent=pi_1&zz=5":          true,
		"payment_intent=pi_1&amount=five":   true,
		"payment_intent=pi_1&reason=cashed": true,
	} {
		header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Bearer of another"}}
		err := refused(url, pretend.Request{Method: http.MethodPost, URL: "/v1/refunds", Header: header, Body: body})
		if (err != nil) != wrong {
			t.Errorf("%s: %v", body, err)
		}
	}
	if err := refused(url, pretend.Request{Method: http.MethodPost, URL: "/pay/cs_1", Body: "action=pay"}); err != nil {
		t.Errorf("a page is no endpoint: %v", err)
	}
}
