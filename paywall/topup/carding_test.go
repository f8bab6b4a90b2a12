package topup

import (
	"net/netip"
	"testing"
	"time"
)

func TestNetworkBeginsTenSessionsAnHour(t *testing.T) {
	n := newNetworks()
	now := day(2026, 11, 27)
	network, other := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/56")
	for i := range sessionsPerHour {
		if !n.allow(network, 1, now) {
			t.Fatalf("session %d is refused", i+1)
		}
	}
	if n.allow(network, 1, now) {
		t.Error("an eleventh session in the same hour is let in")
	}
	if !n.allow(other, 1, now) {
		t.Error("another network is refused")
	}
	if !n.allow(network, 1, now.Add(7*time.Minute)) {
		t.Error("after seven minutes there is none again")
	}
}

func TestLimitsOfTheConfigMultiplySessions(t *testing.T) {
	n := newNetworks()
	now, network := day(2026, 11, 27), netip.MustParsePrefix("192.0.2.1/32")
	allowed := func(factor int) (count int) {
		for n.allow(network, factor, now) {
			count++
		}
		return count
	}
	if got := [...]int{allowed(1), allowed(100), allowed(1)}; got != [...]int{10, 1000, 10} {
		t.Errorf("a network began %v sessions", got)
	}
}

func TestBreakerDemandsAuthenticationThenClosesForAnHour(t *testing.T) {
	b := &breaker{}
	now := day(2026, 11, 27)
	check := func(when string, wantStrict, wantClosed bool) {
		t.Helper()
		if strict, closed := b.judge(now); strict != wantStrict || closed != wantClosed {
			t.Errorf("%s: strict %t, closed %t", when, strict, closed)
		}
	}
	unpaid := func(n int) {
		for range n {
			b.count(false, now)
		}
	}
	check("at first", false, false)
	unpaid(unpaidAllowed)
	check("after 90 unpaid sessions", false, false)
	unpaid(1)
	check("after 91", true, false)
	unpaid(sessionsJudged - 1)
	check("after 99 more", true, false)
	unpaid(1)
	check("after 100 more", true, true)
	now = now.Add(closedFor - time.Second)
	check("within the hour", true, true)
	now = now.Add(time.Second)
	check("after it", true, false)
	unpaid(sessionsJudged)
	check("after another 100", true, true)
	for range sessionsJudged - unpaidAllowed {
		b.count(true, now)
	}
	check("when ten of the last hundred were paid", false, false)
}
