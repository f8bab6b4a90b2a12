package gate

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pricing"
	"github.com/tuppence/tuppence/paywall/target"
	"github.com/tuppence/tuppence/paywall/teaser"
	"github.com/tuppence/tuppence/paywall/token"
)

// Handler is what the gate stands in front of. An error means that nothing, or
// nothing more, was written; it goes back to the caller as it is.
type Handler interface {
	ServeHTTP(http.ResponseWriter, *http.Request) error
}

// Ledger is what the gate asks of the store.
type Ledger interface {
	// Owned answers the live unlock of a resource by the wallet with this key:
	// [paywall.ErrNotFound] if there is none, [paywall.ErrNoWallet] if the key
	// opens nothing.
	Owned(ctx context.Context, key paywall.Hash, site, resource string) (paywall.Unlock, error)
	// Revoked reports whether tokens of this unlock are dead. It is on the hot
	// path: no I/O, no shared lock, no allocation.
	Revoked(unlock string) bool
}

// Options make a gate. All but Original, Detach, Below, Inner, Cap, Crawlers, Teaser, Box, Bar, Refund,
// Logger and Now are needed.
type Options struct {
	Table         *pricing.Table
	Ring          *token.Ring
	Verifier      *token.Verifier
	Canonicalizer *target.Canonicalizer

	// Ledger waits until the store is open, or for the context. Its error means
	// that the store is not there: tokens open nevertheless, wallets do not.
	Ledger func(context.Context) (Ledger, error)
	// Checkout serves everything under "/.paywall/".
	Checkout http.Handler
	// Origin is the site's origin: "https://news.example", in lower case,
	// without a default port. It decides on the cookies' form as well. "" for a
	// request that names no host, as HTTP/1.0 allows: nothing is sold to it.
	Origin func(*http.Request) string
	// Original is the request target as the client sent it, for servers that
	// rewrite requests before the gate sees them. Nil: r.RequestURI.
	Original func(*http.Request) string
	// Detach gives a request that the gate makes itself, r, a context of its own,
	// derived from the one it has; reader is the request that caused it. Nil: it
	// shares the values of that.
	Detach func(w http.ResponseWriter, r, reader *http.Request) *http.Request
	// Below answers where the last writer is kept before the server's own, for a
	// writer that server code stands around which changes headers when they go out.
	// Nil, also the function: nothing does.
	Below func(http.ResponseWriter) *http.ResponseWriter
	// Inner reports whether the server made a request itself, out of the headers of
	// another one, for a part of that one's page. Nil: it never does.
	Inner func(*http.Request) bool
	// Cap is the most that a wallet pays at this site in a UTC month. Zero: no cap.
	Cap paywall.Money
	// Crawlers read whatever has a price. Nil: nobody does who has not paid.
	Crawlers *Crawlers

	// Teaser cuts the pages that people who have not paid are shown in the
	// place of a redirect. Nil: there is always the redirect.
	Teaser *teaser.Cutter
	// Box is the HTML of an offer for a page that was cut; raw is the offer,
	// signed. With form it may be a form that buys at once; otherwise it leads to
	// the purchase page. Needed where there is a Teaser.
	Box func(r *http.Request, o *paywall.Offer, raw string, form bool) ([]byte, error)

	// Bar is the HTML of a bar for a page that was just bought, which says what was
	// paid and undoes it: in ASCII, with addresses that begin with "/.paywall/". Nil:
	// bought pages stay as they are.
	Bar func(r *http.Request, u *paywall.Unlock) ([]byte, error)
	// Refund is how long a purchase can be undone. Needed where there is a Bar.
	Refund time.Duration

	Logger *slog.Logger     // nil: slog.Default()
	Now    func() time.Time // nil: time.Now
}

// Gate is safe for concurrent use.
type Gate struct {
	o          Options
	pages      *pages
	semaphores *semaphores
	cutting    chan struct{} // holds as many as pages are being cut
	told       reported
	clockNoted oncePerMinute // that clocks disagree
	unsigned   oncePerMinute // that offers cannot be signed
}

// New makes a gate.
func New(o Options) (*Gate, error) {
	if o.Table == nil || o.Ring == nil || o.Verifier == nil || o.Canonicalizer == nil ||
		o.Ledger == nil || o.Checkout == nil || o.Origin == nil || o.Teaser != nil && o.Box == nil {
		return nil, errors.New("making a gate: an option is missing")
	}
	if o.Original == nil {
		o.Original = func(r *http.Request) string { return r.RequestURI }
	}
	if o.Detach == nil {
		o.Detach = func(_ http.ResponseWriter, r, _ *http.Request) *http.Request { return r }
	}
	if o.Below == nil {
		o.Below = func(http.ResponseWriter) *http.ResponseWriter { return nil }
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p, err := newPages()
	if err != nil {
		return nil, err
	}
	return &Gate{
		o: o, pages: p, semaphores: newSemaphores(), cutting: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}, nil
}

// ServeHTTP answers a request or hands it to next. Either a whole answer was
// written and the error is nil, or the error is next's own.
//
// The request's headers are changed in place, not copied: a server's error
// pages, which see the same request, must not find the reader's wallet in it
// either (CVE-2026-41181), and a copy would cost more than the whole gate.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request, next Handler) error {
	if r.Method == http.MethodTrace || r.Method == http.MethodConnect {
		return g.refuse(w, r, paywall.CodeMethodNotAllowed, "this method is not allowed", "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	}
	include := g.includedIn(r)
	cleanRequest(r)
	// Of a request that goes no further the body stays unread. Without this the
	// server would wait for it before it sends the answer (net/http). keepAlive
	// takes it back.
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}

	raw := g.o.Original(r)
	target, err := g.o.Canonicalizer.Parse(raw)
	if err != nil {
		return g.refuse(w, r, paywall.ErrorCode(err), paywall.ErrorMessage(err))
	}
	origin := g.o.Origin(r)
	if target.Reserved() {
		if origin == "" {
			return g.refuseHostless(w, r)
		}
		g.serveReserved(w, r, raw, &target)
		return nil
	}
	tls := strings.HasPrefix(origin, "https://")
	creds := g.takeCredentials(r, origin, tls)

	t := ticket{origin: origin, tls: tls, raw: raw, include: include}
	if err := g.decide(r, &target, &t); err != nil {
		return g.refuse(w, r, paywall.ErrorCode(err), paywall.ErrorMessage(err))
	}
	if t.status != pricing.Priced {
		return g.pass(w, r, next, &t, nil)
	}
	if origin == "" {
		return g.refuseHostless(w, r)
	}
	if !t.canonical {
		return g.redirect(w, r, t.asked.Location())
	}
	return g.gated(w, r, next, &t, &creds)
}

// refuseHostless is for a request that does not say which site it is for. Health
// checks send such ones, for pages that nothing prices (RFC 9112, 3.2).
func (g *Gate) refuseHostless(w http.ResponseWriter, r *http.Request) error {
	return g.refuse(w, r, paywall.CodeMalformed, "the request names no host")
}

// keepAlive is for a request whose body is read after all. One in chunks may
// have carried a Content-Length as well, which net/http takes away in silence;
// the connection must not live on after such a one, since a proxy in front may
// see another request where this one ends (RFC 9112, 6.1).
func keepAlive(w http.ResponseWriter, r *http.Request) {
	if len(r.TransferEncoding) == 0 {
		delete(w.Header(), "Connection")
	}
}

// gated answers a request for something that has a price.
func (g *Gate) gated(w http.ResponseWriter, r *http.Request, next Handler, t *ticket, c *credentials) error {
	if c.several {
		return g.refuse(w, r, paywall.CodeMalformed, "more than one Authorization was sent")
	}
	right, err := g.right(r, t, c)
	if err != nil {
		return g.refuseToken(w, r, err)
	}
	if right.ok {
		return g.pass(g.withBar(w, r, t, c, right.since), r, next, t, right.cookie)
	}
	if t.include != "" && t.include == headerText(t.resource) {
		return g.pass(w, r, next, t, nil)
	}
	if t.crawler = g.o.Crawlers.sent(r, g.o.Now()); t.crawler {
		return g.pass(w, r, next, t, nil)
	}
	return g.sell(w, r, next, t, c)
}

// pass hands a request to the site: paid, a crawler's, free, or none of the
// gate's business.
func (g *Gate) pass(w http.ResponseWriter, r *http.Request, next Handler, t *ticket, fresh *http.Cookie) error {
	keepAlive(w, r)
	res := &response{ResponseWriter: w, paid: t.status == pricing.Priced, crawler: t.crawler, cookie: fresh, lead: lead{gate: g}}
	if t.status == pricing.Unpriced {
		res.lead = lead{gate: g, request: r, target: r.RequestURI, path: r.URL.Path, site: t.origin}
	}
	res.label(r.Header, t)
	g.settleLast(w, res)
	var err error
	if file := fileOf(g, res, r, t); file != nil {
		err = next.ServeHTTP(file, r)
		file.finish()
	} else {
		err = next.ServeHTTP(res, r)
	}
	res.finish()
	switch {
	case res.denied != nil:
		return nil // an answer was written; what went wrong with the other is nobody's concern
	case err == nil:
		res.open(http.StatusOK) // a site that wrote nothing leaves that to the server
	default:
		res.seal() // the server's error page goes out with the headers as they are
	}
	return err
}
