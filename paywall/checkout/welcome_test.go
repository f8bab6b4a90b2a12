package checkout

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// balanceOfNew is what a wallet begins with that a program opens from an address.
func (s *site) balanceOfNew(address string) any {
	s.t.Helper()
	w := s.call("/.paywall/wallet", object{}, from(address))
	wantStatus(s.t, w, http.StatusCreated)
	return decode(s.t, w)["balance"]
}

// TestANetworkIsWelcomedFiveTimes at once, and five times a day from then on. Its
// wallets start empty after that, the pages promise nothing, and the log says so
// once a day, without an address.
func TestANetworkIsWelcomedFiveTimes(t *testing.T) {
	s := newSite(t)
	for i := range 5 { // of one IPv6 /56
		if got := s.balanceOfNew(fmt.Sprintf("[2001:db8:0:1%x::7]:1", i)); got != "0.60" {
			t.Errorf("wallet %d starts with %v", i, got)
		}
	}
	page := s.get("/.paywall/unlock?offer="+s.offer(), from("[2001:db8:0:1f::1]:1"))
	wantText(t, page, "Your wallet is empty")
	for range 20 {
		if got := s.balanceOfNew("[2001:db8:0:1f::9]:1"); got != "0.00" {
			t.Fatalf("a wallet too many starts with %v", got)
		}
	}
	wantStatus(t, s.post("/.paywall/unlock", []string{"offer", s.offer()}, from("[2001:db8:0:1f::1]:1")), http.StatusPaymentRequired)
	if got := s.balanceOfNew("[2001:db8:0:200::1]:1"); got != "0.60" {
		t.Errorf("another network starts with %v", got)
	}
	wantText(t, s.get("/.paywall/unlock?offer="+s.offer(), from("192.0.2.7:1")), "€0.60 on the house")
	if n := strings.Count(s.logs.String(), "start empty"); n != 1 || strings.Contains(s.logs.String(), "2001:db8") {
		t.Errorf("the log says it %d times:\n%s", n, s.logs)
	}
	s.advance(24 * time.Hour)
	for i, want := range []string{"0.60", "0.60", "0.60", "0.60", "0.60", "0.00"} {
		if got := s.balanceOfNew("[2001:db8:0:1f::9]:1"); got != want {
			t.Errorf("on the next day wallet %d starts with %v", i, got)
		}
	}
	if n := strings.Count(s.logs.String(), "start empty"); n != 2 {
		t.Errorf("the log of two days says it %d times", n)
	}
}

// TestASiteWelcomesSoManyInADay: five networks, one wallet each, and credit for three.
func TestASiteWelcomesSoManyInADay(t *testing.T) {
	s := newSite(t, func(o *Options) { o.WelcomeLimit = 3 })
	for i, want := range []string{"0.60", "0.60", "0.60", "0.00", "0.00"} {
		if got := s.balanceOfNew(fmt.Sprintf("192.0.2.%d:1", i)); got != want {
			t.Errorf("wallet %d starts with %v", i, got)
		}
	}
	page := s.get("/.paywall/unlock?offer="+s.offer(), from("192.0.2.9:1"))
	wantText(t, page, "Your wallet is empty")
	if body := s.get("/.paywall/wallet", from("192.0.2.9:1")).Body.String(); strings.Contains(body, "on the house") {
		t.Errorf("a credit is promised that there is none of:\n%s", body)
	}
	if n := strings.Count(s.logs.String(), "limit=3"); n != 1 {
		t.Errorf("the log says it %d times:\n%s", n, s.logs)
	}
}

// TestLimitsFactorMultipliesWelcomes, of a network and by default of a site.
func TestLimitsFactorMultipliesWelcomes(t *testing.T) {
	s := newSite(t, func(o *Options) { o.LimitFactor = 3 })
	for i := range 16 {
		want := "0.60"
		if i == 15 {
			want = "0.00"
		}
		if got := s.balanceOfNew("192.0.2.1:1"); got != want {
			t.Errorf("wallet %d starts with %v", i, got)
		}
	}
	if s.c.o.WelcomeLimit != 1500 {
		t.Errorf("the site welcomes %d", s.c.o.WelcomeLimit)
	}
}

// TestWalletTellsPaidFromFree: to programs and on its page.
func TestWalletTellsPaidFromFree(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(600_000)
	v := decode(t, s.get("/.paywall/wallet", asJSON, bearer(key)))
	if v["balance"] != "0.60" || v["free_credit"] != "0.60" || v["paid_credit"] != "0.00" {
		t.Errorf("the wallet is %v", v)
	}
	wantText(t, s.get("/.paywall/wallet", cookie(key)), "€0.60 of it is on the house")
	empty, _ := s.opened(0)
	if page := s.get("/.paywall/wallet", cookie(empty)).Body.String(); strings.Contains(page, "on the house") {
		t.Error("an empty wallet has something on the house")
	}
}

// TestSitesWelcomeANetworkEach: what one gave is not taken from another, and both go
// by one memory, which outlives them.
func TestSitesWelcomeANetworkEach(t *testing.T) {
	limits := NewLimits()
	named := func(name string) *site {
		return newSite(t, func(o *Options) { o.WelcomeSite, o.Limits = name, limits })
	}
	for _, tc := range []struct{ site, want string }{
		{"a", "0.60"}, {"a", "0.60"}, {"a", "0.60"}, {"a", "0.60"}, {"a", "0.60"}, {"a", "0.00"}, {"b", "0.60"}, {"a", "0.00"},
	} {
		if got := named(tc.site).balanceOfNew("192.0.2.1:1"); got != tc.want {
			t.Errorf("of %s a wallet starts with %v, want %s", tc.site, got, tc.want)
		}
	}
}

// TestOneAllocationTakesFewWelcomes: of the 500 of a day, one /24 or /48 takes 25, one
// /16 or /29 an eighth, and as much again in 24 hours.
func TestOneAllocationTakesFewWelcomes(t *testing.T) {
	for name, tc := range map[string]struct {
		address string
		most    int
	}{
		"an IPv6 /48": {"[2001:db8:0:%x00::1]:1", 25}, "an IPv6 /29": {"[2001:db8:%x::1]:1", 62}, "an IPv4 /24": {"198.51.100.%d:1", 25}, "an IPv4 /16": {"198.51.%d.1:1", 62},
	} {
		s := newSite(t)
		for day := range 2 {
			welcomed := 0
			for i := range 100 {
				if s.balanceOfNew(fmt.Sprintf(tc.address, i)) == "0.60" {
					welcomed++
				}
			}
			if welcomed != tc.most {
				t.Errorf("%s takes %d on day %d, want %d", name, welcomed, day, tc.most)
			}
			wantText(t, s.get("/.paywall/unlock?offer="+s.offer(), from(fmt.Sprintf(tc.address, 101))), "Your wallet is empty")
			if got := s.balanceOfNew(fmt.Sprintf("192.0.2.%d:1", day)); got != "0.60" {
				t.Errorf("%s: a reader elsewhere starts with %v", name, got)
			}
			s.advance(24 * time.Hour)
		}
	}
}
