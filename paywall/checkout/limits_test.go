package checkout

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestWelcomeCreditIsLimitedPerAddress(t *testing.T) {
	s := newSite(t)
	for range opensAtOnce {
		wantStatus(t, s.call("/.paywall/wallet", object{}), http.StatusCreated)
	}
	w := s.call("/.paywall/wallet", object{})
	wantProblem(t, w, http.StatusTooManyRequests, "rate-limited")
	if got := w.Header().Get("Retry-After"); got != "10" {
		t.Errorf("Retry-After %q", got)
	}
	wantStatus(t, s.post("/.paywall/unlock", []string{"offer", s.offer()}), http.StatusTooManyRequests)
	wantStatus(t, s.call("/.paywall/wallet", object{}, from("192.0.2.77:1")), http.StatusCreated)
	s.advance(welcomeInterval)
	wantStatus(t, s.call("/.paywall/wallet", object{}), http.StatusCreated)
}

func TestEmptyWalletsAreLimitedPerAddressToo(t *testing.T) {
	s := newSite(t, noWelcome)
	for range opensAtOnce {
		wantStatus(t, s.call("/.paywall/wallet", object{}), http.StatusCreated)
	}
	w := s.call("/.paywall/wallet", object{})
	wantProblem(t, w, http.StatusTooManyRequests, "rate-limited")
	if got := w.Header().Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After %q", got)
	}
	s.advance(opensInterval)
	wantStatus(t, s.call("/.paywall/wallet", object{}), http.StatusCreated)

	// A reload that gives a welcome credit slows the same budget down.
	giving := newSite(t, func(o *Options) { o.Limits, o.Now = s.c.Limits, s.now })
	wantStatus(t, giving.call("/.paywall/wallet", object{}), http.StatusTooManyRequests)
	s.advance(welcomeInterval - opensInterval)
	wantStatus(t, giving.call("/.paywall/wallet", object{}), http.StatusTooManyRequests)
	s.advance(opensInterval)
	wantStatus(t, giving.call("/.paywall/wallet", object{}), http.StatusCreated)
}

// TestChangesOfTheLedgerAreLimitedPerAddress: whatever the change, and whatever
// comes of it.
func TestChangesOfTheLedgerAreLimitedPerAddress(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	crowd := from("192.0.2.9:1")
	paths := []string{"/.paywall/unlock", "/.paywall/refund", "/.paywall/wallet/recover", "/.paywall/wallet/erase", "/.paywall/topup/voucher"}
	for i := range changesAtOnce {
		s.call(paths[i%3], object{}, bearer(key), crowd)
	}
	for _, path := range paths {
		w := s.call(path, object{}, bearer(key), crowd)
		wantProblem(t, w, http.StatusTooManyRequests, "rate-limited")
		if got := w.Header().Get("Retry-After"); got != "1" {
			t.Errorf("%s: Retry-After %q", path, got)
		}
	}
	wantStatus(t, s.get("/.paywall/wallet", bearer(key), asJSON, crowd), http.StatusOK)
	wantStatus(t, s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(key)), http.StatusOK)
	s.advance(time.Second / changesPerSecond)
	wantStatus(t, s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(key), crowd), http.StatusOK)
	wantStatus(t, s.call("/.paywall/unlock", object{"offer": s.offer()}, bearer(key), crowd), http.StatusTooManyRequests)
}

func TestCheckoutsThatShareLimitsShareTheBudget(t *testing.T) {
	limits := NewLimits()
	share := func(o *Options) { o.Limits = limits }
	one, two := newSite(t, share), newSite(t, share)
	for range triesAtOnce {
		one.call("/.paywall/wallet/recover", object{"code": "x"})
	}
	wantStatus(t, two.call("/.paywall/wallet/recover", object{"code": "x"}), http.StatusTooManyRequests)
}

func TestAddressesAreCountedAsNetworks(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "192.0.2.1:80": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32",
		"2001:db8::1": "2001:db8::/64", "[2001:db8::2]:9": "2001:db8::/64", "fe80::1%eth0": "fe80::/64",
		"": "invalid Prefix", "@": "invalid Prefix",
	} {
		if got := addressOf(ip).String(); got != want {
			t.Errorf("%q is %s, want %s", ip, got, want)
		}
	}
}

func TestLimitsStayBounded(t *testing.T) {
	s := newSite(t)
	for i := range maxAddresses + 5000 {
		x := &exchange{c: s.c, now: s.now(), r: httptest.NewRequest(http.MethodPost, "/", nil)}
		x.r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)
		if err := errors.Join(x.mayOpen(), x.mayChange()); err != nil {
			t.Fatal(err)
		}
	}
	for _, held := range []*limiters{s.c.Limits.opens, s.c.Limits.changes} {
		held.CleanUp()
		if n := held.EstimatedSize(); n > maxAddresses {
			t.Errorf("%d addresses are held", n)
		}
	}
}
