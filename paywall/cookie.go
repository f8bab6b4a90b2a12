package paywall

import (
	"net/http"
	"strings"
	"time"
)

// MaxCookieCandidates is how many cookies of one name are tried. A sibling
// subdomain can toss cookies of the same name at a browser; the first one is
// not always ours (RFC 6265, 8.6).
const MaxCookieCandidates = 8

// CookieName is the name of a cookie of ours on a connection: with a prefix
// over TLS that browsers enforce (RFC 6265bis, 4.1.3), bare over plain HTTP.
type CookieName struct{ bare, tls string }

// Names of the cookies.
var (
	AccessCookie   = CookieName{"paywall_access", "__Secure-paywall_access"}
	WalletCookie   = CookieName{"paywall_wallet", "__Host-paywall_wallet"}
	LanguageCookie = CookieName{"paywall_lang", "__Host-paywall_lang"}
	TestCookie     = CookieName{"paywall_kept", "__Secure-paywall_kept"}
	CSRFCookie     = CookieName{"paywall_form", "__Host-paywall_form"}
	ConsentCookie  = CookieName{"paywall_topup", "__Secure-paywall_topup"}
)

// On is the name in use on an origin that is, or is not, served over TLS.
func (n CookieName) On(tls bool) string {
	if tls {
		return n.tls
	}
	return n.bare
}

// Is reports whether a cookie's name is this one in either form.
func (n CookieName) Is(name string) bool { return name == n.bare || name == n.tls }

// maxCookiePath is the longest path that browsers keep of a cookie (RFC 6265bis,
// 5.6); of one that is longer they would make their own. A name of 200 letters in
// Thai is longer, and its cookie has the folder's path.
const maxCookiePath = 1024

// NewAccessCookie carries an access token. Its path is the resource's, so that
// readers who own many articles do not send every token everywhere. A pattern
// ("/albums/x/*") and named query keys ("/index?p=1") stand under their path.
//
// page is path and query of the address that the reader asks for, escaped.
// Where the server rewrites it to a resource elsewhere ("/tea" to
// "/articles/tea"), the cookie has the page's path: a browser knows no other
// (RFC 6265, 5.1.4). But never "/" for a page, which would send it everywhere.
// And browsers compare bytes: "%c3" is another path to them than "%C3", so that
// the cookie has the spelling which they ask with.
func NewAccessCookie(tls bool, resource, page, token string, expires time.Time) *http.Cookie {
	path, _, _ := strings.Cut(resource, "?")
	if trimmed := strings.TrimSuffix(path, "/*"); trimmed != "" {
		path = trimmed
	}
	path = EscapePath(path)
	page, _, _ = strings.Cut(page, "?")
	page = strings.TrimSuffix(page, "/")
	switch {
	case page == "":
	case under(UpperEscapes(page), path):
		path = page[:len(path)]
	default:
		path = page
	}
	for len(path) > maxCookiePath && strings.LastIndexByte(path, '/') > 0 {
		path = path[:strings.LastIndexByte(path, '/')]
	}
	return newCookie(AccessCookie.On(tls), tls, path, token, expires)
}

// under reports whether a path is the other one or lies below it.
func under(path, above string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(above, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// NewTestCookie tests whether a browser keeps cookies of our kind. It is set with the
// pages of a reader who has no wallet. When it does not come back with a form, a
// wallet would be forgotten as soon as it was opened. It says nothing else, ends with
// the browser's session, and never leaves the checkout.
func NewTestCookie(tls bool) *http.Cookie {
	return newCookie(TestCookie.On(tls), tls, "/.paywall/", "1", time.Time{})
}

// NewCSRFCookie takes the place of the test cookie in a browser that does not
// say where a form of its comes from. The value is random and vouches for the
// forms of a reader who has no wallet: no neighbouring host may choose it, which
// browsers see to for the whole site alone. It ends with the browser's session.
func NewCSRFCookie(tls bool, value string) *http.Cookie {
	return newCookie(CSRFCookie.On(tls), tls, "/", value, time.Time{})
}

// NewConsentCookie keeps what a reader agreed to buy while they are at a provider's page.
// SameSite=Lax lets it come back with the navigation from there. It ends by the browser's
// own measure, whose clock may be wrong.
func NewConsentCookie(tls bool, value string, life time.Duration) *http.Cookie {
	c := newCookie(ConsentCookie.On(tls), tls, "/.paywall/topup/", value, time.Time{})
	c.MaxAge = int(life.Seconds())
	return c
}

// cookieLife is the longest time browsers keep a cookie (RFC 6265bis, 5.5).
const cookieLife = 400 * 24 * time.Hour

// NewWalletCookie carries a wallet's key, for as long as browsers keep it.
func NewWalletCookie(tls bool, key WalletKey, now time.Time) *http.Cookie {
	return newCookie(WalletCookie.On(tls), tls, "/", string(key), now.Add(cookieLife))
}

// NewLanguageCookie carries the language that a reader chose for our pages, a
// BCP 47 tag, for as long as browsers keep it.
func NewLanguageCookie(tls bool, tag string, now time.Time) *http.Cookie {
	return newCookie(LanguageCookie.On(tls), tls, "/", tag, now.Add(cookieLife))
}

// SetCookie adds a cookie to an answer. Browsers keep so many of a site's cookies and
// no more (Chromium 180), and the wallet's is money: Chromium drops those of a lower
// priority first. net/http cannot say it.
func SetCookie(h http.Header, c *http.Cookie) {
	line := c.String()
	if line == "" {
		return
	}
	if WalletCookie.Is(c.Name) {
		line += "; Priority=High"
	}
	h.Add("Set-Cookie", line)
}

// ExpiredCookie makes a browser forget the cookie that was set with this name and path.
func ExpiredCookie(c *http.Cookie) *http.Cookie {
	gone := *c
	gone.Value, gone.MaxAge, gone.Expires = "", -1, time.Unix(1, 0)
	return &gone
}

func newCookie(name string, tls bool, path, value string, expires time.Time) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: path, Expires: expires,
		Secure: tls, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
