package checkout

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// Ledger is what a checkout calls of a ledger: its parts stand beside the handlers
// that use them. A [github.com/tuppence/tuppence/paywall/ledger.Ledger] is one; its
// methods say what they promise.
type Ledger interface {
	walletKeeper
	deviceKeeper
	settingsKeeper
	passkeyKeeper
	historian
	unlocker
	redeemer
	giver
	tipper
}

// request is what was asked, and what can be told from that alone.
type request struct {
	r *http.Request

	origin string
	tls    bool
	now    time.Time
	json   bool   // a program asks, not a person
	bearer string // the Authorization header's bearer, "" if none

	fields map[string]string // of a POST

	csrfSecrets []string // that this browser has, when it has the answer
	drawn       string   // the one among them that the answer brings along, "" if none
}

// exchange is one request and its answer. Its methods are what every handler may
// need; what belongs to one of them is a function beside it.
type exchange struct {
	request
	c *Checkout
	w http.ResponseWriter

	about    subject         // what the request is about, as soon as it is known
	language *page.Catalogue // of the answer, as soon as that has words
}

// subject is the article that a request is about. Error pages lead back to it, and
// the switch of languages keeps it.
type subject struct {
	back  string          // path of the article, or of where to try again; "" if not known
	offer string          // that offers it, signed by us; "" if none
	gift  paywall.GiftKey // that gives it; "" if none
}

func (c *Checkout) newExchange(w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{request: request{r: r, origin: c.o.Origin(r), now: c.o.Now()}, c: c, w: w}
	x.tls = strings.HasPrefix(x.origin, "https:")
	x.bearer = bearerOf(r)
	x.json = x.bearer != "" || isJSON(r.Header.Get("Content-Type")) ||
		prefersJSON(r.Header.Values("Accept")) || isScript(r)
	x.csrfSecrets = x.readCSRFSecrets()
	return x
}

// bearerOf reads "Authorization: Bearer …". Other schemes are the site's own
// (a staging site's basic auth) and not our business.
func bearerOf(r *http.Request) string {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(rest)
}

// prefersJSON: a browser's Accept names text/html, a program's that wants JSON
// does not, or names JSON first.
func prefersJSON(accept []string) bool {
	all := strings.ToLower(strings.Join(accept, ","))
	html := strings.Index(all, "text/html")
	for _, media := range [...]string{"application/json", "application/problem+json"} {
		if i := strings.Index(all, media); i >= 0 && (html < 0 || i < html) {
			return true
		}
	}
	return false
}

// isScript reports whether a POST comes from a program that says nothing of
// itself, as curl does: browsers send Origin or Sec-Fetch-Site, and ask for HTML.
func isScript(r *http.Request) bool {
	return r.Method == http.MethodPost && r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" &&
		!strings.Contains(strings.ToLower(strings.Join(r.Header.Values("Accept"), ",")), "text/html") && !hasWalletCookie(r)
}

// ledger waits until the ledger is open.
func (x *exchange) ledger(ctx context.Context) (Ledger, error) {
	l, err := x.c.o.Ledger(ctx)
	if err != nil {
		return nil, &paywall.Error{Code: paywall.CodeUnavailable, Message: paywall.ErrUnavailable.Message, Err: err}
	}
	return l, nil
}

// setCookie gives the browser a cookie. A program that came with a bearer keeps
// its own secrets.
func (x *exchange) setCookie(c *http.Cookie) {
	if x.bearer == "" {
		paywall.SetCookie(x.w.Header(), c)
	}
}

// forget makes the browser drop what it keeps of this site. The cache is not only
// that of HTTP: Chromium shows a page from history without asking us again, even
// one that was sent with no-store (measured with version 156: a refunded article
// stood behind the back button until this was said).
func (x *exchange) forget(kinds string) {
	if x.bearer == "" {
		x.w.Header().Set("Clear-Site-Data", kinds)
	}
}

// redirect sends a browser on with 303, which turns a POST into a GET: reload
// and back are harmless then (RFC 9110, 15.4.4). target is a path of ours.
func (x *exchange) redirect(target string) {
	x.pageHeaders()
	x.w.Header().Set("Location", target)
	x.w.WriteHeader(http.StatusSeeOther)
}

// codeOf is paywall.ErrorCode, but a ledger that did not answer in time is
// unavailable, not broken.
func codeOf(err error) paywall.Code {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return paywall.CodeUnavailable
	}
	return paywall.ErrorCode(err)
}
