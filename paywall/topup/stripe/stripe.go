// Package stripe brings money in by Stripe Checkout: readers pay on a page of Stripe's,
// and Stripe learns a random intent id, an amount and "Reading credit".
//
// The account has to be one of the publisher's own for this purpose: [Way.Movements] lists
// all that moves on it in the ledger's currency.
package stripe

import (
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

const (
	// Name is the way's name and its account in the ledger.
	Name = "stripe"
	// life is a minute above the least that Stripe takes, for clocks that differ.
	life = 31 * time.Minute
	// readerWaits bounds a call of Begin, Look and Hook, retries included.
	readerWaits = 2500 * time.Millisecond
	// nobodyWaits bounds Return, and each page of Movements.
	nobodyWaits = 15 * time.Second
	// checkoutOrigin is where Stripe's hosted page is.
	checkoutOrigin = "https://checkout.stripe.com"
	// maxSecrets is how many webhook secrets may be valid at once: the old and the new.
	maxSecrets = 2
)

// Config says whose Stripe account it is. All but Endpoint, PageOrigin and Now have to be set.
type Config struct {
	SecretKey      string   // sk_… or rk_…, test or live
	WebhookSecrets []string // whsec_…; two while one is being replaced
	Endpoint       string   // of the API, https or loopback; "" is Stripe's
	PageOrigin     string   // of a custom Checkout domain; "" is Stripe's, or that of Endpoint if it is set
	Currency       paywall.Currency
	Logger         *slog.Logger
	Now            func() time.Time // nil: time.Now
}

// Way is a [topup.Way].
type Way struct {
	api      api
	live     bool
	local    bool // the endpoint is on this machine
	secrets  []string
	page     string // origin of the hosted page
	currency paywall.Currency
	logger   *slog.Logger
	now      func() time.Time
}

var _ topup.Way = (*Way)(nil)

var keyShape = regexp.MustCompile(`^[sr]k_(test|live)_[0-9A-Za-z_]{3,}$`)

// New makes a way without asking Stripe anything. Errors say what to change.
func New(c Config) (*Way, error) {
	shape := keyShape.FindStringSubmatch(c.SecretKey)
	switch {
	case strings.HasPrefix(c.SecretKey, "pk_"):
		return nil, fmt.Errorf("stripe: secret_key is the publishable key (pk_…); write the secret key (sk_…) or a restricted one (rk_…)")
	case shape == nil:
		return nil, fmt.Errorf("stripe: secret_key does not look like one of Stripe's; it begins with sk_test_, sk_live_, rk_test_ or rk_live_")
	case len(c.WebhookSecrets) == 0 || len(c.WebhookSecrets) > maxSecrets:
		return nil, fmt.Errorf("stripe: write one webhook_secret, or two while one is being replaced")
	}
	for _, s := range c.WebhookSecrets {
		if rest, ok := strings.CutPrefix(s, "whsec_"); !ok || len(rest) < 6 {
			return nil, fmt.Errorf("stripe: webhook_secret does not look like one of Stripe's; it begins with whsec_ (Dashboard, Developers, Webhooks, signing secret)")
		}
	}
	endpoint, err := origin("endpoint", c.Endpoint)
	if err != nil {
		return nil, err
	}
	page, err := origin("page_origin", c.PageOrigin)
	if err != nil {
		return nil, err
	}
	w := &Way{live: shape[1] == "live", secrets: c.WebhookSecrets, currency: c.Currency, logger: c.Logger, now: c.Now}
	switch {
	case page != "":
		w.page = page
	case endpoint != "":
		w.page = endpoint
	default:
		w.page = checkoutOrigin
	}
	if w.now == nil {
		w.now = time.Now
	}
	if u, err := url.Parse(endpoint); err == nil {
		w.local = loopback(u.Hostname())
	}
	w.api = newAPI(c.SecretKey, endpoint)
	return w, nil
}

// origin checks a URL of the config that may have no more than scheme, host and port.
func origin(field, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("stripe: %s %q is no origin such as https://api.stripe.com", field, text)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return "", fmt.Errorf("stripe: %s %q has to be https; http is for this machine alone", field, text)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Local reports whether the endpoint is on this machine, which Stripe is not.
func (w *Way) Local() bool { return w.local }

// Live reports whether real money moves. In test mode, everybody pays with test cards.
func (w *Way) Live() bool { return w.live }

// Name is the way's account.
func (w *Way) Name() string { return Name }

// Origins is where the hosted page is.
func (w *Way) Origins() []string { return []string{w.page} }

// Life is how long a session can be paid.
func (w *Way) Life() time.Duration { return life }
