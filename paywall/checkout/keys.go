package checkout

import (
	"net/http"
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
