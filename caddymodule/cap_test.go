package caddymodule

import (
	"net/http"
	"testing"
)

// TestCapMakesTheRestOfTheMonthFree: from the directive to the ledger.
func TestCapMakesTheRestOfTheMonthFree(t *testing.T) {
	s := newSite(t, "welcome 1.00", "paywall /articles/* 0.20 {\n\tcap 0.50 per month\n}\nreverse_proxy UPSTREAM", new(articles))
	key := s.wallet()
	for i, want := range []struct{ path, paid, balance string }{
		{"/articles/a", "0.20", "0.80"}, {"/articles/b", "0.20", "0.60"}, {"/articles/c", "0.10", "0.50"}, {"/articles/d", "0.00", "0.50"},
	} {
		a, r := s.unlock(key, s.offer(want.path))
		if a.StatusCode != http.StatusOK || r.Paid != want.paid || r.Balance != want.balance {
			t.Fatalf("purchase %d: %s: %s", i+1, a.Status, a.body)
		}
		if a := s.get(want.path, "Authorization", "Bearer "+r.Token); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", want.path, a.Status)
		}
	}
	s.verify()
}

func TestRefundLimitReachesTheLedger(t *testing.T) {
	s := newSite(t, "welcome 1.00\n\t\trefund 30m {\n\t\t\tlimit 1 per month\n\t\t}", "paywall /articles/* 0.20\nreverse_proxy UPSTREAM", new(articles))
	key := s.wallet()
	for i, want := range []int{http.StatusOK, http.StatusTooManyRequests} {
		_, r := s.unlock(key, s.offer([]string{"/articles/a", "/articles/b"}[i]))
		a := s.do(http.MethodPost, "/.paywall/refund", `{"unlock_id":"`+r.UnlockID+`"}`,
			"Content-Type", "application/json", "Accept", "application/json", "Authorization", "Bearer "+key)
		if a.StatusCode != want {
			t.Errorf("refund %d: %s: %s", i+1, a.Status, a.body)
		}
	}
	s.verify()
}
