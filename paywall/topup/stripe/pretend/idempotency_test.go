package pretend_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

const create = "POST /v1/checkout/sessions"

func TestSameKeyGetsTheSameAnswer(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	s := open(t, pretend.Options{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	_, first := s.keyed("K", create, params()...)
	_, again := s.keyed("K", create, params()...)
	if first.text("id") == "" || first.text("id") != again.text("id") {
		t.Errorf("the same key made sessions %s and %s", first.text("id"), again.text("id"))
	}
	status, other := s.keyed("K", create, params("line_items[0][quantity]", "2")...)
	if status != http.StatusBadRequest || other.text("error.type") != "idempotency_error" {
		t.Errorf("other parameters under a key: %d %v", status, other)
	}
	mu.Lock()
	now = now.Add(24*time.Hour + time.Second)
	mu.Unlock()
	if _, pruned := s.keyed("K", create, params()...); pruned.text("id") == first.text("id") {
		t.Error("the key is known after more than a day")
	}
}

func TestStored500IsReplayed(t *testing.T) {
	for _, kind := range []pretend.FaultKind{pretend.Fail, pretend.FailAfter} {
		s := open(t, pretend.Options{})
		s.bank.Break(create, pretend.Fault{Kind: kind, Times: 1})
		for range 2 {
			if status, o := s.keyed("K", create, params()...); status != 500 || o.text("error.type") != "api_error" {
				t.Errorf("got %d %v", status, o)
			}
		}
		if made := len(s.bank.IDs("checkout.session")); (made == 1) != (kind == pretend.FailAfter) {
			t.Errorf("fault %d made %d sessions", kind, made)
		}
		if status, _ := s.keyed("L", create, params()...); status != 200 {
			t.Errorf("another key gets %d", status)
		}
	}
}

func TestRefusedParametersLeaveTheKeyFree(t *testing.T) {
	s := open(t, pretend.Options{})
	if status, _ := s.keyed("K", create, params("zz", "1")...); status != 400 {
		t.Fatalf("got %d", status)
	}
	s.bank.Break(create, pretend.Fault{Kind: pretend.Refuse, Status: 429, Code: "lock_timeout", Times: 1})
	if status, o := s.keyed("K", create, params()...); status != 429 || o.text("error.code") != "lock_timeout" {
		t.Fatalf("got %d %v", status, o)
	}
	if status, o := s.keyed("K", create, params()...); status != 200 {
		t.Errorf("got %d %v", status, o)
	}
	if status, _ := s.keyed("X", create, params("mode", "setup")...); status != 400 {
		t.Fatalf("got %d", status)
	}
	if status, o := s.keyed("X", create, params()...); o.text("error.type") != "idempotency_error" {
		t.Errorf("what was refused once it ran is not kept: %d %v", status, o)
	}
}

func TestKeyIsInUseWhileTheFirstCallRuns(t *testing.T) {
	s := open(t, pretend.Options{})
	s.bank.Break(create, pretend.Fault{Kind: pretend.Hang})
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		for {
			r, _ := http.NewRequestWithContext(ctx, http.MethodPost, s.server.URL+"/v1/checkout/sessions", strings.NewReader(query(params()...)))
			r.Header.Set("Authorization", "Bearer "+pretend.DefaultKey)
			r.Header.Set("Idempotency-Key", "K")
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				gone <- err
				return
			}
			answer.Body.Close() // another call was first
		}
	}()
	s.server.Client().Timeout = 200 * time.Millisecond
	until(t, func() bool { // until the other call is first
		status, text := s.raw("K", create, params()...)
		return status == 409 && strings.Contains(text, "idempotency_key_in_use")
	})
	s.bank.Mend()
	if status, _ := s.raw("K", create, params()...); status != 409 {
		t.Errorf("while the first call runs: %d", status)
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("what hangs ended with %v", err)
	}
	until(t, func() bool { status, _ := s.raw("K", create, params()...); return status == 200 })
}

func TestCutConnections(t *testing.T) {
	for kind, made := range map[pretend.FaultKind]int{pretend.CutBefore: 0, pretend.CutAfter: 1} {
		s := open(t, pretend.Options{})
		s.bank.Break(create, pretend.Fault{Kind: kind, Times: 1})
		if status, _ := s.raw("K", create, params()...); status != 0 {
			t.Errorf("fault %d: answered %d", kind, status)
		}
		if n := len(s.bank.IDs("checkout.session")); n != made {
			t.Errorf("fault %d: %d sessions", kind, n)
		}
		s.keyed("K", create, params()...)
		if n := len(s.bank.IDs("checkout.session")); n != 1 {
			t.Errorf("fault %d: %d sessions after the retry", kind, n)
		}
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	s := open(t, pretend.Options{})
	s.bank.Break("GET /v1/balance", pretend.Fault{Kind: pretend.HTML})
	for range 2 {
		if status, text := s.raw("", "GET /v1/balance"); status != 200 || !strings.HasPrefix(text, "<!doctype") {
			t.Errorf("got %d %s", status, text)
		}
	}
	s.bank.Break("GET /v1/balance", pretend.Fault{Kind: pretend.Huge, Times: 1})
	if status, text := s.raw("", "GET /v1/balance"); status != 200 || len(text) < 50<<20 {
		t.Errorf("got %d and %d bytes", status, len(text))
	}
	s.bank.Break("GET /v1/balance", pretend.Fault{Kind: pretend.Fail})
	s.bank.Mend()
	if status, _ := s.raw("", "GET /v1/balance"); status != 200 {
		t.Errorf("got %d after Mend", status)
	}
}
