package checkout

import "net/http"

// showKeys publishes the public keys. They are the same for everyone.
func (x *exchange) showKeys() error {
	h := x.w.Header()
	h.Set("Content-Type", "application/jwk-set+json") // RFC 7517, 8.5.1
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("X-Content-Type-Options", "nosniff")
	x.write(http.StatusOK, x.c.Ring.JWKS())
	return nil
}
