package checkout

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"github.com/tuppence/tuppence/paywall"
)

// work is a kind of work that visitors make.
type work int

const (
	looking  work = iota // a request that changes nothing, but for files and keys
	changing             // a request that may change the ledger
	opening              // a new wallet
	guessing             // a wrong code
	works                // how many kinds there are
)

// quota is how often one kind of work may be done from a network of each size and
// by all together, before [Options.LimitFactor].
//
// An address that has done little is served while there is anything left for the
// networks that it is in and for all together. The others are served from the first
// half of that: a few that send much then take nothing from the many who do not.
type quota struct {
	one, company, provider, all bucket

	little  int
	refusal string
}

// bucket is a token bucket: what may be done at once, and how soon once more.
type bucket struct {
	burst int
	every time.Duration
}

// quotas leave room for a company or a school behind one address, and bound what
// a small machine is made to do. A provider's network may do half of what all together
// may do at once, and then a quarter of it: none uses it up alone.
//
// A change can write a record of the journal, which stays for good: 20,000 in any
// 24 hours from one address, 914,000 from all together. Guessing a code of 100
// bits is hopeless at any rate; an address that did it too often is no longer told
// that its codes are wrong.
var quotas = [works]quota{
	looking: {bucket{2_000, 100 * time.Millisecond}, bucket{6_000, 20 * time.Millisecond}, bucket{10_000, 10 * time.Millisecond},
		bucket{20_000, 2500 * time.Microsecond}, 15, "too many requests from your network; wait a little"},
	changing: {bucket{10_000, 24 * time.Hour / 10_000}, bucket{20_000, 24 * time.Hour / 50_000}, bucket{25_000, 400 * time.Millisecond},
		bucket{50_000, 100 * time.Millisecond}, 30, "too many requests from your network; wait a little"},
	opening: {bucket{300, 2 * time.Minute}, bucket{2_000, 20 * time.Second}, bucket{5_000, 800 * time.Millisecond},
		bucket{10_000, 200 * time.Millisecond}, 5, "too many new wallets from your network; wait a little"},
	guessing: {bucket{10, 6 * time.Second}, bucket{100, 5 * time.Second}, bucket{250, 4 * time.Second},
		bucket{1_000, time.Second}, 3, "too many wrong codes from your network; wait a little"},
}

// ofWallet is what a wallet with money in it may look and change when the budget
// of its address, or that of all together, is used up by others.
var ofWallet = bucket{60, time.Second}

// ofIntent is how often a provider is asked what became of one payment.
var ofIntent = bucket{3, 2 * time.Second}

const (
	// maxNetworks bounds the memory, and half as many of the next size; beyond it the
	// least used are forgotten.
	maxNetworks = 1 << 16
	maxPaying   = 1 << 14
	maxIntents  = 1 << 14

	// MaxLimitFactor is the greatest [Options.LimitFactor].
	MaxLimitFactor = 1_000_000
)

// Limits counts what visitors do, per client address (IPv4 address, IPv6 /56), per
// larger network that it is in (IPv4 /24 and /16, IPv6 /48 and /29) and for all
// together. It lives in memory and is safe for concurrent use.
type Limits struct {
	networks [sizes]*otter.Cache[netip.Prefix, *budget] // each size for itself: no crowd of small ones has a large one forgotten
	all      budget
	wallets  *otter.Cache[string, *rate.Limiter]
	intents  *otter.Cache[string, *rate.Limiter]
	welcomes [sizes]*otter.Cache[welcomed, *rate.Limiter]
	warning  rate.Sometimes
}

// NewLimits makes limits with nothing counted.
func NewLimits() *Limits {
	l := &Limits{
		wallets: otter.Must(&otter.Options[string, *rate.Limiter]{MaximumSize: maxPaying}),
		intents: otter.Must(&otter.Options[string, *rate.Limiter]{MaximumSize: maxIntents}),
		warning: rate.Sometimes{Interval: time.Hour},
	}
	for size := range sizes {
		l.networks[size] = otter.Must(&otter.Options[netip.Prefix, *budget]{MaximumSize: maxNetworks >> size})
		l.welcomes[size] = otter.Must(&otter.Options[welcomed, *rate.Limiter]{MaximumSize: maxNetworks >> size})
	}
	return l
}

// budget is what is left of every kind of work.
type budget struct {
	mu     sync.Mutex
	factor int
	left   [works]*rate.Limiter
}

// of answers what is left of a kind of work. A new factor starts afresh.
func (b *budget) of(w work, size bucket, factor int) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.factor != factor {
		b.factor, b.left = factor, [works]*rate.Limiter{}
	}
	if b.left[w] == nil {
		b.left[w] = size.limiter(factor)
	}
	return b.left[w]
}

func (b bucket) limiter(factor int) *rate.Limiter {
	return rate.NewLimiter(rate.Every(b.every)*rate.Limit(factor), b.burst*factor)
}

// left is what a kind of work has left in the networks of an address, and last for
// all together.
func (l *Limits) left(w work, from networks, factor int) (left [sizes + 1]*rate.Limiter) {
	q := &quotas[w]
	for size, most := range [sizes]bucket{q.one, q.company, q.provider} {
		b, _ := l.networks[size].ComputeIfAbsent(from[size], func() (*budget, bool) { return new(budget), false })
		left[size] = b.of(w, most, factor)
	}
	left[sizes] = l.all.of(w, q.all, factor)
	return left
}

// take takes one from the budget of an address, from those of the networks that it is
// in and from that of all together, or answers how long there is none.
func (l *Limits) take(w work, from networks, now time.Time, factor int) (wait time.Duration, shared bool) {
	left := l.left(w, from, factor)
	one := left[address]
	much := float64(one.Burst())-one.TokensAt(now) >= float64(quotas[w].little*factor)
	for size, b := range left {
		shared = size != address
		least := 1.0
		if much && shared {
			least += float64(b.Burst() / 2)
		}
		if wait = untilNext(b, least, now); wait > 0 {
			return wait, shared
		}
	}
	if !one.AllowN(now, 1) {
		return time.Second, false // a request at the same moment took it
	}
	for _, b := range left[company:] {
		b.AllowN(now, 1)
	}
	return 0, false
}

// untilNext is how long until the limiter has so many tokens, 0 if it has.
func untilNext(l *rate.Limiter, want float64, now time.Time) time.Duration {
	missing := want - l.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return max(time.Duration(missing/float64(l.Limit())*float64(time.Second)), time.Second)
}

// within counts one piece of the visitor's work, or refuses it and says when to
// come again.
func (x *exchange) within(w work) error {
	wait, shared := x.c.o.Limits.take(w, networksOf(x.c.o.ClientIP(x.r)), x.c.o.Now(), x.c.o.LimitFactor)
	if wait == 0 {
		return nil
	}
	if shared {
		x.c.o.Limits.warning.Do(func() {
			x.c.o.Logger.Warn("visitors are told to wait: many addresses together have used up a limit; if they are readers, raise it with the option limits", slog.String("limit", quotas[w].refusal))
		})
	}
	return later{paywall.Errorf(paywall.CodeRateLimited, "%s", quotas[w].refusal), wait}
}

// later is an error that is over after some time.
type later struct {
	error
	after time.Duration
}

func (l later) Unwrap() error { return l.error }

// mayLook bounds how often pages are asked for, mayChange how often changes are,
// as every POST here is. What others at the address use up does not stop a wallet
// that has money.
func (x *exchange) mayLook() error   { return unlessPaying(x, x.within(looking)) }
func (x *exchange) mayChange() error { return unlessPaying(x, x.within(changing)) }

func unlessPaying(x *exchange, refused error) error {
	if refused == nil {
		return nil
	}
	ledger, err := x.ledger(x.r.Context())
	if err != nil {
		return refused
	}
	who, err := x.identify(x.r.Context(), ledger)
	if err != nil || who.wallet.Balance.Micros <= who.wallet.Free.Micros { // free credit costs a stranger nothing
		return refused
	}
	own, _ := x.c.o.Limits.wallets.ComputeIfAbsent(who.wallet.ID, func() (*rate.Limiter, bool) { return ofWallet.limiter(x.c.o.LimitFactor), false })
	if !own.AllowN(x.c.o.Now(), 1) {
		return refused
	}
	return nil
}

// mayAsk counts one question to a provider about a payment.
func (l *Limits) mayAsk(intent string, now time.Time) bool {
	if len(intent) > maxIntent {
		return true // none has such a long id, and nobody is asked
	}
	left, _ := l.intents.ComputeIfAbsent(intent, func() (*rate.Limiter, bool) { return ofIntent.limiter(1), false })
	return left.AllowN(now, 1)
}

// maxIntent is the longest id that is remembered.
const maxIntent = 64

// attempt runs try, and counts a failure that is a wrong code. When there were too
// many, the answer no longer says so; a good code is always good, whatever others
// at the address have typed.
func (x *exchange) attempt(try func() error) error {
	err := try()
	switch codeOf(err) {
	case paywall.CodeBadVoucher, paywall.CodeNoWallet:
		if refused := x.within(guessing); refused != nil {
			return refused
		}
	}
	return err
}

// The sizes of network that a visitor counts for.
const (
	address  = iota // what one visitor holds: an IPv6 customer has at least a /64, and often a /56
	company         // what a company, a school or a customer of a data centre holds
	provider        // what a provider holds: registries reserve a /29 for each
	sizes           // how many there are
)

// bits are how long their prefixes are.
var bits = [sizes]struct{ v4, v6 int }{address: {32, 56}, company: {24, 48}, provider: {16, 29}}

// networks are those of one address.
type networks [sizes]netip.Prefix

// networksOf reads an address, with or without port. All that is no address shares
// one budget.
func networksOf(ip string) (of networks) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		withPort, err := netip.ParseAddrPort(ip)
		if err != nil {
			return of
		}
		addr = withPort.Addr()
	}
	addr = addr.Unmap().WithZone("")
	for size, long := range bits {
		n := long.v6
		if addr.Is4() {
			n = long.v4
		}
		of[size], _ = addr.Prefix(n) // of any address
	}
	return of
}
