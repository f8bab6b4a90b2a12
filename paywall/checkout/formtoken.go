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

// drawFormToken is the token of this answer's forms, "" for a browser that needs
// none. A browser that has no secret yet is drawn one, which tryCookie gives to it.
func (x *exchange) drawFormToken() string {
	if !silent(x.r) {
		return ""
	}
	if len(x.formSecrets) == 0 {
		x.drawn = rand.Text()
		x.formSecrets = []string{x.drawn}
	}
	return tokenOf(x.formSecrets, x.origin)
}

// hasFormToken reports whether a form is from a page for this browser. The key of
// its wallet is as good: the form that opened the wallet carries it, and is sent
// again by a reader who goes back and presses once more.
func (x *exchange) hasFormToken() bool {
	if len(x.formSecrets) == 0 {
		return false
	}
	key, err := x.cookieKey()
	return same(x.fields["form_token"], tokenOf(x.formSecrets, x.origin)) ||
		err == nil && key != "" && same(x.fields["new_wallet"], string(key))
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func tokenOf(secrets []string, origin string) string {
	mac := hmac.New(sha256.New, []byte(strings.Join(secrets, " ")))
	mac.Write([]byte("form of " + origin))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// readFormSecrets are what only this browser has: the key of its wallet, or a
// random value where there is no wallet. Several of one kind count together, so
// that one which was planted beside ours is of no use to those who know it. More
// than are looked at count for nothing.
func (x *exchange) readFormSecrets() (secrets []string) {
	wallets := x.r.CookiesNamed(paywall.WalletCookie.On(x.tls))
	forms := x.r.CookiesNamed(paywall.FormCookie.On(x.tls))
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
