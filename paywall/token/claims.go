package token

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// leeway is how far the clock of a signing host may run ahead. An expiry gets
// none: a token that ends too early is renewed from the wallet, an offer that
// ends too late would be honoured after its time.
const leeway = time.Minute

// NumericDates outside of these name no time that a token of ours can hold
// (2001 to 2286); within them no arithmetic on seconds overflows.
const (
	minDate = 1_000_000_000
	maxDate = 9_999_999_999
)

// registered are the claims of RFC 7519 that both kinds have. aud is one
// string: with a list, who is meant depends on who looks.
type registered struct {
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf,omitempty"`
	ExpiresAt int64  `json:"exp"`
	ID        string `json:"jti"`
}

// check is everything about the claims but the signature and the expiry.
func (c *registered) check(issuer, audience string, life time.Duration, now time.Time) error {
	if issuer == "" || audience == "" || c.Issuer != issuer || c.Audience != audience {
		return errWrongParty
	}
	if err := c.sane(life); err != nil {
		return err
	}
	if latest := now.Add(leeway).Unix(); c.IssuedAt > latest || c.NotBefore > latest {
		return ErrNotYet
	}
	return nil
}

// sane holds for what we sign as for what we accept.
func (c *registered) sane(life time.Duration) error {
	lasts := c.ExpiresAt - c.IssuedAt
	switch {
	case c.IssuedAt < minDate || c.IssuedAt > maxDate || c.ExpiresAt > maxDate,
		lasts < 0 || lasts > int64(life/time.Second),
		c.NotBefore != 0 && (c.NotBefore < minDate || c.NotBefore > c.ExpiresAt),
		!validID(c.ID), c.Issuer == "", c.Audience == "":
		return errClaims
	}
	return nil
}

// validID accepts what can stand in a log line and a URL without escaping.
func validID(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] >= 0x7f {
			return false
		}
	}
	return id != "" && len(id) <= 64
}

// validResource accepts canonical paths; who matches them does so byte for byte.
func validResource(s string) bool {
	if s == "" || s[0] != '/' || !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, unicode.IsControl)
}

// strict unmarshals a JSON object that has all required members, none but those
// and the optional ones, each once, exactly so spelled, and none null.
// encoding/json alone matches names in any case and takes the last of twins
// ({"resource":"/a","RESOURCE":"/b"} gives "/b"), and null leaves what was there.
func strict(raw []byte, required, optional []string, into any) error {
	if !utf8.Valid(raw) {
		return errClaims
	}
	seen := make([]string, 0, len(required)+len(optional))
	missing := len(required)
	err := eachMember(raw, func(name string, value json.RawMessage) error {
		needed := slices.Contains(required, name)
		if !needed && !slices.Contains(optional, name) || slices.Contains(seen, name) || string(value) == "null" {
			return errClaims
		}
		if needed {
			missing--
		}
		seen = append(seen, name)
		return nil
	})
	if err != nil || missing > 0 {
		return errClaims
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return errClaims
	}
	return nil
}

// The methods that golang-jwt validates by.

// GetExpirationTime is exp.
func (c *registered) GetExpirationTime() (*jwt.NumericDate, error) { return date(c.ExpiresAt), nil }

// GetIssuedAt is iat.
func (c *registered) GetIssuedAt() (*jwt.NumericDate, error) { return date(c.IssuedAt), nil }

// GetNotBefore is nbf, nil if there is none.
func (c *registered) GetNotBefore() (*jwt.NumericDate, error) { return date(c.NotBefore), nil }

// GetIssuer is iss.
func (c *registered) GetIssuer() (string, error) { return c.Issuer, nil }

// GetSubject is empty: no token of ours says who reads.
func (c *registered) GetSubject() (string, error) { return "", nil }

// GetAudience is aud.
func (c *registered) GetAudience() (jwt.ClaimStrings, error) {
	return jwt.ClaimStrings{c.Audience}, nil
}

func date(seconds int64) *jwt.NumericDate {
	if seconds == 0 {
		return nil
	}
	return jwt.NewNumericDate(time.Unix(seconds, 0))
}
