package checkout

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// A wallet that the browser forgets at once would be lost with the money in it.
// So before a person's first wallet is opened, a cookie that means nothing must
// have come back. Where it has not, as with a form that another page carries,
// the reader is sent to the page with the button once more, with the cookie; if
// it is missing there too, the page says why. Two redirects in all, the gate's
// and this one, and the ledger has not heard of it.

// errNoCookies: a person's browser has not sent back what it was given.
var errNoCookies = paywall.Errorf(paywall.CodeNoCookies, "your browser keeps no cookies for this site")

// noticeAgain marks, and explains, the page that a reader is sent to once more.
const noticeAgain = "again"

// keepsCookies reports whether the browser has sent back a cookie of ours.
func (x *request) keepsCookies() bool {
	return len(x.r.CookiesNamed(paywall.TestCookie.On(x.tls))) > 0 ||
		len(x.r.CookiesNamed(paywall.CSRFCookie.On(x.tls))) > 0 ||
		len(x.r.CookiesNamed(paywall.WalletCookie.On(x.tls))) > 0
}

// tryCookie gives the browser the cookie that has to come back. It changes
// nothing but that: GET may.
func (x *exchange) tryCookie() {
	if x.drawCSRFToken() != "" { // it vouches for the forms as well
		if x.drawn != "" {
			x.setCookie(paywall.NewCSRFCookie(x.tls, x.drawn))
		}
		return
	}
	if !x.keepsCookies() {
		x.setCookie(paywall.NewTestCookie(x.tls))
	}
}

// lookAgain answers a form that came without a cookie: the page that such forms
// are on, for a second look.
func (x *exchange) lookAgain() {
	x.tryCookie()
	if x.about == (subject{}) { // the form was refused before anybody looked what it is about
		_, _ = x.takeOffer(x.fields["offer"])
		if x.r.URL.Path == GiftPath {
			_, _ = x.takeGiftKey(x.fields["key"])
		}
	}
	page := Prefix + "wallet?"
	switch {
	case x.about.gift != "":
		page = giftLink(x.about.gift) + "&"
	case x.about.back != "":
		page = Prefix + "unlock?offer=" + x.fields["offer"] + "&" // verified: base64url and dots
	case strings.HasPrefix(x.r.URL.Path, Prefix+"topup/"):
		page = Prefix + "topup?"
	}
	x.redirect(page + "notice=" + noticeAgain)
}

// lookedAgain is the second look, at a reader without a wallet: after a form
// that came without a cookie, or after a recovery, whose wallet cookie is gone.
func (x *exchange) lookedAgain() error {
	switch x.r.URL.Query().Get("notice") {
	case noticeAgain, "recovered":
		if !x.keepsCookies() {
			return errNoCookies
		}
	}
	return nil
}

// heavyCookies is the length of a Cookie header in bytes from which servers in
// front of us may refuse it: nginx by default (large_client_header_buffers 4 8k).
// Our own server takes a megabyte (net/http.DefaultMaxHeaderBytes), which is more
// than a browser keeps for one site.
const heavyCookies = 8 << 10

type resetView struct {
	formsView
	Done    bool
	Cookies int  // sent with this request
	Heavy   bool // see heavyCookies
	Wallets []resetWallet
}

// resetWallet is a wallet that goes with the cookies.
type resetWallet struct {
	Code    string // recovery code
	Known   bool   // the ledger was asked, and has it
	Balance paywall.Money

	id string
}

// showReset explains what removing all cookies does. It changes nothing.
func showReset(x *exchange) error {
	count, size := x.countCookies()
	if x.json {
		return x.answer(http.StatusOK, struct {
			Cookies int `json:"cookies"`
			Bytes   int `json:"bytes"`
		}{count, size})
	}
	x.tryCookie()
	v := resetView{
		formsView: formsView{layout: x.layout(x.text().T("reset.title"))},
		Cookies:   count, Heavy: size > heavyCookies, Wallets: resetWallets(x.r.Context(), x),
	}
	v.Script = page.PressGuard.URL()
	return x.page(http.StatusOK, "reset", v)
}

// reset makes the browser forget all cookies of this site: those that a sibling
// host has planted for the whole domain, which nobody here could take back one
// by one, and ours. The ledger is not touched, and the answer still shows the
// codes of the wallets that went.
func reset(x *exchange) error {
	ctx := x.r.Context()
	wallets := resetWallets(ctx, x)
	forgetCookies(ctx, x, wallets)
	if x.json {
		return x.answer(http.StatusOK, map[string]bool{"reset": true})
	}
	v := resetView{
		formsView: formsView{layout: x.layout(x.text().T("reset.ready"))},
		Done:      true, Wallets: wallets,
	}
	v.Script = page.PressGuard.URL()
	if len(wallets) != 1 { // else the code is at hand
		takePasskeys(x, &v.formsView)
	}
	return x.page(http.StatusOK, "reset", v)
}

// maxJar bounds the wallet cookies that are looked at: Chrome keeps at most so
// many cookies of one domain, planted ones before ours or after it.
const maxJar = 180

// resetWallets are the wallets in this browser's cookies, a few at most. A key
// that the ledger does not know is left out; where the ledger does not answer,
// it may be one.
func resetWallets(ctx context.Context, x *exchange) []resetWallet {
	cookies := x.r.CookiesNamed(paywall.WalletCookie.On(x.tls))
	ledger, down := x.ledger(ctx)
	var found []resetWallet
	for _, key := range walletKeys(cookies[:min(len(cookies), maxJar)]) {
		if len(found) == paywall.MaxCookieCandidates {
			break
		}
		w := resetWallet{Code: key.RecoveryCode()}
		if down == nil {
			hash, _ := key.Hash() // of a well-formed key
			wallet, err := ledger.Wallet(ctx, hash)
			if errors.Is(err, paywall.ErrNoWallet) {
				continue
			}
			w.Known, w.Balance, w.id = err == nil, wallet.Balance, wallet.ID
		}
		found = append(found, w)
	}
	return found
}

// forgetCookies asks for all cookies at once, and takes ours back by name as
// well: over plain HTTP browsers do not listen to Clear-Site-Data (its 3.1),
// except on the reader's own machine.
func forgetCookies(ctx context.Context, x *exchange, wallets []resetWallet) {
	x.forget(`"cache", "cookies"`)
	if ledger, err := x.ledger(ctx); err == nil && len(wallets) == 1 {
		unlocks, _, _ := ledger.Unlocks(ctx, wallets[0].id, paywall.Page{Limit: maxExpired}) // what stays runs out by itself
		for i := range unlocks {
			expireAccess(x, &unlocks[i])
		}
	}
	x.setCookie(paywall.ExpiredCookie(paywall.NewTestCookie(x.tls)))
	x.setCookie(paywall.ExpiredCookie(paywall.NewConsentCookie(x.tls, "", 0)))
	x.setCookie(paywall.ExpiredCookie(paywall.NewWalletCookie(x.tls, "", x.now)))
	if x.csrfSecrets = nil; silent(x.r) {
		x.tryCookie() // for the form that brings the wallet back
		return
	}
	x.setCookie(paywall.ExpiredCookie(paywall.NewCSRFCookie(x.tls, "")))
}

// countCookies is how many cookies came, and how long their header is in bytes.
func (x *request) countCookies() (count, size int) {
	for _, line := range x.r.Header["Cookie"] {
		size += len(line)
		for pair := range strings.SplitSeq(line, ";") {
			if strings.TrimSpace(pair) != "" {
				count++
			}
		}
	}
	return count, size
}
