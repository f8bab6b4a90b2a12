package checkout

import (
	"context"
	"net/netip"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"github.com/tuppence/tuppence/paywall"
)

// The limits per client address. Guessing a code of 100 bits is hopeless at any
// rate; the limits keep the attempt from costing us anything. What is written
// into the ledger stays there for good, so nobody may fill the disk with it. The
// bursts leave room for a company or a school behind one address.
const (
	triesAtOnce      = 10
	triesPerMin      = 10
	triesPerDay      = 50
	opensAtOnce      = 300
	opensInterval    = time.Second
	welcomeInterval  = 10 * time.Second // where a new wallet gets a welcome credit
	changesAtOnce    = 10_000
	changesPerSecond = 200

	// maxAddresses bounds the memory; beyond it the least used are forgotten.
	maxAddresses = 1 << 16
)

// Limits counts failed attempts at codes, wallets opened, and requests that
// change the ledger, per client address (IPv4 address, IPv6 /64). It lives in
// memory and is safe for concurrent use.
type Limits struct {
	tries   *otter.Cache[netip.Prefix, *tries]
	opens   *limiters
	changes *limiters
}

type limiters = otter.Cache[netip.Prefix, *rate.Limiter]

// NewLimits makes limits with nothing counted.
func NewLimits() *Limits {
	return &Limits{
		tries:   otter.Must(&otter.Options[netip.Prefix, *tries]{MaximumSize: maxAddresses}),
		opens:   otter.Must(&otter.Options[netip.Prefix, *rate.Limiter]{MaximumSize: maxAddresses}),
		changes: otter.Must(&otter.Options[netip.Prefix, *rate.Limiter]{MaximumSize: maxAddresses}),
	}
}

// tries is the budget of failures of one address. Attempts of one address take
// turns: only so can a good code cost nothing while thirty bad ones at once do
// not slip through together.
type tries struct {
	turn        chan struct{} // holds one
	minute, day *rate.Limiter
}

func newTries() *tries {
	return &tries{
		turn:   make(chan struct{}, 1),
		minute: rate.NewLimiter(rate.Every(time.Minute/triesPerMin), triesAtOnce),
		day:    rate.NewLimiter(rate.Every(24*time.Hour/triesPerDay), triesPerDay),
	}
}

// attempt runs try if the address still may fail, and counts a failure that is
// a wrong code. Other errors (a full disk) are not the visitor's.
func (x *exchange) attempt(ctx context.Context, try func() error) error {
	t, _ := x.c.Limits.tries.ComputeIfAbsent(addressOf(x.c.ClientIP(x.r)), func() (*tries, bool) { return newTries(), false })
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return paywall.ErrUnavailable
	}
	now := x.c.Now() // after the wait: a limiter must not see time run backwards
	if wait := max(untilNext(t.minute, now), untilNext(t.day, now)); wait > 0 {
		x.retryAfter = wait
		return paywall.Errorf(paywall.CodeRateLimited, "too many wrong codes from your network; wait a little")
	}
	err := try()
	switch codeOf(err) {
	case paywall.CodeBadVoucher, paywall.CodeNoWallet:
		t.minute.AllowN(now, 1)
		t.day.AllowN(now, 1)
	}
	return err
}

// mayOpen bounds how many wallets one address opens, and how often it is given
// the welcome credit.
func (x *exchange) mayOpen() error {
	interval := opensInterval
	if !x.c.Welcome.IsZero() {
		interval = welcomeInterval
	}
	if x.within(x.c.Limits.opens, rate.Every(interval), opensAtOnce) {
		return nil
	}
	return paywall.Errorf(paywall.CodeRateLimited, "too many new wallets from your network; wait a little")
}

// mayChange bounds how often one address sends what changes the ledger, as every
// POST here does.
func (x *exchange) mayChange() error {
	if x.within(x.c.Limits.changes, changesPerSecond, changesAtOnce) {
		return nil
	}
	return paywall.Errorf(paywall.CodeRateLimited, "too many requests from your network; wait a little")
}

// within takes one from the budget of the visitor's address; if nothing is left,
// the answer says when to come again.
func (x *exchange) within(all *limiters, refill rate.Limit, burst int) bool {
	l, _ := all.ComputeIfAbsent(addressOf(x.c.ClientIP(x.r)), func() (*rate.Limiter, bool) {
		return rate.NewLimiter(refill, burst), false
	})
	if l.Limit() != refill {
		l.SetLimitAt(x.now, refill) // the limits outlive a reload that gives or ends a welcome credit
	}
	if l.AllowN(x.now, 1) {
		return true
	}
	x.retryAfter = max(untilNext(l, x.now), time.Second)
	return false
}

// untilNext is how long until the limiter has one token, 0 if it has.
func untilNext(l *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - l.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing / float64(l.Limit()) * float64(time.Second))
}

// addressOf reduces an address, with or without port, to what one visitor
// holds: an IPv6 customer has at least a /64. What is no address shares one
// budget.
func addressOf(ip string) netip.Prefix {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		withPort, err := netip.ParseAddrPort(ip)
		if err != nil {
			return netip.Prefix{}
		}
		addr = withPort.Addr()
	}
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
