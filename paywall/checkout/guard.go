package checkout

import (
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/paywall"
)

// guard refuses a POST that the reader did not make on a page of this origin, as
// far as its head tells. [exchange.guardForm] is the rest.
func (x *exchange) guard() error {
	if prefetches(x.r) {
		return paywall.Errorf(paywall.CodeCrossSite, "a prefetch changes nothing here")
	}
	// Early data can be replayed by anyone on the way (RFC 8470, 3 and 5.2).
	// Behind a proxy the header tells; on our own connection the handshake.
	if x.r.Header.Get("Early-Data") == "1" || x.r.TLS != nil && !x.r.TLS.HandshakeComplete {
		return paywall.Errorf(paywall.CodeTooEarly, "send this again when the connection is established")
	}
	if !x.maySubmit() && (x.json || !silent(x.r)) {
		return errForeign
	}
	return nil
}

var errForeign = paywall.Errorf(paywall.CodeCrossSite, "this was not sent from a page of this site")

// guardForm asks for a form token where the head of a POST does not say what page
// its form was on.
func (x *exchange) guardForm() error {
	switch {
	case x.maySubmit() || x.hasFormToken():
		return nil
	case x.fields["form_token"] != "" && len(x.formSecrets) == 0:
		return errNoCookies // the page brought one along, which did not come back
	}
	return errForeign
}

// maySubmit keeps other sites from acting with a reader's cookie, and from
// putting a reader into a wallet of theirs (login CSRF). A program without our
// cookie needs nothing of the kind: it gets no cookie either.
func (x *exchange) maySubmit() bool {
	if sameOrigin(x.r, x.origin) {
		return true
	}
	if hasWalletCookie(x.r) || !x.json {
		return false
	}
	// Without a bearer, JSON can be asked for by a foreign page too; a browser
	// then says so.
	return x.bearer != "" || x.r.Header.Get("Sec-Fetch-Site") == ""
}

// sameOrigin is stricter than net/http.CrossOriginProtection, which lets
// through requests with neither header, and an http origin of an https site.
func sameOrigin(r *http.Request, origin string) bool {
	if site := r.Header.Values("Sec-Fetch-Site"); len(site) > 0 {
		return len(site) == 1 && site[0] == "same-origin"
	}
	sent := r.Header.Values("Origin")
	return len(sent) == 1 && sent[0] == origin
}

// prefetches: the standard header and the older ones that browsers still send.
func prefetches(r *http.Request) bool {
	for _, name := range [...]string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, value := range r.Header.Values(name) {
			value = strings.ToLower(value)
			if strings.Contains(value, "prefetch") || strings.Contains(value, "prerender") || strings.Contains(value, "preview") {
				return true
			}
		}
	}
	return false
}

func hasWalletCookie(r *http.Request) bool {
	for _, c := range r.Cookies() {
		if paywall.WalletCookie.Is(c.Name) {
			return true
		}
	}
	return false
}
