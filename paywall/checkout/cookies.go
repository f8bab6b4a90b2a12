package checkout

import "github.com/tuppence/tuppence/paywall"

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
func (x *exchange) keepsCookies() bool {
	return len(x.r.CookiesNamed(paywall.KeptCookie.On(x.tls))) > 0 ||
		len(x.r.CookiesNamed(paywall.FormCookie.On(x.tls))) > 0 ||
		len(x.r.CookiesNamed(paywall.WalletCookie.On(x.tls))) > 0
}

// tryCookie gives the browser the cookie that has to come back. It changes
// nothing but that: GET may.
func (x *exchange) tryCookie() {
	if x.drawFormToken() != "" { // it vouches for the forms as well
		if x.drawn != "" {
			x.setCookie(paywall.NewFormCookie(x.tls, x.drawn))
		}
		return
	}
	if !x.keepsCookies() {
		x.setCookie(paywall.NewKeptCookie(x.tls))
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
	case x.r.URL.Path == Prefix+"topup/voucher":
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
