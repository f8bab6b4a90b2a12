package gate

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pricing"
	"github.com/tuppence/tuppence/paywall/token"
)

const (
	// freshOffers is how many offers for one page are signed in one second: enough
	// for a page to have its own for each reader of an ordinary day. In a crowd,
	// those who ask beyond that share the last one: a signature costs as much as
	// all the rest of the answer, and an offer names nobody. Somebody who buys,
	// undoes it and asks again needs another one (ErrOfferSpent), but not within
	// the crowd's second.
	freshOffers = 64
)

// sell answers a request for something unpaid with an offer, if the site has it.
// The request's body is not read, and its conditions mean nothing here.
func (g *Gate) sell(w http.ResponseWriter, r *http.Request, next Handler, t *ticket, c *credentials) error {
	probed, of := bare(r, t)
	found, err := g.page(w.Header(), probed, next, of, g.o.Teaser != nil && of.ownPage() && of.named())
	if err != nil {
		return g.refuse(w, r, paywall.CodeUnavailable, "the site did not answer in time") // or the reader has gone
	}
	if !found.sellable {
		sellable, err := g.passUnpaid(w, r, next, t)
		if sellable == nil {
			return err
		}
		g.pages.forget(keyOfPage(probed, of), found)
		noteUnshown(g, r, t)
		found = sellable
	}
	signed, err := found.signedOffers.get(g, t, found)
	if errors.Is(err, token.ErrTooLong) {
		return g.refuse(w, r, paywall.CodeMalformed, "the address of this page is too long for it to be sold")
	}
	if err != nil {
		if g.unsigned.due(g.o.Now()) {
			g.o.Logger.LogAttrs(r.Context(), slog.LevelError, "offers cannot be signed",
				slog.String("site", t.origin), slog.Any("error", err))
		}
		return g.refuse(w, r, paywall.ErrorCode(err), paywall.ErrorMessage(err))
	}
	if cut := g.teaserOf(r, t, found); cut != nil {
		return g.tease(w, r, t, c, found, cut, signed)
	}
	return g.writeOffer(w, r, t, found, signed)
}

// signedOffer is an offer on its way out. One that a crowd shares is put into
// words once: for a program, that costs as much as the rest of the answer.
type signedOffer struct {
	unlock  string // the checkout's address with it
	worded  sync.Once
	link    string
	problem []byte
	page    sync.Once
	html    []byte // see handOver
}

// page answers what the site has to say to a request; set are the headers of the
// answer that handlers in front of the gate have set.
func (g *Gate) page(set http.Header, r *http.Request, next Handler, t *ticket, cut bool) (*page, error) {
	origin, resource := t.origin, t.resource // not t: it would have to leave the stack of every paid request
	named, own := t.named(), t.ownPage()
	return g.pages.get(r.Context(), keyOfPage(r, t), r.Header, g.o.Now(), func() (*page, error) {
		return g.ask(set, r, next, origin, resource, kindOf(r, origin, named, own), cut)
	})
}

// bare is a request for the same thing by its name alone: what else stands in a
// query, as a campaign's parameters do, makes no other thing to sell. Of an address
// that the server made up nothing is known without its query.
func bare(r *http.Request, t *ticket) (*http.Request, *ticket) {
	if t.named() || r.RequestURI != t.raw {
		return r, t
	}
	named, url, of := *r, *r.URL, *t
	of.raw = t.asked.Bare()
	_, url.RawQuery, _ = strings.Cut(of.raw, "?")
	named.RequestURI, named.URL = of.raw, &url
	return &named, &of
}

// named reports whether the address that was asked for is a resource's name, and no more.
func (t *ticket) named() bool {
	if !strings.Contains(t.raw, "?") {
		return true
	}
	bare := t.asked.Bare()
	return t.raw == bare || t.asked.Location() == bare
}

// kindOf is the kind of request in which a page is asked for, each of which has a
// semaphore of its own for each resource. What anybody can make any number
// of (queries, parts of a resource, hosts that a proxy is said to have) waits apart
// from the page that readers come for.
func kindOf(r *http.Request, origin string, named, own bool) string {
	scheme, host, _ := strings.Cut(origin, "://")
	for name, expected := range map[string]string{"X-Forwarded-Host": host, "X-Forwarded-Proto": scheme, "X-Forwarded-Port": portOf(scheme, host)} {
		if values := r.Header[name]; len(values) > 1 || len(values) == 1 && !strings.EqualFold(values[0], expected) {
			return "forwarded"
		}
	}
	switch {
	case !named:
		return "query"
	case !own:
		return "part"
	}
	return ""
}

func portOf(scheme, host string) string {
	if _, port, err := net.SplitHostPort(host); err == nil {
		return port
	}
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// signedOffers are the offers made for a page.
type signedOffers struct {
	mu     sync.Mutex
	second time.Time // when the running second began
	signed int       // in it
	last   *signedOffer
	// What last is for: a rule may look at more of a request than its target.
	rule     *pricing.Rule
	resource string
}

// get answers a signed offer.
func (q *signedOffers) get(g *Gate, t *ticket, p *page) (*signedOffer, error) {
	now := g.o.Now()
	if last := q.shared(t, now); last != nil {
		return last, nil
	}
	raw, err := g.signOffer(t, p, now)
	if err != nil {
		return nil, err
	}
	unlock := unlockPath + raw
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.signed < freshOffers {
		return &signedOffer{unlock: unlock}, nil // no crowd, and thousands of pages are remembered
	}
	// Keep a copy, not the value that is returned: that one gets its rendered 402
	// attached, which only crowded pages may keep in memory. The resource is cloned
	// since it may be a slice of a long address.
	q.last, q.rule, q.resource = &signedOffer{unlock: unlock}, t.rule, strings.Clone(t.resource)
	return &signedOffer{unlock: unlock}, nil
}

// shared is the offer to use again, nil if a new one is due.
func (q *signedOffers) shared(t *ticket, now time.Time) *signedOffer {
	q.mu.Lock()
	defer q.mu.Unlock()
	if since := now.Sub(q.second); since < 0 || since >= time.Second {
		q.second, q.signed, q.last = now, 0, nil
	}
	q.signed++
	if q.signed > freshOffers && q.rule == t.rule && q.resource == t.resource {
		return q.last
	}
	return nil
}

// signOffer makes an offer. It goes into a URL and a header, so it has to be short:
// a title is cut, and the query is left out, before a page is not sold at all
// ([token.ErrTooLong]).
func (g *Gate) signOffer(t *ticket, p *page, now time.Time) (string, error) {
	location := t.asked.Location()
	path, _, _ := strings.Cut(location, "?")
	own := path // that the resource's name alone asks for, which an offer has room for in any alphabet
	if !strings.Contains(t.resource, "?") {
		own = paywall.EscapePath(t.resource)
	}
	o := paywall.Offer{
		ID: paywall.NewID(), Site: t.origin, Checkout: t.origin, Resource: t.resource, URL: location,
		Title: p.head.Title, Words: p.head.Words,
		Price: t.rule.Price, Cap: g.o.Cap, Access: t.rule.Access, Shares: t.rule.Shares,
		IssuedAt: now, ExpiresAt: now.Add(paywall.OfferTTL),
	}
	var raw string
	var err error
	for _, shorten := range []func(){
		func() {},
		func() { o.Title = prefix(o.Title, 40) },
		func() { o.URL = path },
		func() { o.URL = own },
		func() { o.Title = "" },
	} {
		shorten()
		if raw, err = g.o.Ring.SignOffer(&o); !errors.Is(err, token.ErrTooLong) {
			break
		}
	}
	return raw, err
}

// prefix is the beginning of a title, in runes.
func prefix(s string, most int) string {
	for i := range s {
		if most--; most < 0 {
			return s[:i] + "…"
		}
	}
	return s
}
