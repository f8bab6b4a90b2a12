package stripe

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

// anEvent is one as Stripe sends it.
func anEvent(kind, object string) string {
	return fmt.Sprintf(`{"id":"evt_1","object":"event","api_version":"2020-08-27","type":%q,"livemode":false,"data":{"object":%s}}`, kind, object)
}

var paidSession = anEvent("checkout.session.completed", `{"id":"cs_test_1","object":"checkout.session","metadata":{"intent":"`+testIntent+`"}}`)

// calling is a signed call.
func calling(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/.paywall/hook/stripe", strings.NewReader(body))
	now := time.Now()
	r.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,%s", now.Unix(), v1(now, body, testSecret)))
	return r
}

// silent is a way whose Stripe must not be asked.
func silent(t *testing.T) (*Way, *logged) {
	return answering(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("Stripe was asked for %s", r.URL) })
}

func TestEventNamesItsIntent(t *testing.T) {
	one := func(object string) topup.Named {
		return topup.Named{Intents: []topup.Reference{{Intent: testIntent, Object: object}}}
	}
	metadata := `"metadata":{"intent":"` + testIntent + `"}`
	for name, c := range map[string]struct {
		body string
		want topup.Named
	}{
		"session":               {paidSession, one("cs_test_1")},
		"session, async":        {anEvent("checkout.session.async_payment_failed", `{"id":"cs_test_1",`+metadata+`}`), one("cs_test_1")},
		"payment":               {anEvent("payment_intent.succeeded", `{"id":"pi_1",`+metadata+`}`), one("")},
		"charge with its fee":   {anEvent("charge.updated", `{"id":"ch_1",`+metadata+`,"payment_intent":"pi_1"}`), one("")},
		"refund":                {anEvent("refund.created", `{"id":"re_1","metadata":{},"payment_intent":"pi_1","charge":"ch_1"}`), one("")},
		"refund of an old API":  {anEvent("charge.refund.updated", `{"id":"re_1","charge":"ch_1"}`), one("")},
		"dispute":               {anEvent("charge.dispute.created", `{"id":"du_1","payment_intent":"pi_1"}`), one("")},
		"dispute, expanded":     {anEvent("charge.dispute.closed", `{"id":"du_1","payment_intent":{"id":"pi_1"},"charge":null}`), one("")},
		"fraud warning":         {anEvent("radar.early_fraud_warning.created", `{"id":"issfr_1","payment_intent":"pi_1"}`), one("")},
		"foreign payment":       {anEvent("charge.dispute.created", `{"id":"du_1","payment_intent":"pi_foreign"}`), topup.Named{}},
		"gone payment":          {anEvent("charge.dispute.created", `{"id":"du_1","payment_intent":"pi_gone"}`), topup.Named{}},
		"dispute of nothing":    {anEvent("charge.dispute.created", `{"id":"du_1"}`), topup.Named{}},
		"session of a shop":     {anEvent("checkout.session.completed", `{"id":"cs_1","client_reference_id":"`+testIntent+`","metadata":{}}`), topup.Named{}},
		"intent of another":     {anEvent("payment_intent.succeeded", `{"id":"pi_1","metadata":{"intent":"buy-shoes"}}`), topup.Named{}},
		"L16 unknown type":      {anEvent("customer.created", `{"id":"cus_1",`+metadata+`}`), topup.Named{}},
		"L16 unknown object":    {anEvent("entitlements.changed", `[1,2]`), topup.Named{}},
		"L16 thin event":        {`{"id":"evt_1","object":"v2.core.event","type":"v1.billing.meter.error_report_triggered","livemode":false,"data":{"x":1}}`, topup.Named{}},
		"L16 nothing":           {`{}`, topup.Named{}},
		"L19 type twice":        {strings.Replace(paidSession, `"type"`, `"type":"customer.created","type"`, 1), one("cs_test_1")},
		"L19 type twice, ended": {strings.TrimSuffix(paidSession, "}") + `,"type":"customer.created"}`, topup.Named{}},
		"L09 other mode":        {strings.Replace(paidSession, `"livemode":false`, `"livemode":true`, 1), topup.Named{}},
		"L09 other account":     {strings.TrimSuffix(paidSession, "}") + `,"account":"acct_2"}`, topup.Named{}},
	} {
		t.Run(name, func(t *testing.T) {
			w, log := answering(t, func(rw http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/v1/payment_intents/pi_1", "/v1/charges/ch_1":
					_, _ = io.WriteString(rw, `{"id":"x",`+metadata+`}`)
				case "/v1/payment_intents/pi_foreign":
					_, _ = io.WriteString(rw, `{"id":"x","metadata":{}}`)
				default:
					failing(rw, 404, "invalid_request_error", "resource_missing")
				}
			})
			rec := httptest.NewRecorder()
			got, err := w.Hook(rec, calling(c.body))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got %+v, %v; want %+v", got, err, c.want)
			}
			if rec.Code != http.StatusOK || rec.Body.Len() > 0 {
				t.Errorf("it was answered already: %d %s", rec.Code, rec.Body)
			}
			if strings.HasPrefix(name, "L09") != strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// TestBadCallIsRefusedBeforeAnyWork has the rows L02, L04, L05, L15 and L17 as calls.
func TestBadCallIsRefusedBeforeAnyWork(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(make([]byte, 1<<20))
	_ = z.Close()
	large := anEvent("checkout.session.completed", `{"id":"`+strings.Repeat("x", maxEvent)+`"}`)
	for name, c := range map[string]struct {
		call func() *http.Request
		want int
		code paywall.Code
	}{
		"L17 GET":      {func() *http.Request { r := calling(paidSession); r.Method = http.MethodGet; return r }, 405, paywall.CodeMethodNotAllowed},
		"L17 HEAD":     {func() *http.Request { r := calling(paidSession); r.Method = http.MethodHead; return r }, 405, paywall.CodeMethodNotAllowed},
		"L02 unsigned": {func() *http.Request { r := calling(paidSession); r.Header.Del("Stripe-Signature"); return r }, 400, paywall.CodeMalformed},
		"L02 another secret": {func() *http.Request {
			r := calling(paidSession)
			r.Header.Set("Stripe-Signature", "t=1,v1=00")
			return r
		}, 400, paywall.CodeMalformed},
		"L02 another body": {func() *http.Request {
			r := calling(paidSession)
			r.Body = io.NopCloser(strings.NewReader(paidSession + " "))
			return r
		}, 400, paywall.CodeMalformed},
		"L02 cookies instead": {func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(paidSession))
			r.Header.Set("Cookie", "paywall=x")
			return r
		}, 400, paywall.CodeMalformed},
		"L15 announced large": {func() *http.Request { return calling(large) }, 413, paywall.CodeTooLarge},
		"L15 endless":         {func() *http.Request { r := calling(large); r.ContentLength = -1; return r }, 413, paywall.CodeTooLarge},
		"L15 gzip": {func() *http.Request {
			r := calling(zipped.String())
			r.Header.Set("Content-Encoding", "gzip")
			return r
		}, 415, paywall.CodeUnsupportedMedia},
		"no JSON":   {func() *http.Request { return calling("hello") }, 400, paywall.CodeMalformed},
		"no object": {func() *http.Request { return calling(anEvent("refund.created", `[]`)) }, 400, paywall.CodeMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := silent(t)
			rec := httptest.NewRecorder()
			got, err := w.Hook(rec, c.call())
			e, ok := errors.AsType[*paywall.Error](err)
			if !ok || e.Code != c.code || rec.Code != c.want || len(got.Intents) > 0 {
				t.Fatalf("%d, %v, %+v", rec.Code, err, got)
			}
			if rec.Header().Get("Cache-Control") != "no-store" || strings.Contains(rec.Body.String(), testSecret) {
				t.Errorf("%v %s", rec.Header(), rec.Body)
			}
		})
	}
}

func TestEventThatCannotBeLookedUpIsSentAgain(t *testing.T) {
	w, _ := answering(t, func(rw http.ResponseWriter, _ *http.Request) { failing(rw, 403, "invalid_request_error", "") })
	rec := httptest.NewRecorder()
	_, err := w.Hook(rec, calling(anEvent("charge.dispute.created", `{"id":"du_1","payment_intent":"pi_1"}`)))
	if rec.Code != http.StatusServiceUnavailable || !errors.Is(err, paywall.ErrUnavailable) || !strings.Contains(err.Error(), `"Payment Intents: Read"`) {
		t.Fatalf("%d, %v", rec.Code, err)
	}
	if strings.Contains(rec.Body.String(), "Payment Intents") {
		t.Errorf("a stranger reads of the key: %s", rec.Body)
	}
}

// TestSlowBodyIsGivenUp is row L15, slow drip.
func TestSlowBodyIsGivenUp(t *testing.T) {
	t.Parallel()
	w, _ := silent(t)
	got := make(chan error, 2)
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, err := w.Hook(rw, r)
		got <- err
	}))
	defer site.Close()
	conn, err := net.Dial("tcp", site.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := calling(paidSession)
	_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nStripe-Signature: %s\r\nContent-Length: 1000\r\n\r\n{", r.Header.Get("Stripe-Signature"))
	start := time.Now()
	answer := make([]byte, 200)
	n, _ := conn.Read(answer)
	if took := time.Since(start); took > eventArrives+2*time.Second || !strings.Contains(string(answer[:n]), "408 Request Timeout") {
		t.Fatalf("after %s: %s", took, answer[:n])
	}
	if err := <-got; err == nil {
		t.Fatal("no error")
	}
}

// hook is a site that tells what each call named.
func hook(tell func(topup.Named, error), w *Way) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { tell(w.Hook(rw, r)) })
}
