package checkout

import (
	"context"
	"net/http"

	"github.com/tuppence/tuppence/paywall/checkout/page"
)

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
func (x *exchange) recoveryLink(code string) string { return x.origin + Prefix + "wallet#code=" + code }
