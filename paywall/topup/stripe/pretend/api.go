package pretend

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// maxBody bounds what a request may send, in bytes.
const maxBody = 1 << 20

// endpoint is one of the API's.
type endpoint struct {
	pattern string   // as [http.ServeMux] has it
	params  []string // that it takes, with "[]" for each index and each key of metadata
	run     func(*Bank, *call) (object, error)
}

// call is a request to an endpoint.
type call struct {
	path   string
	id     string // in the path
	form   url.Values
	origin string // of the bank, as it was asked
}

// lists are the parameters of all lists.
var lists = []string{"limit", "starting_after", "ending_before", "created", "created[gt]", "created[gte]", "created[lt]", "created[lte]"}

// endpoints are all that the bank knows.
var endpoints = []endpoint{
	{"POST /v1/checkout/sessions", sessionParams, (*Bank).createSession},
	{"GET /v1/checkout/sessions", append([]string{"payment_intent", "status"}, lists...), list("checkout.session", "payment_intent", "status")},
	{"GET /v1/checkout/sessions/{id}", nil, retrieve("checkout.session")},
	{"POST /v1/checkout/sessions/{id}/expire", nil, (*Bank).expireSession},
	{"GET /v1/payment_intents/{id}", nil, retrieve("payment_intent")},
	{"GET /v1/payment_intents/search", []string{"query", "limit", "page"}, (*Bank).searchPayments},
	{"GET /v1/charges/{id}", nil, retrieve("charge")},
	{"POST /v1/refunds", []string{"amount", "charge", "payment_intent", "reason", "metadata[]"}, (*Bank).createRefund},
	{"GET /v1/refunds", append([]string{"charge", "payment_intent"}, lists...), list("refund", "charge", "payment_intent")},
	{"GET /v1/refunds/{id}", nil, retrieve("refund")},
	{"GET /v1/balance", nil, (*Bank).balance},
	{"GET /v1/balance_transactions", append([]string{"currency", "payout", "source", "type"}, lists...), (*Bank).listTransactions},
	{"GET /v1/balance_transactions/{id}", nil, retrieve("balance_transaction")},
	{"GET /v1/disputes", append([]string{"charge", "payment_intent"}, lists...), list("dispute", "charge", "payment_intent")},
	{"GET /v1/disputes/{id}", nil, retrieve("dispute")},
	{"GET /v1/radar/early_fraud_warnings", append([]string{"charge", "payment_intent"}, lists...), list("radar.early_fraud_warning", "charge", "payment_intent")},
	{"GET /v1/radar/early_fraud_warnings/{id}", nil, retrieve("radar.early_fraud_warning")},
	{"GET /v1/payouts", append([]string{"status"}, lists...), list("payout", "status")},
	{"GET /v1/payouts/{id}", nil, retrieve("payout")},
	{"GET /v1/events", append([]string{"type", "types[]"}, lists...), (*Bank).listEvents},
	{"GET /v1/events/{id}", nil, retrieve("event")},
}

// retrieve answers one object of a kind.
func retrieve(kind string) func(*Bank, *call) (object, error) {
	return func(b *Bank, c *call) (object, error) {
		o, err := b.find(kind, c.id)
		if err != nil {
			return nil, err
		}
		return b.shown(o), nil
	}
}

// list answers objects of a kind whose fields are as asked for.
func list(kind string, fields ...string) func(*Bank, *call) (object, error) {
	return func(b *Bank, c *call) (object, error) {
		return b.page(c, kind, func(o object) bool {
			return !slices.ContainsFunc(fields, func(field string) bool {
				return c.form.Has(field) && c.form.Get(field) != o.text(field)
			})
		})
	}
}

func unrecognized(_ *Bank, c *call) (object, error) {
	return nil, &apiError{status: http.StatusNotFound, unsaved: true, Type: "invalid_request_error", Message: "Unrecognized request URL (" + c.path + "). The pretend bank knows no such endpoint."}
}

// serveAPI answers one call: it records it, checks it, breaks it if a test wants that,
// and runs it once for its idempotency key.
func (b *Bank) serveAPI(w http.ResponseWriter, r *http.Request, e endpoint) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the request's body could not be read, or is too long", http.StatusBadRequest)
		return
	}
	b.received(r, string(body))
	w.Header().Set("Request-Id", "req_"+rand.Text())
	w.Header().Set("Stripe-Version", Version)
	w.Header().Set("Content-Type", "application/json")

	c, err := b.parse(r, string(body), e)
	if err != nil {
		status, text := refusal(err)
		answer{status: status, body: text}.write(w)
		return
	}
	fault := b.fault(e.pattern)
	if fault != nil && fault.instead(w, r, b, c) {
		return
	}
	a, replayed := b.once(r, c, func() (int, []byte, bool) {
		if fault != nil && fault.Kind == Fail {
			return http.StatusInternalServerError, internal, true
		}
		status, text, saved := b.run(e, c)
		if fault != nil && fault.Kind == FailAfter {
			return http.StatusInternalServerError, internal, true
		}
		return status, text, saved
	})
	if fault != nil && fault.Kind == CutAfter {
		panic(http.ErrAbortHandler)
	}
	if replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	a.write(w)
}

// run executes a call and gives what is answered, and whether that is kept with its
// idempotency key.
func (b *Bank) run(e endpoint, c *call) (status int, text []byte, saved bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expireSessions()
	o, err := e.run(b, c)
	for _, path := range c.form["expand[]"] {
		if err == nil {
			o, err = b.expand(o, path)
		}
	}
	if err != nil {
		var refused *apiError
		status, text := refusal(err)
		return status, text, !errors.As(err, &refused) || !refused.unsaved
	}
	return http.StatusOK, encode(o), true
}

// refusal is what is answered instead of an object.
func refusal(err error) (int, []byte) {
	var refused *apiError
	if !errors.As(err, &refused) {
		return http.StatusInternalServerError, internal
	}
	return refused.status, refused.body()
}

// internal is Stripe's answer when something broke there.
var internal = (&apiError{Type: "api_error", Message: "An unknown error occurred"}).body()

// What differs in the names of parameters that are the same: a place in a list, and a key
// of metadata.
var (
	index       = regexp.MustCompile(`\[\d*\]`)
	metadataKey = regexp.MustCompile(`(metadata\]?)\[[^\]]*\]$`)
)

// parse checks a call's key and the names of its parameters.
func (b *Bank) parse(r *http.Request, body string, e endpoint) (*call, error) {
	key, _, ok := r.BasicAuth()
	if !ok {
		key = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	if key != b.options.Key {
		return nil, &apiError{status: http.StatusUnauthorized, Type: "invalid_request_error", Message: "Invalid API Key provided. The pretend bank takes the key that it was started with."}
	}
	text := body
	if r.Method != http.MethodPost {
		text = r.URL.RawQuery
	}
	form, err := url.ParseQuery(text)
	if err != nil {
		return nil, invalid("", "", "The parameters are no form: %v", err)
	}
	for name, values := range form {
		plain := metadataKey.ReplaceAllString(index.ReplaceAllString(name, "[]"), "$1[]")
		if plain == "expand[]" {
			form["expand[]"] = append(form["expand[]"], values...)
			if name != plain {
				delete(form, name)
			}
			continue
		}
		if !slices.Contains(e.params, plain) {
			return nil, invalid("parameter_unknown", name, "Received unknown parameter: %s", name)
		}
	}
	origin := b.options.Origin
	if origin == "" {
		origin = "http://" + r.Host
		if r.TLS != nil {
			origin = "https://" + r.Host
		}
	}
	return &call{path: r.URL.Path, id: r.PathValue("id"), form: form, origin: origin}, nil
}

func (b *Bank) received(r *http.Request, body string) {
	if b.options.Received != nil {
		b.options.Received(Request{Method: r.Method, URL: r.URL.RequestURI(), Header: r.Header.Clone(), Body: body})
	}
}
