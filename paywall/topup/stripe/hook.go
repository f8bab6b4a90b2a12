package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

const (
	// maxEvent holds the largest events of the kinds that are read here several times.
	maxEvent = 64 << 10
	// eventArrives is how long a body may take.
	eventArrives = 5 * time.Second
)

// event is what is read of one: what it is about, and what in it names an intent of ours.
// Whether anything was paid is looked up. Any API version writes these fields alike.
type event struct {
	Type     string `json:"type"`
	Account  string `json:"account"`
	Livemode bool   `json:"livemode"`
	Data     struct {
		Object json.RawMessage `json:"object"`
	} `json:"data"`
}

// object is what an event of a kind that is read here is about.
type object struct {
	ID            string            `json:"id"`
	Metadata      map[string]string `json:"metadata"`
	PaymentIntent reference         `json:"payment_intent"`
	Charge        reference         `json:"charge"`
}

// reference is an object's id, whether the object is expanded or not.
type reference string

// UnmarshalJSON reads an id, an object with one, or null.
func (r *reference) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return json.Unmarshal(data, (*string)(r))
	}
	var o struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(data, &o)
	*r = reference(o.ID)
	return err
}

// Hook verifies a webhook call and says what to look at. Whatever it returns as an error
// it has answered; Stripe calls again after any but 2xx.
func (w *Way) Hook(rw http.ResponseWriter, r *http.Request) (topup.Named, error) {
	e, err := w.receive(rw, r)
	if err != nil {
		return topup.Named{}, refuse(rw, err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), readerWaits)
	defer cancel()
	named, err := w.named(ctx, e)
	if errors.Is(err, topup.ErrProvider) {
		err = paywall.Errorf(paywall.CodeUnavailable, "the event cannot be looked up now: %w", err)
	}
	if err != nil {
		return topup.Named{}, refuse(rw, err)
	}
	return named, nil
}

// refuse answers and passes the error on.
func refuse(rw http.ResponseWriter, err error) error {
	e, ok := errors.AsType[*paywall.Error](err)
	if !ok {
		e = paywall.Errorf(paywall.CodeInternal, "internal error: %w", err)
	}
	status := e.Code.HTTPStatus()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		status = http.StatusRequestTimeout
	case status == http.StatusMethodNotAllowed:
		rw.Header().Set("Allow", http.MethodPost)
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rw.Header().Set("Cache-Control", "no-store")
	rw.Header().Set("Connection", "close") // what came may be unread
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, e.Message+"\n")
	return e
}

// receive reads a call of Stripe's, or says why it is none. Nothing but the headers is
// looked at before the body is in, and nothing in the body before its signature is good.
func (w *Way) receive(rw http.ResponseWriter, r *http.Request) (event, error) {
	var e event
	if r.Method != http.MethodPost {
		return e, paywall.Errorf(paywall.CodeMethodNotAllowed, "webhooks are sent by POST")
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return e, paywall.Errorf(paywall.CodeUnsupportedMedia, "send the body without content coding")
	}
	s, err := parseSignature(r.Header.Values("Stripe-Signature"))
	if err != nil {
		return e, paywall.Errorf(paywall.CodeMalformed, "%w", err)
	}
	if !s.fresh(w.now()) {
		return e, paywall.Errorf(paywall.CodeMalformed, "it was signed more than five minutes from now; is a clock wrong?")
	}
	body, err := readEvent(rw, r)
	if err != nil {
		return e, err
	}
	if !s.of(body, w.secrets) {
		return e, paywall.Errorf(paywall.CodeMalformed, "none of the signatures is by webhook_secret")
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return e, paywall.Errorf(paywall.CodeMalformed, "the body is no event: %w", err)
	}
	return e, nil
}

// readEvent reads a body, if it comes in time and is not too long.
func readEvent(rw http.ResponseWriter, r *http.Request) ([]byte, error) {
	tooLarge := paywall.Errorf(paywall.CodeTooLarge, "the body is larger than 64 KB")
	if r.ContentLength > maxEvent {
		return nil, tooLarge
	}
	control := http.NewResponseController(rw)
	deadline := control.SetReadDeadline(time.Now().Add(eventArrives)) == nil
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxEvent))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, tooLarge
		}
		return nil, paywall.Errorf(paywall.CodeMalformed, "the body did not arrive in full: %w", err)
	}
	if deadline { // else it would end the request's context in the middle of a look-up
		_ = control.SetReadDeadline(time.Time{})
	}
	return body, nil
}

// named says what an event is about. What is of another account or mode, or of no kind
// that concerns us, names nothing: Stripe shall not send it again.
func (w *Way) named(ctx context.Context, e event) (topup.Named, error) {
	if e.Account != "" || e.Livemode != w.live {
		w.logger.LogAttrs(ctx, slog.LevelError, "a Stripe event of another account or mode was ignored; is webhook_secret that of another endpoint?",
			slog.String("type", short(e.Type)), slog.String("account", short(e.Account)), slog.Bool("livemode", e.Livemode))
		return topup.Named{}, nil
	}
	of := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(e.Type, p) })
	}
	if !of("checkout.session.", "payment_intent.", "charge.", "refund.", "radar.early_fraud_warning.", "payout.") {
		w.logger.LogAttrs(ctx, slog.LevelDebug, "a Stripe event says nothing of ours", slog.String("type", short(e.Type)))
		return topup.Named{}, nil
	}
	var o object
	if err := json.Unmarshal(e.Data.Object, &o); err != nil {
		return topup.Named{}, paywall.Errorf(paywall.CodeMalformed, "the event is not about an object of Stripe's: %w", err)
	}
	switch {
	case of("checkout.session."):
		return names(intentOf(o.Metadata), o.ID), nil
	case of("payout."):
		return w.payout(ctx, o.ID)
	case of("charge.dispute.", "charge.refund.", "refund.", "radar."):
		intent, err := w.intentFor(ctx, string(o.PaymentIntent), string(o.Charge))
		return names(intent, ""), err
	}
	return names(intentOf(o.Metadata), ""), nil // payment_intent., charge.
}

func names(intent, object string) topup.Named {
	if intent == "" {
		return topup.Named{}
	}
	return topup.Named{Intents: []topup.Reference{{Intent: intent, Object: object}}}
}

var intentShape = regexp.MustCompile(`^[A-Z2-7]{16}$`)

// intentOf is the intent that an object's metadata names, "" if none of ours.
func intentOf(metadata map[string]string) string {
	if id := metadata[metaIntent]; intentShape.MatchString(id) {
		return id
	}
	return ""
}

// intentFor reads which intent a payment is for, "" if it is none of ours.
func (w *Way) intentFor(ctx context.Context, payment, charge string) (string, error) {
	var metadata map[string]string
	var err error
	switch {
	case payment != "":
		var p *stripe.PaymentIntent
		p, err = call(ctx, readPayment, func(ctx context.Context) (*stripe.PaymentIntent, error) {
			return w.api.payment(ctx, payment, nil)
		})
		if err == nil {
			metadata = p.Metadata
		}
	case charge != "":
		var c *stripe.Charge
		c, err = call(ctx, readCharge, func(ctx context.Context) (*stripe.Charge, error) {
			return w.api.charge(ctx, charge, nil)
		})
		if err == nil {
			metadata = c.Metadata
		}
	}
	if missing(err) {
		return "", nil
	}
	return intentOf(metadata), err
}

// payout reads what a payout moved.
func (w *Way) payout(ctx context.Context, id string) (topup.Named, error) {
	if id == "" {
		return topup.Named{}, nil
	}
	p, err := call(ctx, readPayout, func(ctx context.Context) (*stripe.Payout, error) {
		params := &stripe.PayoutRetrieveParams{}
		params.AddExpand("balance_transaction")
		params.AddExpand("failure_balance_transaction")
		return w.api.payout(ctx, id, params)
	})
	if missing(err) {
		return topup.Named{}, nil
	}
	if err != nil {
		return topup.Named{}, err
	}
	return topup.Named{Movements: movements(w.ofPayout(p))}, nil
}
