package stripe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

// session writes the session that a request asks for.
func session(rw http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	_, _ = fmt.Fprintf(rw, `{"id":"cs_test_1","object":"checkout.session","mode":"payment","status":"open","url":"http://%s/pay/cs_test_1",
		"client_reference_id":%q,"metadata":{"intent":%q},"amount_total":%s,"currency":%q,"expires_at":%s}`,
		r.Host, r.PostForm.Get("client_reference_id"), r.PostForm.Get("metadata[intent]"),
		r.PostForm.Get("line_items[0][price_data][unit_amount]"), r.PostForm.Get("line_items[0][price_data][currency]"), r.PostForm.Get("expires_at"))
}

// failing answers as one of Stripe's failures.
func failing(rw http.ResponseWriter, status int, kind, code string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_, _ = fmt.Fprintf(rw, `{"error":{"type":%q,"code":%q,"message":"told to fail"}}`, kind, code)
}

func TestPassingFailuresAreAskedAgainWithTheSameKey(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(http.ResponseWriter){
		"500":            func(rw http.ResponseWriter) { failing(rw, 500, "api_error", "") },
		"503 as a page":  func(rw http.ResponseWriter) { rw.WriteHeader(503); _, _ = io.WriteString(rw, "<h1>busy</h1>") },
		"409":            func(rw http.ResponseWriter) { failing(rw, 409, "idempotency_error", "idempotency_key_in_use") },
		"429":            func(rw http.ResponseWriter) { failing(rw, 429, "invalid_request_error", "rate_limit") },
		"429 lock":       func(rw http.ResponseWriter) { failing(rw, 429, "invalid_request_error", "lock_timeout") },
		"connection cut": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"cut in the body": func(rw http.ResponseWriter) {
			rw.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(rw, "{")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var keys []string
			w, _ := answering(t, func(rw http.ResponseWriter, r *http.Request) {
				mu.Lock()
				keys = append(keys, r.Header.Get("Idempotency-Key"))
				n := len(keys)
				mu.Unlock()
				if n < 3 {
					fail(rw)
					return
				}
				session(rw, r)
			})
			next, err := w.Begin(t.Context(), begun())
			if err != nil || next.Object != "cs_test_1" {
				t.Fatalf("%+v, %v", next, err)
			}
			if len(keys) != 3 || keys[0] != testIntent || keys[1] != testIntent || keys[2] != testIntent {
				t.Fatalf("keys %q", keys)
			}
		})
	}
}

func TestFinalAnswersAreNotAskedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		want   error
		says   string
	}{
		"400":           {func(rw http.ResponseWriter) { failing(rw, 400, "invalid_request_error", "amount_too_small") }, topup.ErrRefused, "amount_too_small"},
		"401":           {func(rw http.ResponseWriter) { failing(rw, 401, "invalid_request_error", "") }, topup.ErrProvider, "does not accept secret_key"},
		"402":           {func(rw http.ResponseWriter) { failing(rw, 402, "card_error", "card_declined") }, topup.ErrRefused, "card_declined"},
		"other content": {func(rw http.ResponseWriter) { failing(rw, 400, "idempotency_error", "") }, topup.ErrRefused, "idempotency_error"},
		"200 as a page": {func(rw http.ResponseWriter) { _, _ = io.WriteString(rw, "<h1>Welcome to Wi-Fi</h1>") }, topup.ErrProvider, "none of Stripe's"},
		"redirect":      {func(rw http.ResponseWriter) { rw.Header().Set("Location", "/elsewhere"); rw.WriteHeader(302) }, topup.ErrProvider, "none of Stripe's"},
		"empty object":  {func(rw http.ResponseWriter) { _, _ = io.WriteString(rw, "{}") }, topup.ErrProvider, "amount"},
		"missing permission": {func(rw http.ResponseWriter) {
			rw.WriteHeader(403)
			_, _ = io.WriteString(rw, `{"error":{"type":"invalid_request_error","message":"The provided key 'rk_test_*3' does not have the required permissions for this endpoint on account 'acct_1'. Having the 'rak_checkout_session_write' permission would allow this request to continue."}}`)
		}, topup.ErrProvider, `"Checkout Sessions: Write" in Stripe's Dashboard under Developers, API keys (Stripe calls it rak_checkout_session_write)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			w, _ := answering(t, func(rw http.ResponseWriter, _ *http.Request) { calls++; c.answer(rw) })
			_, err := w.Begin(t.Context(), begun())
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %v and %q", err, c.want, c.says)
			}
			if calls != 1 {
				t.Errorf("asked %d times", calls)
			}
			if strings.Contains(err.Error(), testKey) || strings.Contains(err.Error(), "<h1>") {
				t.Errorf("it says too much: %v", err)
			}
		})
	}
}

// replaying answers as Stripe does: the first answer under a key is stored, a failure too.
func replaying(first func(n int, rw http.ResponseWriter, r *http.Request)) (h http.HandlerFunc, keys func() []string) {
	var mu sync.Mutex
	stored := map[string]*httptest.ResponseRecorder{}
	var order []string
	h = func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		key := r.Header.Get("Idempotency-Key")
		before := stored[key]
		if before == nil {
			before = httptest.NewRecorder()
			first(len(stored), before, r)
			stored[key] = before
			order = append(order, key)
		} else {
			rw.Header().Set("Idempotent-Replayed", "true")
		}
		rw.WriteHeader(before.Code)
		_, _ = rw.Write(before.Body.Bytes())
	}
	return h, func() []string { return order }
}

func TestStoredFailureIsPassedOverWithTheNextKey(t *testing.T) {
	t.Parallel()
	h, keys := replaying(func(n int, rw http.ResponseWriter, r *http.Request) {
		if n < 2 {
			failing(rw, 500, "api_error", "")
			return
		}
		session(rw, r)
	})
	calls := 0
	w, _ := answering(t, func(rw http.ResponseWriter, r *http.Request) { calls++; h(rw, r) })
	first, err := w.Begin(t.Context(), begun())
	if err != nil {
		t.Fatal(err)
	}
	if calls != 5 { // each failure, and once more to learn that it is stored
		t.Errorf("asked %d times", calls)
	}
	again, err := w.Begin(t.Context(), begun())
	if err != nil || again != first {
		t.Fatalf("%+v, then %+v, %v", first, again, err)
	}
	if got := strings.Join(keys(), " "); got != testIntent+" "+testIntent+"-1 "+testIntent+"-2" {
		t.Fatalf("keys %s", got)
	}
}

func TestHangingProviderIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	w, _ := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
		case <-stop:
		}
	})
	defer close(stop)
	ask := map[string]func(context.Context) error{
		"Begin": func(ctx context.Context) error { _, err := w.Begin(ctx, begun()); return err },
		"Look": func(ctx context.Context) error {
			_, err := w.Look(ctx, paywall.Intent{ID: testIntent, Object: "cs_test_1", Amount: euros(500)})
			return err
		},
	}
	for name, f := range ask {
		start := time.Now()
		if err := f(t.Context()); !errors.Is(err, topup.ErrProvider) || !strings.Contains(err.Error(), "no answer in time") {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%s took %s", name, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		start = time.Now()
		if err := f(ctx); !errors.Is(err, topup.ErrProvider) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s took %s though its context had ended", name, took)
		}
		cancel()
	}
}

func TestWaitingBetweenTriesEndsWithTheContext(t *testing.T) {
	t.Parallel()
	w, _ := answering(t, func(rw http.ResponseWriter, _ *http.Request) { failing(rw, 503, "api_error", "") })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	if _, err := w.Begin(ctx, begun()); !errors.Is(err, topup.ErrProvider) {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 250*time.Millisecond {
		t.Fatalf("took %s", took)
	}
	start = time.Now()
	if _, err := w.Begin(t.Context(), begun()); !errors.Is(err, topup.ErrProvider) {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 2600*time.Millisecond || took < 2*time.Second {
		t.Fatalf("all tries took %s", took)
	}
}

func TestHugeAnswerIsNotReadWhole(t *testing.T) {
	const size = 256 << 20
	w, _ := answering(t, func(rw http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat("x", 1<<20))
		_, _ = io.WriteString(rw, `{"id":"`)
		for range size >> 20 {
			if _, err := rw.Write(chunk); err != nil {
				return
			}
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := w.Begin(t.Context(), begun())
	runtime.ReadMemStats(&after)
	if !errors.Is(err, topup.ErrProvider) || !strings.Contains(err.Error(), "larger than 4 MB") {
		t.Fatal(err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Fatalf("%d MB were allocated", took>>20)
	}
}

func TestStripeLearnsNothingOfTheReader(t *testing.T) {
	var form url.Values
	var headers http.Header
	w, _ := answering(t, func(rw http.ResponseWriter, r *http.Request) {
		session(rw, r)
		form, headers = r.PostForm, r.Header
	})
	in := begun()
	in.Strict = true
	if _, err := w.Begin(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"ui_mode": {"hosted_page"}, "mode": {"payment"}, "client_reference_id": {testIntent}, "metadata[intent]": {testIntent},
		"payment_intent_data[metadata][intent]": {testIntent}, "line_items[0][quantity]": {"1"},
		"line_items[0][price_data][currency]": {"eur"}, "line_items[0][price_data][unit_amount]": {"500"},
		"line_items[0][price_data][product_data][name]": {"Reading credit"},
		"expires_at":  {fmt.Sprint(in.Expires.Unix())},
		"success_url": {in.Return}, "cancel_url": {in.Cancel},
		"adaptive_pricing[enabled]": {"false"}, "automatic_tax[enabled]": {"false"}, "managed_payments[enabled]": {"false"},
		"payment_method_options[card][request_three_d_secure]": {"any"},
	}
	for i, name := range excluded {
		want.Set(fmt.Sprintf("excluded_payment_method_types[%d]", i), *name)
	}
	if got := form.Encode(); got != want.Encode() {
		t.Errorf("sent\n%s\nwant\n%s", got, want.Encode())
	}
	if headers.Get("X-Stripe-Client-Telemetry") != "" {
		t.Error("telemetry was sent")
	}
}

func TestPageElsewhereIsNotOffered(t *testing.T) {
	w, _ := answering(t, func(rw http.ResponseWriter, r *http.Request) {
		r.Host = "evil.example"
		session(rw, r)
	})
	if _, err := w.Begin(t.Context(), begun()); !errors.Is(err, topup.ErrProvider) || !strings.Contains(err.Error(), "page_origin") {
		t.Fatal(err)
	}
}
