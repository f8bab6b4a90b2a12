package gate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

const (
	// crawlerTTL is how long an address is known to be an engine's. Long, so that
	// a flood of impostors, which uses up the lookups, does not lock out those
	// that were here before it.
	crawlerTTL = 6 * time.Hour
	// otherTTL is the same for a network that is no engine's, and doubtTTL for
	// one about which the DNS gave no answer.
	otherTTL = 10 * time.Minute
	doubtTTL = 30 * time.Second

	// lookupTimeout and lookupsPerSecond bound the DNS traffic that impostors
	// cause: at most lookupsAtOnce + 2 s x lookupsPerSecond run at a time. Who comes
	// beyond that is taken for no crawler at once.
	lookupTimeout    = 2 * time.Second
	lookupsPerSecond = 10
	lookupsAtOnce    = 20

	maxCrawlers = 4096
	// maxOthers is above what the lookups of otherTTL can find.
	maxOthers = 8192
)

// engine is a search engine whose crawler proves who it is by the name of its
// address. Those that publish lists of addresses instead (DuckDuckGo) are not here.
type engine struct {
	name    string   // the word in the config
	agent   string   // what its search crawler, and none of its other fetchers, calls itself
	domains []string // its crawler's addresses have names below one of these
}

// engines are as each of them documents its crawler:
//
//   - Google (developers.google.com/crawling/docs/crawlers-fetchers/verifying-googlebot):
//     of the three masks only googlebot.com is the search crawler's. Below
//     google.com and googleusercontent.com are fetchers that anybody can send
//     anywhere, and rented machines. The testing tools do come from googlebot.com,
//     and show everybody what they got; they call themselves Google-InspectionTool.
//   - Bing (bing.com/webmaster/help/how-to-verify-bingbot-3905dc26).
//   - Apple (support.apple.com/en-us/119829).
//
// Yandex is not here: its rule covers every robot of its own, the one that shows
// webmasters an answer included.
var engines = []engine{
	{"google", "Googlebot", []string{"googlebot.com"}},
	{"bing", "bingbot/", []string{"search.msn.com"}},
	{"apple", "Applebot/", []string{"applebot.apple.com"}},
}

// Resolver is the DNS. [*net.Resolver] is one; it should not use cgo, whose
// lookups go on when their time is over.
type Resolver interface {
	LookupAddr(ctx context.Context, addr string) (names []string, err error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Crawlers tells the crawlers of search engines from those who only say they
// are. Addresses are kept in memory alone, and only of those who said so. Nil
// knows nobody.
type Crawlers struct {
	engines  []*engine // that are let in
	resolver Resolver
	address  func(*http.Request) netip.Addr
	// Caches of pointers by prefix share their code with those of the checkout: each
	// other kind makes the program 350 KB larger (measured).
	verdicts *otter.Cache[netip.Prefix, *verdict]   // by the address alone
	others   *otter.Cache[netip.Prefix, *time.Time] // by the network; until when
	lookups  *rate.Limiter
}

// verdict says whose crawler an address is, and until when that is believed.
type verdict struct {
	engine *engine
	until  time.Time
}

// CheckEngines refuses names of search engines that are unknown or given twice,
// and a list without any.
func CheckEngines(names []string) error {
	_, err := findEngines(names)
	return err
}

func findEngines(names []string) ([]*engine, error) {
	var found []*engine
	var all []string
	for i := range engines {
		all = append(all, engines[i].name)
	}
	for _, name := range names {
		i := slices.Index(all, name)
		if i < 0 {
			return nil, fmt.Errorf("unknown crawler %q; those that can be verified are: %s", name, strings.Join(all, ", "))
		}
		if slices.Contains(found, &engines[i]) {
			return nil, fmt.Errorf("crawler %s is given twice", name)
		}
		found = append(found, &engines[i])
	}
	if found == nil {
		return nil, fmt.Errorf("crawlers names none; those that can be verified are: %s", strings.Join(all, ", "))
	}
	return found, nil
}

// NewCrawlers lets the crawlers of the named engines in. The address is the one
// that a request came from, as far as the client had no say in it; the zero
// value is nobody's. The error is that of [CheckEngines].
func NewCrawlers(names []string, resolver Resolver, address func(*http.Request) netip.Addr) (*Crawlers, error) {
	found, err := findEngines(names)
	if err != nil {
		return nil, err
	}
	c := &Crawlers{engines: found, resolver: resolver, address: address, lookups: rate.NewLimiter(lookupsPerSecond, lookupsAtOnce)}
	if c.verdicts, err = otter.New(&otter.Options[netip.Prefix, *verdict]{MaximumSize: maxCrawlers}); err != nil {
		return nil, err
	}
	c.others, err = otter.New(&otter.Options[netip.Prefix, *time.Time]{MaximumSize: maxOthers})
	return c, err
}

// sent reports whether a request is a crawler's, reading. Whoever does not say
// that he is one costs a look at the User-Agent; who does, waits for the DNS.
func (c *Crawlers) sent(r *http.Request, now time.Time) bool {
	if c == nil || r.Method != http.MethodGet && r.Method != http.MethodHead || r.Header["Upgrade"] != nil {
		return false
	}
	claimed := c.claimed(r.Header["User-Agent"])
	if claimed == nil {
		return false
	}
	addr := c.address(r).Unmap().WithZone("")
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false // no engine's, and names of those are given by whoever runs the network
	}
	return c.verify(r.Context(), addr, now) == claimed
}

func (c *Crawlers) claimed(agents []string) *engine {
	if len(agents) != 1 {
		return nil
	}
	for _, e := range c.engines {
		if strings.Contains(agents[0], e.agent) {
			return e
		}
	}
	return nil
}

var errNoCrawler = errors.New("the address is no crawler's")

// verify answers whose crawler an address is, nil if nobody's or if that cannot
// be found out now. One lookup runs at a time for each address.
func (c *Crawlers) verify(ctx context.Context, addr netip.Addr, now time.Time) *engine {
	key := netip.PrefixFrom(addr, addr.BitLen())
	if v, ok := c.verdicts.GetIfPresent(key); ok {
		if now.Before(v.until) {
			return v.engine
		}
		c.verdicts.ComputeIfPresent(key, func(current *verdict) (*verdict, otter.ComputeOp) {
			if current == v {
				return nil, otter.InvalidateOp
			}
			return current, otter.CancelOp // somebody has asked again in the meantime
		})
	}
	v, err := c.verdicts.Get(ctx, key, otter.LoaderFunc[netip.Prefix, *verdict](func(ctx context.Context, _ netip.Prefix) (*verdict, error) {
		return c.lookup(ctx, addr, now)
	}))
	if err != nil {
		return nil
	}
	return v.engine
}

// lookup asks the DNS, if that may be done now. It outlives the request that
// caused it, because others may be waiting for it.
func (c *Crawlers) lookup(ctx context.Context, addr netip.Addr, now time.Time) (*verdict, error) {
	network := networkOf(addr)
	if until, ok := c.others.GetIfPresent(network); ok && now.Before(*until) || !c.lookups.AllowN(now, 1) {
		return nil, errNoCrawler
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
	defer cancel()
	found, err := c.resolve(ctx, addr)
	if found != nil {
		return &verdict{found, now.Add(crawlerTTL)}, nil
	}
	ttl := doubtTTL
	if no, ok := errors.AsType[*net.DNSError](err); err == nil || ok && no.IsNotFound {
		ttl = otherTTL
	}
	until := now.Add(ttl)
	c.others.Set(network, &until)
	return nil, errNoCrawler
}

// networkOf is what one customer gets, and has as many addresses in as he likes:
// a /64 in IPv6 (RFC 6177), an address in IPv4.
func networkOf(addr netip.Addr) netip.Prefix {
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	network, _ := addr.Prefix(bits) // fits both
	return network
}

// resolve verifies an address by its name: anybody can give his address any
// name, but only the owner of a domain can have a name in it lead back.
func (c *Crawlers) resolve(ctx context.Context, addr netip.Addr) (*engine, error) {
	names, err := c.resolver.LookupAddr(ctx, addr.String())
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		e := owner(name)
		if e == nil {
			continue
		}
		family := "ip4"
		if addr.Is6() {
			family = "ip6"
		}
		// With the dot no search domain is tried. One such name is looked up:
		// whoever gives his address a thousand of them makes no thousand queries.
		back, err := c.resolver.LookupNetIP(ctx, family, name+".")
		if err != nil || !slices.ContainsFunc(back, func(a netip.Addr) bool { return a.Unmap() == addr }) {
			return nil, err
		}
		return e, nil
	}
	return nil, nil
}

// owner is the engine in whose domain a name is.
func owner(name string) *engine {
	for i := range engines {
		for _, domain := range engines[i].domains {
			if strings.HasSuffix(name, "."+domain) {
				return &engines[i]
			}
		}
	}
	return nil
}
