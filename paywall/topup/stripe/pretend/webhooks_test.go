package pretend_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

// delivered is a webhook that came.
type delivered struct {
	signature string
	body      string
	event     object
	at        time.Time
}

// inbox takes webhooks and answers with a status.
type inbox struct {
	mu     sync.Mutex
	came   []delivered
	status func(n int) int // of the nth, from 1
	url    string
}

func newInbox(t *testing.T, status func(n int) int) *inbox {
	in := &inbox{status: status}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		d := delivered{signature: r.Header.Get("Stripe-Signature"), body: string(body), at: time.Now()}
		_ = json.Unmarshal(body, &d.event)
		in.mu.Lock()
		defer in.mu.Unlock()
		in.came = append(in.came, d)
		w.WriteHeader(in.status(len(in.came)))
	}))
	t.Cleanup(server.Close)
	in.url = server.URL
	return in
}

func ok(int) int { return http.StatusOK }

// waited gives what came once all is delivered.
func (in *inbox) waited(s *shop) []delivered {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	if err := s.bank.Wait(ctx); err != nil {
		s.t.Fatal(err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.came
}

// ids counts how often each event came.
func ids(came []delivered) map[string]int {
	n := map[string]int{}
	for _, d := range came {
		n[d.event.text("id")]++
	}
	return n
}

func TestEachSecretSigns(t *testing.T) {
	s, in := open(t, pretend.Options{}), newInbox(t, ok)
	s.bank.Subscribe(pretend.Endpoint{URL: in.url, Secrets: []string{"whsec_old"}})
	s.bank.Subscribe(pretend.Endpoint{URL: in.url, Secrets: []string{"whsec_old", "whsec_new"}, Version: "2020-08-27"})
	session, _ := s.paid("500")
	completed := false
	for _, d := range in.waited(s) {
		parts := strings.Split(d.signature, ",")
		at, _ := strings.CutPrefix(parts[0], "t=")
		for i, secret := range []string{"whsec_old", "whsec_new"} {
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(at + "." + d.body))
			if len(parts) != 3 || parts[i+1] != "v1="+hex.EncodeToString(mac.Sum(nil)) {
				t.Errorf("signature %s does not hold for %s", d.signature, secret)
			}
		}
		if d.event.text("api_version") != "2020-08-27" {
			t.Errorf("event %v", d.event)
		}
		completed = completed || d.event.text("type") == "checkout.session.completed" && d.event.text("data.object.id") == session.text("id")
	}
	if !completed {
		t.Error("no webhook says that the session was completed")
	}
}

func TestWebhookIsSentAgainUntilItIsTaken(t *testing.T) {
	s := open(t, pretend.Options{Retry: []time.Duration{time.Millisecond, time.Millisecond}})
	in := newInbox(t, func(n int) int { return []int{500, 302, 200}[(n-1)%3] })
	s.bank.Subscribe(pretend.Endpoint{URL: in.url, Secrets: []string{"x"}})
	s.bank.Move("adjustment", 100, "eur") // says nothing
	s.got(create, params()...)
	s.got("POST /v1/checkout/sessions/" + s.bank.IDs("checkout.session")[0] + "/expire")
	if came := in.waited(s); len(came) != 3 || len(ids(came)) != 1 {
		t.Errorf("came %v", ids(came))
	}
	in.mu.Lock()
	in.came, in.status = nil, func(int) int { return 400 }
	in.mu.Unlock()
	s.got(create, params()...)
	s.got("POST /v1/checkout/sessions/" + s.bank.IDs("checkout.session")[1] + "/expire")
	if came := in.waited(s); len(came) != 3 {
		t.Errorf("what nobody takes came %d times", len(came))
	}
}

func TestWebhooksMayBeDoubleLateShuffledOrAbsent(t *testing.T) {
	s, in := open(t, pretend.Options{}), newInbox(t, ok)
	s.bank.Subscribe(pretend.Endpoint{URL: in.url, Secrets: []string{"x"}})
	s.bank.Deliver(pretend.Delivery{Never: true})
	s.paid("500")
	if came := in.waited(s); len(came) != 0 {
		t.Errorf("%d came", len(came))
	}
	began := time.Now()
	s.bank.Deliver(pretend.Delivery{Twice: true, Late: 50 * time.Millisecond})
	s.paid("500")
	for id, n := range ids(in.waited(s)) {
		if n != 2 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	if first := in.came[0].at; first.Sub(began) < 50*time.Millisecond {
		t.Errorf("the first came after %v", first.Sub(began))
	}
	in.mu.Lock()
	in.came = nil
	in.mu.Unlock()
	s.bank.Deliver(pretend.Delivery{Shuffle: true, Late: 100 * time.Millisecond})
	for range 10 {
		s.paid("500")
	}
	before, ordered := int64(0), true
	order := map[string]int64{}
	for i, id := range s.bank.IDs("event") {
		order[id] = int64(i)
	}
	for _, d := range in.waited(s) {
		ordered = ordered && order[d.event.text("id")] > before
		before = order[d.event.text("id")]
	}
	if ordered {
		t.Error("40 shuffled webhooks came in order")
	}
}
