package stripe

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v85"
)

const (
	// maxAnswer holds a page of 100 balance transactions with their sources several times.
	maxAnswer = 4 << 20
	// maxKeys bounds how many idempotency keys one thing is asked for with; see [key].
	maxKeys = 4
	// firstPause is before the second try; it doubles before each further one.
	firstPause = 300 * time.Millisecond
	maxTries   = 4
)

// api are the calls that are used. The SDK's client is not kept: a value that holds it
// makes the linker keep the methods of all of Stripe's services, 6 MB of them.
type api struct {
	createSession func(context.Context, *stripe.CheckoutSessionCreateParams) (*stripe.CheckoutSession, error)
	session       func(context.Context, string, *stripe.CheckoutSessionRetrieveParams) (*stripe.CheckoutSession, error)
	sessions      func(context.Context, *stripe.CheckoutSessionListParams) *stripe.V1List[*stripe.CheckoutSession]
	payment       func(context.Context, string, *stripe.PaymentIntentRetrieveParams) (*stripe.PaymentIntent, error)
	charge        func(context.Context, string, *stripe.ChargeRetrieveParams) (*stripe.Charge, error)
	createRefund  func(context.Context, *stripe.RefundCreateParams) (*stripe.Refund, error)
	refunds       func(context.Context, *stripe.RefundListParams) *stripe.V1List[*stripe.Refund]
	disputes      func(context.Context, *stripe.DisputeListParams) *stripe.V1List[*stripe.Dispute]
	warnings      func(context.Context, *stripe.RadarEarlyFraudWarningListParams) *stripe.V1List[*stripe.RadarEarlyFraudWarning]
	transactions  func(context.Context, *stripe.BalanceTransactionListParams) *stripe.V1List[*stripe.BalanceTransaction]
	payout        func(context.Context, string, *stripe.PayoutRetrieveParams) (*stripe.Payout, error)
}

// newAPI makes calls that share nothing with the SDK's globals. The SDK retries nothing,
// see [call]; it logs nothing, since its messages name objects.
func newAPI(key, endpoint string) api {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 8
	transport.MaxResponseHeaderBytes = 64 << 10
	config := &stripe.BackendConfig{
		EnableTelemetry:   stripe.Bool(false),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
		MaxNetworkRetries: stripe.Int64(0),
		HTTPClient: &http.Client{
			Timeout:   nobodyWaits,
			Transport: observed{transport},
			// A redirect would take the key along.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if endpoint != "" {
		config.URL = &endpoint
	}
	c := stripe.NewClient(key, stripe.WithBackends(stripe.NewBackendsWithConfig(config)))
	return api{
		createSession: c.V1CheckoutSessions.Create,
		session:       c.V1CheckoutSessions.Retrieve,
		sessions:      c.V1CheckoutSessions.List,
		payment:       c.V1PaymentIntents.Retrieve,
		charge:        c.V1Charges.Retrieve,
		createRefund:  c.V1Refunds.Create,
		refunds:       c.V1Refunds.List,
		disputes:      c.V1Disputes.List,
		warnings:      c.V1RadarEarlyFraudWarnings.List,
		transactions:  c.V1BalanceTransactions.List,
		payout:        c.V1Payouts.Retrieve,
	}
}

// answer is what the SDK does not say of every answer.
type answer struct {
	status   int  // 0: none came
	replayed bool // it is the stored answer to an earlier request with the same key
}

type answerKey struct{}

// observed notes the answer's status for [call] and bounds its body.
type observed struct{ http.RoundTripper }

// RoundTrip sends one request.
func (o observed) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := o.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	a, ok := r.Context().Value(answerKey{}).(*answer)
	if !ok {
		a = &answer{}
	}
	*a = answer{status: res.StatusCode, replayed: res.Header.Get("Idempotent-Replayed") == "true"}
	res.Body = &bounded{ReadCloser: res.Body, left: maxAnswer, answer: a}
	return res, nil
}

var errTooLarge = errors.New("the answer is larger than 4 MB")

// bounded is a body that ends with an error when it is too long.
type bounded struct {
	io.ReadCloser
	left   int
	answer *answer
}

// Read reads on until the bound is passed. A body that is cut off is no answer.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.answer.status = 0
	}
	return n, err
}

// call asks until there is an answer that the same question would not change, the tries
// are used up, or the context would end before the next. What fails is a [problem].
func call[T any](ctx context.Context, o operation, ask func(context.Context) (T, error)) (T, error) {
	for try := 1; ; try++ {
		var a answer
		v, err := ask(context.WithValue(ctx, answerKey{}, &a))
		if err == nil {
			return v, nil
		}
		if !a.passing() || try == maxTries || !pause(ctx, firstPause<<(try-1)) {
			var none T
			return none, newProblem(o, a, err)
		}
	}
}

// passing reports whether the same request may get another answer soon. A stored answer
// stays.
func (a answer) passing() bool {
	switch {
	case a.status >= 500:
		return !a.replayed
	case a.status == 0, a.status == http.StatusConflict, a.status == http.StatusTooManyRequests:
		return true
	}
	return false
}

// pause waits and reports whether there is time left for a try.
func pause(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// key is the nth idempotency key for a thing. Whoever asks for the thing goes through the
// same keys in the same order.
func key(id string, n int) string {
	if n == 0 {
		return id
	}
	return id + "-" + string(rune('0'+n))
}
