package topup

import (
	"net/netip"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// Whoever tries out stolen cards makes many sessions and pays few of them.
const (
	sessionsPerHour = 10 // from one network
	maxNetworks     = 1 << 16

	sessionsJudged = 100 // the last ones that ended
	unpaidAllowed  = 90  // of them; readers who only look are no fraud
	closedFor      = time.Hour
)

// networks counts the sessions that each network begins. It lives in memory and is
// bounded: beyond that the least used are forgotten.
type networks struct {
	seen *otter.Cache[netip.Prefix, *rate.Limiter]
}

func newNetworks() *networks {
	return &networks{otter.Must(&otter.Options[netip.Prefix, *rate.Limiter]{MaximumSize: maxNetworks})}
}

// allow takes one session from a network's hour, if there is one left. An hour has as
// many times more of them as factor says; another one than before, after a reload, lets
// the network begin anew.
func (n *networks) allow(network netip.Prefix, factor int, now time.Time) bool {
	most := sessionsPerHour * factor
	begin := func() (*rate.Limiter, bool) {
		return rate.NewLimiter(rate.Limit(float64(most)/time.Hour.Seconds()), most), false
	}
	limiter, _ := n.seen.ComputeIfAbsent(network, begin)
	if limiter.Burst() != most {
		limiter, _ = begin()
		n.seen.Set(network, limiter)
	}
	return limiter.AllowN(now, 1)
}

// breaker judges a way by its last sessions. When hardly any is paid, strong customer
// authentication is demanded. When that changes nothing for as many sessions again, new
// wallets are refused for an hour.
type breaker struct {
	mu       sync.Mutex
	unpaid   [sessionsJudged]bool
	ended    int // sessions, ever
	failing  int // of the last ones, unpaid
	strictAt int // ended, when authentication began to be demanded; below zero: it is not
	closedAt time.Time
}

// count takes note of a session that ended.
func (b *breaker) count(paid bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	slot := &b.unpaid[b.ended%sessionsJudged]
	if *slot {
		b.failing--
	}
	if *slot = !paid; *slot {
		b.failing++
	}
	b.ended++
	switch {
	case b.failing <= unpaidAllowed:
		b.strictAt, b.closedAt = -1, time.Time{}
	case b.strictAt < 0:
		b.strictAt = b.ended
	case b.ended-b.strictAt >= sessionsJudged && b.closedAt.IsZero():
		b.closedAt = now
	}
}

// judge says what the next session needs.
func (b *breaker) judge(now time.Time) (strict, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failing <= unpaidAllowed {
		return false, false
	}
	if !b.closedAt.IsZero() && !now.Before(b.closedAt.Add(closedFor)) {
		b.strictAt, b.closedAt = b.ended, time.Time{} // another hundred are let in, to see
	}
	return true, !b.closedAt.IsZero()
}
