// Package consent keeps what a reader agreed to buy while they are away at a payment
// page: in a cookie that only their own wallet could have sealed.
package consent

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/tuppence/tuppence/paywall"
)

// Consent is to one purchase, with the money of one top-up.
type Consent struct {
	Intent string // of the top-up
	Shown  string // what the page said that the purchase takes
	Offer  string // signed
}

// between stands between the parts of a cookie. It is in none of them.
const between = "~"

// Seal is the value of a cookie. A neighbouring host that plants one does not know the
// wallet's key.
func (c Consent) Seal(key paywall.WalletKey) string {
	return strings.Join([]string{c.Intent, c.Shown, c.mac(key), c.Offer}, between)
}

// Open reads a cookie. ok is false unless this wallet sealed it for this top-up.
func Open(cookie string, key paywall.WalletKey, intent string) (c Consent, ok bool) {
	parts := strings.SplitN(cookie, between, 4)
	if len(parts) != 4 || key == "" || parts[0] != intent {
		return Consent{}, false
	}
	c = Consent{Intent: parts[0], Shown: parts[1], Offer: parts[3]}
	if subtle.ConstantTimeCompare([]byte(parts[2]), []byte(c.mac(key))) != 1 {
		return Consent{}, false
	}
	return c, true
}

func (c Consent) mac(key paywall.WalletKey) string {
	mac := hmac.New(sha256.New, []byte(key))
	for _, part := range [...]string{"consent to a purchase", c.Intent, c.Shown, c.Offer} {
		mac.Write([]byte(part + between))
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
