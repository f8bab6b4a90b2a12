package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/caddymodule/internal/requests"
	"github.com/tuppence/tuppence/caddymodule/internal/routes"
	"github.com/tuppence/tuppence/caddymodule/internal/withhold"
	"github.com/tuppence/tuppence/caddymodule/internal/words"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout"
	"github.com/tuppence/tuppence/paywall/gate"
	"github.com/tuppence/tuppence/paywall/pricing"
	"github.com/tuppence/tuppence/paywall/target"
	"github.com/tuppence/tuppence/paywall/teaser"
	"github.com/tuppence/tuppence/paywall/token"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler is the gate in front of a site. A request for a resource that has a
// price passes when the reader has bought it; otherwise it is answered with the
// way to buy it. The pages and calls of the purchase live under /.paywall/ and
// are served by the gate itself, whatever its matcher.
//
// What is open stays open: a download, an event stream or a WebSocket goes on to
// its end although its token expires, its purchase is undone or its wallet erased
// meanwhile; the next request is refused. A reload of the config ends WebSockets
// at once, or after the stream_close_delay of reverse_proxy, whose stream_timeout
// bounds them altogether. WebSockets need HTTP/1.1, as browsers open them: CONNECT,
// which stands for them in HTTP/2 and 3, is refused.
//
// A gate must stand before everything that answers requests for its hosts, in a
// block that all of them reach; other places are refused at load. What the blocks
// of other hosts do does not matter. A forward_auth before the gate is sent neither
// wallets nor tokens of readers; other plugins there see them.
type Handler struct {
	// Which requests are for sale, in the form of a route's "match". Whatever is
	// matched and has no rule is refused, never free. The matchers stand here
	// and not around the handler because the gate asks them about every way in
	// which a site may read the requested path. Default: all.
	MatcherSetsRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	// What things cost. The first rule that matches decides.
	Rules []Rule `json:"rules,omitempty"`

	// The most that a reader pays at this site in a month, a decimal string in the
	// currency of the app: "6.00". A purchase that would go above takes what is left
	// of it, in the end nothing, and creators get their shares of what was taken.
	// Months are those of UTC. At least the highest price. Default: no cap.
	Cap string `json:"cap,omitempty"`

	// The links with which readers give away what they bought. Default: none.
	GiftLinks *GiftLinks `json:"gift_links,omitempty"`

	// Amounts that readers can give beyond the price of what they bought, one to four,
	// the smallest first, decimal strings in the currency of the app: "0.20". A tip
	// goes where the price went, and cannot be undone. Default: none.
	Tips []string `json:"tips,omitempty"`

	// The site's own address, "https://news.example", where it cannot be taken
	// from the request, as behind a proxy that changes the host. Default: scheme
	// and host as Caddy sees them.
	Origin string `json:"origin,omitempty"`

	// Query parameters that belong to a resource's identity, such as "p" where
	// /index.php?p=7 is an article. Default: none; the query does not matter.
	Query []string `json:"query,omitempty"`

	// Search engines whose crawlers read without paying whatever has a price:
	// "google", "bing", "apple". A crawler is believed when the DNS
	// confirms the address that it comes from, as the engine documents it; its
	// User-Agent alone opens nothing. What it reads is marked "noarchive", and a
	// page that it may read needs the engine's mark-up for paid content, or counts
	// as cloaking. Behind trusted_proxies the server needs trusted_proxies_strict.
	// Default: none.
	Crawlers []string `json:"crawlers,omitempty"`

	// What is shown of a page to people who have not paid for it. Default:
	// nothing; they are sent to the purchase page.
	Teaser *Teaser `json:"teaser,omitempty"`

	// Whether a page that was just bought gets a bar at its head, after its <body>
	// tag: what was paid, a button that undoes it, the receipt, the wallet. It is
	// there as long as the purchase can be undone, on HTML pages that a browser asks
	// for whole and that come uncompressed, which the gate asks the site for. The
	// page's ETag and length go. Default: false.
	Bar bool `json:"bar,omitempty"`

	// Where the directive stands ("Caddyfile:12"), for messages. The Caddyfile
	// adapter fills it in.
	Source string `json:"source,omitempty"`

	app    *App
	table  *pricing.Table
	cap    paywall.Money // zero: none
	gifts  checkout.GiftLinks
	tips   []paywall.Money
	canon  *target.Canonicalizer
	cutter *teaser.Cutter // nil without a teaser
	place  *routes.Site
	log    *withhold.AccessLog
	origin func(*http.Request) string
	dns    gate.Resolver  // that crawlers are verified with
	bots   *gate.Crawlers // nil: none
	logger *slog.Logger
	gate   *atomic.Pointer[gate.Gate] // holds nil until the vault is open
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.paywall", New: func() caddy.Module { return new(Handler) }}
}

// Place is where the directive stands, for messages.
func (h *Handler) Place() string { return h.Source }

// Provision sets up the price table and registers the gate with the app, which
// starts it once the vault is open.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Slogger()
	h.gate = new(atomic.Pointer[gate.Gate])
	h.dns = &net.Resolver{PreferGo: true} // whose lookups end when their time is over
	if err := h.provision(ctx); err != nil {
		return words.AtSource(h.Source, err)
	}
	h.app.gates = append(h.app.gates, h)
	return nil
}

func (h *Handler) provision(ctx caddy.Context) error {
	app, err := ctx.App("paywall")
	if err != nil {
		return err
	}
	var ok bool
	if h.app, ok = app.(*App); !ok {
		return fmt.Errorf("the app paywall is a %T", app)
	}
	if h.place, err = h.app.tree.Inspect(ctx); err != nil {
		return err
	}
	if h.origin, err = newOrigin(h.Origin); err != nil {
		return err
	}
	if err := checkQueryNames(h.Query); err != nil {
		return err
	}
	h.canon = &target.Canonicalizer{NFC: norm.NFC.String, NFKC: norm.NFKC.String, QueryKeys: h.Query}
	h.log = withhold.NewAccessLog(ctx, h.place.Server, h.canon, h.GiftLinks != nil)
	withhold.FromAskers(h.place.Askers, h.canon, h.gate.Load)
	if h.cutter, err = h.Teaser.cutter(); err != nil {
		return err
	}
	if err := h.provisionTable(ctx); err != nil {
		return err
	}
	if h.cap, err = h.monthlyCap(h.app.currency); err != nil {
		return err
	}
	if h.gifts, err = h.GiftLinks.options(); err != nil {
		return err
	}
	if h.tips, err = parseTips(h.Tips, h.app.currency); err != nil {
		return err
	}
	if err := h.provisionCrawlers(); err != nil {
		return err
	}
	if err := h.checkBar(); err != nil {
		return err
	}
	h.warnLogo()
	return h.checkDetours(h.place.Detours)
}

// newOrigin tells under which origin a request reached the site: the fixed one
// of the config, or scheme and host as Caddy sees them.
func newOrigin(fixed string) (func(*http.Request) string, error) {
	if fixed == "" {
		return requests.RequestOrigin(), nil
	}
	resolved, err := words.Resolve(fixed)
	if err != nil {
		return nil, fmt.Errorf("origin: %w", err)
	}
	origin, err := requests.ParseOrigin(resolved)
	if err != nil {
		return nil, fmt.Errorf("origin %q: %w", fixed, err)
	}
	return func(*http.Request) string { return origin }, nil
}

// checkQueryNames refuses what is more than the name of a parameter.
func checkQueryNames(names []string) error {
	for i, name := range names {
		if name == "" || strings.ContainsAny(name, "?&=#*;,/ ") {
			return fmt.Errorf("query %q: write the parameter's name alone, such as: query p", name)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("query %s is given twice", name)
		}
	}
	return nil
}

// start builds the gate and its checkout on a vault whose ledger is open, or
// will be.
func (h *Handler) start(v *sharedVault, verifier *token.Verifier) error {
	ring := v.Ring()
	desk, err := checkout.New(checkout.Options{
		Ledger:   func(context.Context) (checkout.Ledger, error) { return v.Ledger() },
		Ring:     ring,
		Verifier: verifier,
		Origin:   h.origin,
		ClientIP: requests.ClientIP,
		Welcome:  h.app.welcome,

		WelcomeLimit: h.app.WelcomeLimit,
		WelcomeSite:  cmp.Or(h.Origin, h.place.Name()),
		FreeShares:   h.app.WelcomeShares,

		Currency: h.app.currency,
		Refund:   h.app.refund,
		Refunds:  h.app.RefundLimit,
		Vouchers: true,
		TopUps:   h.app.offered(),

		BuyVoucher: h.app.buyVoucher,

		Limits: v.limits,

		LimitFactor: h.app.Limits,

		GiftLinks: h.gifts,
		Tips:      h.tips,

		Logger: h.logger,
		Now:    time.Now,

		Look:       h.app.look,
		Languages:  h.app.languages(),
		Ceremonies: v.logins,
	})
	if err != nil {
		return fmt.Errorf("setting up the checkout: %w", err)
	}
	options := gate.Options{
		Table:         h.table,
		Ring:          ring,
		Verifier:      verifier,
		Canonicalizer: h.canon,
		Ledger:        func(context.Context) (gate.Ledger, error) { return v.Ledger() },
		Checkout:      withHooks{desk, h.app},
		Origin:        h.origin,
		Original:      requests.OriginalTarget,
		Detach:        requests.Detach,
		Below:         requests.Below,
		Inner:         requests.Inner,
		Cap:           h.cap,
		Crawlers:      h.bots,
		Teaser:        h.cutter,
		Box:           desk.Box,
		Refund:        h.app.refund,
		Logger:        h.logger,
		Now:           time.Now,
	}
	if h.Bar {
		options.Bar = desk.Bar
	}
	g, err := gate.New(options)
	if err != nil {
		return fmt.Errorf("setting up the gate: %w", err)
	}
	h.gate.Store(g)
	return nil
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.RequestURI == "" { // the server has made it itself
		r.RequestURI = r.URL.RequestURI()
	}
	h.app.noteForwarded(r)
	if secret := h.log.Find(r); secret.Found() {
		return h.log.Serve(w, r, secret, func(w http.ResponseWriter) error { return h.serve(w, r, next) })
	}
	return h.serve(w, r, next)
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if h.Origin == "" && !requests.SaneHost(r.Host) && !requests.Hostless(r) {
		w.Header().Set("Cache-Control", "no-store") // a cache may know this page by another host
		return caddyhttp.Error(http.StatusBadRequest, errBadHost)
	}
	g := h.gate.Load()
	if g == nil {
		if err := h.app.await(r.Context()); err != nil {
			w.Header().Set("Retry-After", "5")
			w.Header().Set("Cache-Control", "no-store")
			return caddyhttp.Error(http.StatusServiceUnavailable, errNotReady)
		}
		g = h.gate.Load()
	}
	return g.ServeHTTP(w, r, next)
}

var (
	errNotReady = errors.New("the paywall's ledger is not open yet")
	errBadHost  = errors.New("the Host header is not a host")
)

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ routes.Gate                 = (*Handler)(nil)
)
