package checkout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
	"github.com/tuppence/tuppence/paywall/checkout/passkey"
	"github.com/tuppence/tuppence/paywall/token"
)

// Prefix is the path under which a checkout lives on every gated site.
const Prefix = "/.paywall/"

// Options is what a checkout needs. Ledger, Ring, Verifier, Origin and Currency
// are required.
type Options struct {
	// Ledger waits until the ledger is open. Any error is answered with 503.
	Ledger func(ctx context.Context) (Ledger, error)

	Ring     *token.Ring
	Verifier *token.Verifier

	// Origin is scheme and host of the site, "https://news.example". Cookies
	// are marked Secure when it begins with https.
	Origin func(*http.Request) string

	// ClientIP is the visitor's address. It bounds guessing, is held in memory
	// only and never logged. Default: the connection's peer.
	ClientIP func(*http.Request) string

	// Ceremonies is what logins with passkeys share. Hand the same to checkouts that
	// replace one another on a reload, which would break logins otherwise. Default: a
	// new one.
	Ceremonies *passkey.Ceremonies

	// Limits bounds guessing, new wallets, changes of the ledger and requests for
	// pages. Hand the same to checkouts that belong together, and to those that
	// replace them on a reload, so that a visitor has one budget. Default: a new one.
	Limits *Limits

	// LimitFactor multiplies what one address, a larger network and all together may
	// do, up to [MaxLimitFactor]. Default: 1.
	LimitFactor int

	// Welcome is the credit of a new wallet; zero: none. An address is given it five
	// times at once, and five times a day from then on; a larger network more often,
	// but none all of it. WelcomeLimit wallets get it in a UTC day, default 500 times
	// LimitFactor; they are counted under WelcomeSite, which no visitor may choose.
	// FreeShares has creators share in it.
	Welcome      paywall.Money
	WelcomeLimit int
	WelcomeSite  string
	FreeShares   bool

	Currency paywall.Currency // of the ledger
	Refund   time.Duration    // how long a purchase can be undone; 0: not at all
	Refunds  int              // that a wallet can have in a UTC month; default: 5
	Vouchers bool             // voucher codes are accepted

	// TopUps brings money in by other ways, and sends it back. Default: nothing does.
	TopUps TopUps
	// BuyVoucher is where vouchers are sold: an address with https or http, or a path of
	// the site. Default: no page says so.
	BuyVoucher string

	GiftLinks GiftLinks       // default: none can be made
	Tips      []paywall.Money // that readers may choose from; default: none can be given

	// Languages of the pages, a choice of [page.Languages]. The first is for readers
	// whose browser asks for none of them. Default: all.
	Languages []string

	Look *page.Look // of the pages; default: ours

	Logger *slog.Logger     // default: slog.Default
	Now    func() time.Time // default: time.Now
}

// Checkout is an http.Handler, safe for concurrent use.
type Checkout struct {
	o         Options
	languages *page.LanguageSet
	boxes     boxes

	emptyBySite, emptyByNetwork daily // why new wallets start empty
}

// New checks the options.
func New(o Options) (*Checkout, error) {
	if o.Ledger == nil || o.Ring == nil || o.Verifier == nil || o.Origin == nil {
		return nil, errors.New("checkout needs a ledger, a key ring, a verifier and an origin")
	}
	if _, err := paywall.ParseCurrency(string(o.Currency)); err != nil {
		return nil, err
	}
	if !o.Welcome.IsZero() && (o.Welcome.Currency != o.Currency || o.Welcome.Micros < 0) {
		return nil, errors.New("the welcome credit must be an amount above zero in the ledger's currency")
	}
	if o.WelcomeLimit == 0 {
		o.WelcomeLimit = defaultWelcomes * max(o.LimitFactor, 1)
	}
	if o.Refunds == 0 {
		o.Refunds = defaultRefunds
	}
	if o.WelcomeLimit < 0 || o.Refunds < 0 {
		return nil, errors.New("a limit of welcome credits or refunds is below zero")
	}
	if err := CheckBuyVoucher(o.BuyVoucher); err != nil {
		return nil, err
	}
	if err := o.GiftLinks.check(); err != nil {
		return nil, err
	}
	if err := CheckTips(o.Tips); err != nil {
		return nil, err
	}
	if len(o.Tips) > 0 && o.Tips[0].Currency != o.Currency {
		return nil, errors.New("the tips must be in the ledger's currency")
	}
	if o.ClientIP == nil {
		o.ClientIP = func(r *http.Request) string { return r.RemoteAddr }
	}
	if o.Limits == nil {
		o.Limits = NewLimits()
	}
	if o.LimitFactor == 0 {
		o.LimitFactor = 1
	}
	if o.LimitFactor < 0 || o.LimitFactor > MaxLimitFactor {
		return nil, fmt.Errorf("a limit factor of %d is not between 1 and %d", o.LimitFactor, MaxLimitFactor)
	}
	if o.Ceremonies == nil {
		o.Ceremonies = passkey.NewCeremonies()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	var err error
	if o.Look == nil {
		if o.Look, err = NewLook(page.Options{}); err != nil {
			return nil, err
		}
	}
	languages, err := page.NewLanguageSet(o.Languages)
	if err != nil {
		return nil, err
	}
	return &Checkout{o: o, languages: languages}, nil
}

// ServeHTTP answers every request under [Prefix].
func (c *Checkout) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := c.newExchange(w, r)
	err := x.serve()
	switch {
	case err == nil:
	case errors.Is(err, errNoCookies) && r.Method == http.MethodPost:
		x.lookAgain()
	default:
		x.fail(err)
	}
}

func (x *exchange) serve() error {
	if len(x.r.Header.Values("Authorization")) > 1 {
		// Which one counts would depend on who reads them (RFC 9110, 11.6.2).
		return paywall.Errorf(paywall.CodeMalformed, "more than one Authorization was sent")
	}
	name, _ := strings.CutPrefix(x.r.URL.Path, Prefix)
	e, ok := endpoints[name]
	if file, found := strings.CutPrefix(name, "static/"); found {
		e, ok = x.c.staticEndpoint(file)
	}
	read := x.r.Method == http.MethodGet || x.r.Method == http.MethodHead
	switch {
	case x.r.Method == http.MethodPost && e.post != nil:
		return x.change(e)
	case ok && read && e.unlimited:
		return e.get(x)
	}
	if err := x.mayLook(); err != nil {
		return err
	}
	switch {
	case !ok:
		return paywall.Errorf(paywall.CodeNotFound, "there is no such page")
	case read && e.get != nil:
		return e.get(x)
	}
	x.w.Header().Set("Allow", e.allow())
	return paywall.Errorf(paywall.CodeMethodNotAllowed, "this address does not answer to %s", shownMethod(x.r.Method))
}

// change runs a POST. What is not the reader's own counts as a page that was
// looked at: another site must not use up what a reader may change.
func (x *exchange) change(e endpoint) error {
	unread, err := x.submitted()
	if err != nil {
		if refused := x.mayLook(); refused != nil {
			return refused
		}
		return err
	}
	if err := x.mayChange(); err != nil {
		return err
	}
	if unread != nil {
		return unread
	}
	return e.post(x)
}

// submitted reports whether a POST is the reader's own, and reads its fields.
// unread says why they cannot be read.
func (x *exchange) submitted() (unread, err error) {
	if err := x.checkHead(); err != nil {
		return nil, err
	}
	unread = x.readFields()
	return unread, x.checkSameOrigin()
}

// shownMethod keeps a stranger's method name short.
func shownMethod(m string) string {
	if len(m) > 16 {
		return "this method"
	}
	return m
}
