package checkout

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/paywall"
)

// checkHead refuses a POST that the reader did not make on a page of this origin, as
// far as its head tells. [request.checkSameOrigin] is the rest.
func (x *request) checkHead() error {
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

// checkSameOrigin asks for a CSRF token where the head of a POST does not say what page
// its form was on.
func (x *request) checkSameOrigin() error {
	switch {
	case x.maySubmit() || x.hasCSRFToken():
		return nil
	case x.fields["form_token"] != "" && len(x.csrfSecrets) == 0:
		return errNoCookies // the page brought one along, which did not come back
	}
	return errForeign
}

// maySubmit keeps other sites from acting with a reader's cookie, and from
// putting a reader into a wallet of theirs (login CSRF). A program without our
// cookie needs nothing of the kind: it gets no cookie either.
func (x *request) maySubmit() bool {
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

// Browsers such as lynx and w3m send neither Sec-Fetch-Site nor Origin, and so do
// not say what page a form was on. Their forms carry a token instead: only a page
// that was given to this very browser can have it, since it follows from the
// browser's own cookies. Pages for all others have none.

// silent reports whether a request says nothing of where it comes from. On a GET
// this tells browsers apart; plain HTTP makes all of them so.
func silent(r *http.Request) bool {
	if len(r.Header.Values("Origin")) > 0 {
		return false
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "Sec-Fetch-") {
			return false
		}
	}
	return true
}

// drawCSRFToken is the token of this answer's forms, "" for a browser that needs
// none. A browser that has no secret yet is drawn one, which tryCookie gives to it.
func (x *exchange) drawCSRFToken() string {
	if !silent(x.r) {
		return ""
	}
	if len(x.csrfSecrets) == 0 {
		x.drawn = rand.Text()
		x.csrfSecrets = []string{x.drawn}
	}
	return tokenOf(x.csrfSecrets, x.origin)
}

// hasCSRFToken reports whether a form is from a page for this browser. The key of
// its wallet is as good: the form that opened the wallet carries it, and is sent
// again by a reader who goes back and presses once more.
func (x *request) hasCSRFToken() bool {
	if len(x.csrfSecrets) == 0 {
		return false
	}
	key, err := x.cookieKey()
	return same(x.fields["form_token"], tokenOf(x.csrfSecrets, x.origin)) ||
		err == nil && key != "" && same(x.fields["new_wallet"], string(key))
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func tokenOf(secrets []string, origin string) string {
	mac := hmac.New(sha256.New, []byte(strings.Join(secrets, " ")))
	mac.Write([]byte("form of " + origin))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// readCSRFSecrets reads the secret that only this browser has: the key of its wallet, or
// a random value in a cookie where there is no wallet. If there are several cookies of a
// kind, all of them together are the secret, so that knowing a planted one is not enough.
// More than [paywall.MaxCookieCandidates]: no secret.
func (x *request) readCSRFSecrets() (secrets []string) {
	wallets := x.r.CookiesNamed(paywall.WalletCookie.On(x.tls))
	forms := x.r.CookiesNamed(paywall.CSRFCookie.On(x.tls))
	if max(len(wallets), len(forms)) > paywall.MaxCookieCandidates {
		return nil
	}
	for _, key := range walletKeys(wallets) {
		secrets = append(secrets, string(key))
	}
	if len(secrets) > 0 {
		return secrets
	}
	for _, c := range forms {
		if len(c.Value) == len(rand.Text()) {
			secrets = append(secrets, c.Value)
		}
	}
	return secrets
}
