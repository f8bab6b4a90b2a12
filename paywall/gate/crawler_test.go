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
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

const (
	googlebot = "User-Agent: Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/140.0.0.0 Safari/537.36"
	bingbot   = "User-Agent: Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
	applebot  = "User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)"

	googleAddr = "66.249.66.1"
)

// zone is a DNS with names that addresses have, and addresses that names have.
type zone struct {
	reverse map[string][]string
	forward map[string][]string
	fails   error
	hold    chan struct{} // nil, or lookups wait until it is closed
	begun   chan struct{} // gets a value from each lookup that waits

	reversed, forwarded atomic.Int64 // lookups
}

func newZone() *zone {
	z := &zone{reverse: map[string][]string{}, forward: map[string][]string{}, begun: make(chan struct{}, 1024)}
	z.name(googleAddr, "crawl-66-249-66-1.googlebot.com.")
	z.name("157.55.33.18", "msnbot-157-55-33-18.search.msn.com.")
	z.name("17.58.101.179", "17-58-101-179.applebot.apple.com.")
	return z
}

// name gives an address a name that leads back to it.
func (z *zone) name(addr, name string) {
	z.reverse[addr] = append(z.reverse[addr], name)
	z.forward[name] = append(z.forward[name], addr)
}

var errNoName = &net.DNSError{Err: "no such host", IsNotFound: true}

func (z *zone) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	z.reversed.Add(1)
	if z.hold != nil {
		z.begun <- struct{}{}
		select {
		case <-z.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if z.fails != nil {
		return nil, z.fails
	}
	if names := z.reverse[addr]; names != nil {
		return names, nil
	}
	return nil, errNoName
}

func (z *zone) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	z.forwarded.Add(1)
	var found []netip.Addr
	for _, a := range z.forward[host] {
		if addr := netip.MustParseAddr(a); addr.Unmap().Is4() == (network == "ip4") {
			found = append(found, addr)
		}
	}
	if found == nil {
		return nil, errNoName
	}
	return found, nil
}

// crawled makes a site that lets engines in.
func crawled(t *testing.T, z *zone, engines ...string) *site {
	t.Helper()
	s := newSite(t)
	crawlers, err := NewCrawlers(engines, z, func(r *http.Request) netip.Addr {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		addr, _ := netip.ParseAddr(host)
		return addr
	})
	if err != nil {
		t.Fatal(err)
	}
	s.gate.o.Crawlers = crawlers
	return s
}

// from sends a request from an address.
func (s *site) from(addr, method, target string, header ...string) *http.Response {
	s.t.Helper()
	r := request(s.t, method, target, header...)
	r.RemoteAddr = net.JoinHostPort(addr, "443")
	return s.send(r)
}

func TestVerifiedCrawlersReadThePage(t *testing.T) {
	for _, tc := range []struct{ engine, addr, agent string }{
		{"google", googleAddr, googlebot},
		{"google", googleAddr, "User-Agent: Googlebot-Image/1.0"},
		{"google", "::ffff:" + googleAddr, googlebot},
		{"bing", "157.55.33.18", bingbot},
		{"apple", "17.58.101.179", applebot},
	} {
		t.Run(tc.engine+" "+tc.addr, func(t *testing.T) {
			s := crawled(t, newZone(), tc.engine)
			for _, method := range []string{"GET", "HEAD"} {
				s.asked = nil
				res := s.from(tc.addr, method, pagePath, tc.agent)
				wantPaid(t, res)
				if got := res.Header["X-Robots-Tag"]; !slices.Equal(got, []string{"noarchive"}) {
					t.Errorf("X-Robots-Tag: %q", got)
				}
				if vary := res.Header["Vary"]; !slices.Equal(vary, []string{"Cookie, Authorization"}) {
					t.Errorf("Vary: %q", vary)
				}
				if res.Header["Set-Cookie"] != nil || s.ledger.asked != 0 {
					t.Error("a crawler was given something, or asked the ledger")
				}
				if h := s.last().Header; len(s.asked) != 1 || h.Get("Paywall-Status") != "crawler" || h.Get("Paywall-Resource") != pagePath {
					t.Errorf("the site was asked %d times, and got %v", len(s.asked), h)
				}
			}
		})
	}
}

func TestIPv6CrawlersAreVerified(t *testing.T) {
	z := newZone()
	z.name("2001:4860:4801:10::1", "crawl-2001-4860-4801-10--1.googlebot.com.")
	s := crawled(t, z, "google")
	wantPaid(t, s.from("2001:4860:4801:10::1", "GET", pagePath, googlebot))
	wantPaywall(t, s.from("2001:4860:4801:11::1", "GET", pagePath, googlebot))
}

func TestWhatTheSiteSaysToRobotsStays(t *testing.T) {
	s := crawled(t, newZone(), "google")
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("X-Robots-Tag", "max-snippet:50")
		return article(w, r)
	}
	if got := s.from(googleAddr, "GET", pagePath, googlebot).Header["X-Robots-Tag"]; !slices.Equal(got, []string{"max-snippet:50", "noarchive"}) {
		t.Errorf("X-Robots-Tag: %q", got)
	}
	if got := s.from(googleAddr, "GET", pagePath, googlebot, accessCookie(s.access(pagePath, nil))).Header["X-Robots-Tag"]; len(got) != 1 {
		t.Errorf("X-Robots-Tag of a paid answer: %q", got)
	}
}

// TestB10NobodyIsLetInForItsNameWithCrawlersOn: a name is not enough, whoever
// has it: the User-Agent, the address by itself, or both with a DNS that does
// not bear them out.
func TestB10NobodyIsLetInForItsNameWithCrawlersOn(t *testing.T) {
	z := newZone()
	for i, name := range []string{
		"crawl-1.googlebot.com.evil.test.", "evilgooglebot.com.", "googlebot.com.", "crawl.googlebot.com-evil.test.",
		"1.2.3.4.bc.googleusercontent.com.",          // a rented machine
		"1-2-3-4.gae.googleusercontent.com.",         // anybody's feed reader
		"google-proxy-66-102-0-1.google.com.",        // anybody's translated page
		"rate-limited-proxy-66-249-90-7.google.com.", // no search crawler
		"msnbot-157-55-33-18.search.msn.com.",        // another engine's
	} {
		z.name(fmt.Sprintf("198.51.100.%d", i), name)
	}
	z.reverse["203.0.113.1"] = []string{"crawl-66-249-66-1.googlebot.com."} // leads to Google, not back
	z.reverse["203.0.113.2"] = []string{"no.such.googlebot.com."}
	z.reverse["2001:db8::1"] = []string{"crawl-66-249-66-1.googlebot.com."}
	z.name("10.0.0.1", "crawl-10-0-0-1.googlebot.com.") // the network's own DNS
	z.name("127.0.0.1", "crawl-127-0-0-1.googlebot.com.")
	s := crawled(t, z, "google", "bing")
	for addr := range z.reverse {
		if addr != googleAddr {
			wantPaywall(t, s.from(addr, "GET", pagePath, googlebot))
		}
	}
	wantPaywall(t, s.from("192.0.2.7", "GET", pagePath, googlebot))
	wantPaywall(t, s.from("192.0.2.8", "GET", pagePath, googlebot, "X-Forwarded-For: "+googleAddr, "Forwarded: for="+googleAddr, "X-Real-Ip: "+googleAddr))
	for _, agent := range []string{
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"User-Agent: Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)", // shows everybody what it got
		"User-Agent: GoogleOther", "User-Agent: FeedFetcher-Google", "User-Agent: AdsBot-Google", bingbot,
		"From: googlebot(at)googlebot.com",
	} {
		wantPaywall(t, s.from(googleAddr, "GET", pagePath, agent))
	}
	wantPaywall(t, s.from(googleAddr, "GET", pagePath, googlebot, "User-Agent: second"))
	wantPaywall(t, s.from("17.58.101.179", "GET", pagePath, applebot)) // not named in the config
}

func TestCrawlersOnlyRead(t *testing.T) {
	s := crawled(t, newZone(), "google")
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		wantPaywall(t, s.from(googleAddr, method, pagePath, googlebot))
	}
	wantPaywall(t, s.from(googleAddr, "GET", pagePath, googlebot, "Upgrade: websocket", "Connection: upgrade", "Sec-Websocket-Key: x"))
	wantStatus(t, s.from(googleAddr, "GET", "/unpriced/x", googlebot), 403)
	wantStatus(t, s.from(googleAddr, "GET", "/articles%2fp1", googlebot), 400)
	wantStatus(t, s.from(googleAddr, "GET", "//articles/p1", googlebot), 308)
}

func TestNobodyElseWaitsForTheDNS(t *testing.T) {
	z := newZone()
	z.hold = make(chan struct{})
	s := crawled(t, z, "google")
	done := make(chan *http.Response)
	go func() { done <- s.from("192.0.2.7", "GET", pagePath, googlebot) }()
	<-z.begun // and is not answered
	wantPaywall(t, s.from("192.0.2.8", "GET", pagePath))
	wantPaid(t, s.from("192.0.2.8", "GET", pagePath, googlebot, accessCookie(s.access(pagePath, nil))))
	wantStatus(t, s.from("192.0.2.8", "GET", "/articles/welcome", googlebot), 200)
	wantStatus(t, s.from("192.0.2.8", "GET", "/", googlebot), 200)
	wantPaywall(t, s.from("192.0.2.8", "POST", pagePath, googlebot))
	close(z.hold)
	wantPaywall(t, <-done)
	if n := z.reversed.Load(); n != 1 {
		t.Errorf("%d lookups", n)
	}
}

func TestAddressesAreAskedAboutOnceInAWhile(t *testing.T) {
	failing := errors.New("server misbehaving")
	for _, tc := range []struct {
		name, addr string
		fails      error
		ttl        time.Duration
	}{
		{"crawler", googleAddr, nil, crawlerTTL},
		{"stranger", "192.0.2.7", nil, otherTTL},
		{"no answer", googleAddr, failing, doubtTTL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			z := newZone()
			z.fails = tc.fails
			s := crawled(t, z, "google")
			for i, step := range []struct {
				wait    time.Duration
				lookups int
			}{{0, 1}, {0, 1}, {tc.ttl - time.Second, 1}, {time.Second, 2}} {
				s.wait(step.wait)
				res := s.from(tc.addr, "GET", pagePath, googlebot)
				if tc.addr == googleAddr && tc.fails == nil {
					wantPaid(t, res)
				} else {
					wantPaywall(t, res)
				}
				if n := int(z.reversed.Load()); n != step.lookups {
					t.Errorf("step %d: %d lookups, want %d", i, n, step.lookups)
				}
			}
		})
	}
}

func TestOneLookupForAllWhoWaitForIt(t *testing.T) {
	z := newZone()
	z.hold = make(chan struct{})
	s := crawled(t, z, "google")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { wantPaid(t, s.from(googleAddr, "GET", pagePath, googlebot)) })
	}
	<-z.begun
	close(z.hold)
	all.Wait()
	if r, f := z.reversed.Load(), z.forwarded.Load(); r != 1 || f != 1 {
		t.Errorf("%d and %d lookups", r, f)
	}
}

// TestAFloodOfImpostorsIsNoFloodOfLookups: those beyond the budget are
// strangers at once, and crawlers that are known stay so.
func TestAFloodOfImpostorsIsNoFloodOfLookups(t *testing.T) {
	z := newZone()
	s := crawled(t, z, "google")
	wantPaid(t, s.from(googleAddr, "GET", pagePath, googlebot))
	for i := range 2000 {
		wantPaywall(t, s.from(fmt.Sprintf("192.0.%d.%d", i/250, i%250), "GET", pagePath, googlebot))
	}
	if n := z.reversed.Load(); n != lookupsAtOnce {
		t.Errorf("%d lookups in no time", n)
	}
	wantPaid(t, s.from(googleAddr, "GET", pagePath, googlebot))
	z.name("66.249.66.2", "crawl-66-249-66-2.googlebot.com.")
	wantPaywall(t, s.from("66.249.66.2", "GET", pagePath, googlebot))
	s.wait(time.Second)
	wantPaid(t, s.from("66.249.66.2", "GET", pagePath, googlebot))
}

func TestOneIPv6NetworkIsOneImpostor(t *testing.T) {
	z := newZone()
	s := crawled(t, z, "google")
	for i := range 1000 {
		wantPaywall(t, s.from(fmt.Sprintf("2001:db8:0:1::%x", i), "GET", pagePath, googlebot))
	}
	if n := z.reversed.Load(); n != 1 {
		t.Errorf("%d lookups for one network", n)
	}
}

func TestManyNamesOfOneAddressAreOneQuery(t *testing.T) {
	z := newZone()
	for i := range 1000 {
		z.reverse["192.0.2.7"] = append(z.reverse["192.0.2.7"], fmt.Sprintf("a%d.googlebot.com.", i))
	}
	z.reverse["192.0.2.9"] = []string{"other.example."}
	z.name("192.0.2.9", "crawl-192-0-2-9.googlebot.com.")
	s := crawled(t, z, "google")
	wantPaywall(t, s.from("192.0.2.7", "GET", pagePath, googlebot))
	if n := z.forwarded.Load(); n != 1 {
		t.Errorf("%d lookups", n)
	}
	wantPaid(t, s.from("192.0.2.9", "GET", pagePath, googlebot)) // its name need not be the first
}

// deadlines is a DNS that never answers, and notes how long it may take.
type deadlines struct{ given []bool }

func (d *deadlines) LookupAddr(ctx context.Context, _ string) ([]string, error) {
	_, ok := ctx.Deadline()
	d.given = append(d.given, ok)
	return nil, context.DeadlineExceeded
}

func (d *deadlines) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	panic("not asked")
}

func TestLookupsHaveAnEndOfTheirOwn(t *testing.T) {
	d := new(deadlines)
	s := newSite(t)
	var err error
	if s.gate.o.Crawlers, err = NewCrawlers([]string{"google"}, d, func(*http.Request) netip.Addr { return netip.MustParseAddr(googleAddr) }); err != nil {
		t.Fatal(err)
	}
	wantPaywall(t, s.do("GET", pagePath, googlebot))
	if !slices.Equal(d.given, []bool{true}) {
		t.Errorf("deadlines %v", d.given)
	}
}

func TestNoAddressOfACrawlerIsLogged(t *testing.T) {
	z := newZone()
	z.fails = errors.New("lookup " + googleAddr + ": server misbehaving")
	s := crawled(t, z, "google")
	wantPaywall(t, s.from(googleAddr, "GET", pagePath, googlebot))
	if log := s.logs.String(); strings.Contains(log, googleAddr) {
		t.Error(log)
	}
}

func TestCrawlersHaveNoWallet(t *testing.T) {
	s := crawled(t, newZone(), "google")
	key := paywall.NewWalletKey()
	s.ledger.give(key, testOrigin, paywall.Unlock{ID: paywall.NewID(), Resource: pagePath})
	res := s.from(googleAddr, "GET", pagePath, googlebot, "Cookie: __Host-paywall_wallet="+string(key))
	wantPaid(t, res)
	if s.last().Header.Get("Paywall-Status") != "paid" {
		t.Error("who has paid is no crawler")
	}
}

func TestEnginesThatCannotBeVerifiedAreRefused(t *testing.T) {
	for _, tc := range []struct {
		names []string
		want  string
	}{
		{nil, "names none"}, {[]string{"duckduckgo"}, `unknown crawler "duckduckgo"; those that can be verified are: google, bing, apple`},
		{[]string{"Google"}, "unknown crawler"}, {[]string{"google", "bing", "google"}, "crawler google is given twice"},
	} {
		if err := CheckEngines(tc.names); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: %v", tc.names, err)
		}
		if c, err := NewCrawlers(tc.names, newZone(), nil); c != nil || err == nil {
			t.Errorf("%v were let in", tc.names)
		}
	}
}
