package caddymodule

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/time/rate"

	"github.com/tuppence/tuppence/caddymodule/internal/requests"
	"github.com/tuppence/tuppence/caddymodule/internal/routes"
	"github.com/tuppence/tuppence/caddymodule/internal/topups"
	"github.com/tuppence/tuppence/caddymodule/internal/words"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout"
	"github.com/tuppence/tuppence/paywall/checkout/page"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/token"
	"github.com/tuppence/tuppence/paywall/topup"
)

func init() {
	caddy.RegisterModule(App{})
}

// App holds what all gates of a server share: the currency, the ledger with its
// keys, and how money comes in and goes back.
type App struct {
	// ISO 4217 code of all prices and balances. A ledger keeps the currency it
	// was made with; another one is refused. Default: USD.
	Currency string `json:"currency,omitempty"`

	// Where the ledger and the signing keys live. Default: the folder "paywall"
	// in Caddy's data directory.
	Storage *Storage `json:"storage,omitempty"`

	// Credit that a new wallet starts with, a decimal string: "0.60". It is your own
	// money: readers spend it first, it is never paid out, and creators have no share
	// in what is bought with it. Each site gives it to one network (IPv4 address, IPv6
	// /56) five times at once, and five times a day from then on; 25 times to an IPv4
	// /24 or IPv6 /48. Default: none.
	Welcome string `json:"welcome,omitempty"`

	// How many wallets each site gives it to in a day (UTC). Those opened later that
	// day start empty, and the log says so once. Default: 500 times `limits`.
	WelcomeLimit int `json:"welcome_limit,omitempty"`

	// Whether creators share in what is bought with it, too. Whoever is a creator can
	// then be paid from it by opening wallets and buying from himself. Default: no.
	WelcomeShares bool `json:"welcome_shares,omitempty"`

	// How long a purchase can be undone by the reader. 0 turns it off.
	// Default: 30m.
	Refund *caddy.Duration `json:"refund,omitempty"`

	// How many purchases a reader can undo in a month (UTC). An article that was undone
	// once cannot be undone again by the same wallet, and once a cap has made something
	// cheaper, none of what was bought at that site in that month. Default: 5.
	RefundLimit int `json:"refund_limit,omitempty"`

	// Multiplies what one address (IPv4 address, IPv6 /56), a larger network and all
	// together may do: welcome credits, new wallets, changes, wrong codes, requests
	// for pages under /.paywall/. For load tests, and where many readers share an
	// address. Default: 1.
	Limits int `json:"limits,omitempty"`

	// How readers put money into their wallets. Default: vouchers alone.
	TopUp *TopUp `json:"topup,omitempty"`

	// How the pages look. Default: plain, with the site's host at their head, in
	// all languages.
	UI *UI `json:"ui,omitempty"`

	currency paywall.Currency
	welcome  paywall.Money
	refund   time.Duration
	look     *page.Look // nil: the default
	dir      string
	ctx      caddy.Context
	logger   *slog.Logger

	guests     []topups.Guest  // while a Caddyfile is read
	ways       []topup.Offered // other than vouchers
	buyVoucher string          // where people get one; "" if that is not known
	topups     *topup.Service
	end        context.CancelFunc // of what runs beside the requests

	failures *rate.Sometimes // of calls by providers, in the log

	tree  routes.Tree   // while gates are provisioned
	gates []*Handler    // of this config; filled while they are provisioned
	ready chan struct{} // closed when vault is set
	vault *sharedVault
	held  bool // this App holds a reference in the pool

	forwarded *atomic.Bool // a forwarding header of no trusted proxy was reported
}

const (
	defaultCurrency = "USD"
	defaultRefund   = 30 * time.Minute
	maxRefund       = 90 * 24 * time.Hour
)

// CaddyModule returns the Caddy module information.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "paywall", New: func() caddy.Module { return new(App) }}
}

// Provision resolves and checks the settings. It opens nothing: "caddy
// validate" provisions too, and must neither fail on a running server's lock
// nor leave files behind that belong to the wrong user.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx, a.logger = ctx, ctx.Slogger()
	a.ready = make(chan struct{})
	a.forwarded = new(atomic.Bool)
	a.failures = &rate.Sometimes{First: 1, Interval: time.Minute}

	var err error
	if a.currency, err = paywall.ParseCurrency(cmp.Or(a.Currency, defaultCurrency)); err != nil {
		return err
	}
	if a.welcome, err = parseWelcome(a.Welcome, a.currency); err != nil {
		return err
	}
	if err := checkWelcome(a.WelcomeLimit, a.WelcomeShares, a.Welcome); err != nil {
		return err
	}
	a.refund = a.refundTime()
	if a.refund < 0 || a.refund > maxRefund {
		return fmt.Errorf("refund %s: write a duration between 0 and %s", a.refund, maxRefund)
	}
	if err := checkRefundLimit(a.RefundLimit, a.refund); err != nil {
		return err
	}
	if a.Limits == 0 {
		a.Limits = 1
	}
	if err := checkLimits(a.Limits); err != nil {
		return err
	}
	if a.UI != nil {
		if a.look, err = a.UI.look(); err != nil {
			return words.AtSource(a.UI.Source, err)
		}
	}
	if err := a.provisionTopUps(ctx); err != nil {
		return err
	}
	return a.provisionDir()
}

// Start opens the vault, or takes it over from the config that ran before. It
// happens here and not in Provision because a failing Start is rolled back
// just as well, while validating must not open anything.
func (a *App) Start() error {
	v, err := acquire(a.dir, a.currency, a.logger)
	if err != nil {
		return err
	}
	a.held = true
	a.vault = v
	a.tree = routes.Tree{}
	if a.topups, err = a.openTopUps(v); err != nil {
		return err
	}
	// One for all sites: hundreds of them would keep as many caches of tokens.
	verifier := token.NewVerifier(v.Ring(), time.Now)
	for _, gate := range a.gates {
		if err := gate.start(v, verifier); err != nil {
			return err
		}
	}
	a.runTopUps()
	close(a.ready)
	if caddy.ActiveContext().Context == nil { // the process has just started
		go a.announce()
	}
	return nil
}

// Stop ends what runs beside the requests, which the next config has begun already.
// Requests of this config still run: the vault is released in Cleanup.
func (a *App) Stop() error {
	a.end()
	return nil
}

// Cleanup releases the vault, if this App got as far as holding it. Releasing
// without holding would close it under the config that is still running.
func (a *App) Cleanup() error {
	if !a.held {
		return nil
	}
	a.held = false
	return release(a.dir)
}

// startWait bounds how long a request waits for a vault that is being opened.
// Caddy starts its apps in no fixed order, so the first requests can be early.
const startWait = 5 * time.Second

// ledger waits until the app has started, and gives the ledger. The error carries
// [paywall.CodeUnavailable] and says why it is closed.
func (a *App) ledger(ctx context.Context) (*ledger.Ledger, error) {
	if err := a.await(ctx); err != nil {
		return nil, err
	}
	return a.vault.Ledger()
}

// await waits until the app has started: [paywall.ErrUnavailable] if it does not.
func (a *App) await(ctx context.Context) error {
	select {
	case <-a.ready:
		return nil
	default:
	}
	timer := time.NewTimer(startWait)
	defer timer.Stop()
	select {
	case <-a.ready:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return paywall.ErrUnavailable
}

// refundTime is how long a purchase can be undone.
func (a *App) refundTime() time.Duration {
	if a.Refund == nil {
		return defaultRefund
	}
	return time.Duration(*a.Refund)
}

// languages of the pages; none: all.
func (a *App) languages() []string {
	if a.UI == nil {
		return nil
	}
	return a.UI.Languages
}

func checkRefundLimit(limit int, refund time.Duration) error {
	switch {
	case limit < 0 || limit > math.MaxInt32:
		return fmt.Errorf("a limit of %d refunds cannot be kept; write a whole number above zero, or leave it out", limit)
	case limit > 0 && refund == 0:
		return fmt.Errorf("refund 0 lets nobody undo a purchase; leave the limit out")
	}
	return nil
}

// checkLimits checks the factor of the global option limits.
func checkLimits(factor int) error {
	if factor < 1 || factor > checkout.MaxLimitFactor {
		return fmt.Errorf("limits %d: write a whole number from 1 to %d", factor, checkout.MaxLimitFactor)
	}
	return nil
}

// noteForwarded says once that a peer which is no trusted proxy claims to forward
// for others. If it is the publisher's proxy, all readers share its limits; if it
// is a visitor, the claim is ignored. Which of them it is, only the publisher knows.
func (a *App) noteForwarded(r *http.Request) {
	if r.Header["X-Forwarded-For"] == nil || a.forwarded.Load() {
		return
	}
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted || a.forwarded.Swap(true) {
		return
	}
	from := "a public address"
	if addr, err := netip.ParseAddr(requests.Peer(r)); err == nil && (addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()) {
		from = addr.String()
	} else if err != nil {
		from = "a Unix socket"
	}
	a.logger.Warn("X-Forwarded-For comes from a peer that is not a trusted proxy, and is ignored: all readers behind it share the limits of one address. "+
		"Is this server behind a proxy or a CDN? Then write its addresses into the global options: servers { trusted_proxies static <ranges>; trusted_proxies_strict }",
		slog.String("peer", from))
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
