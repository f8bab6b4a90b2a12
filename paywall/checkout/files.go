package checkout

import (
	"context"
	"net/http"

	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// showKeys publishes the public keys. They are the same for everyone.
func showKeys(x *exchange) error {
	h := x.w.Header()
	h.Set("Content-Type", "application/jwk-set+json") // RFC 7517, 8.5.1
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("X-Content-Type-Options", "nosniff")
	x.write(http.StatusOK, x.c.o.Ring.JWKS())
	return nil
}

// staticEndpoint serves the style sheets of the look, and what all looks share.
func (c *Checkout) staticEndpoint(name string) (endpoint, bool) {
	a, ok := c.o.Look.Asset(name)
	return endpoint{unlimited: true, get: func(x *exchange) error {
		h := x.w.Header()
		h.Set("Content-Type", a.Media())
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		x.write(http.StatusOK, a.Body())
		return nil
	}}, ok
}

// showQR draws the recovery code of this browser for the camera of another one.
// The picture's address says nothing: the code stands in the picture alone.
func showQR(_ context.Context, x *exchange, _ Ledger, who identity) error {
	picture, err := page.DrawQR(x.recoveryLink(who.key.RecoveryCode()))
	if err != nil {
		return err
	}
	x.pageHeaders()
	x.w.Header().Set("Content-Type", "image/svg+xml")
	x.write(http.StatusOK, picture)
	return nil
}

// recoveryLink leads to the form with the code filled in by the page's script.
// The code stands in the fragment, which browsers send to nobody (RFC 3986, 3.5;
// RFC 9110, 10.1.3).
func (x *request) recoveryLink(code string) string { return x.origin + Prefix + "wallet#code=" + code }
