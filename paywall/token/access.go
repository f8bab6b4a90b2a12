package token

import (
	"fmt"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// Access opens one resource, or all below a path, on one origin for a while.
// It names no wallet and no person. One that a [Verifier] returned is shared
// between requests and must not be changed.
type Access struct {
	ID        string // of the unlock; revocation goes by it
	Issuer    string // origin of the checkout
	Audience  string // origin of the site
	Resource  string // canonical path, or a pattern that ends in "/*"
	IssuedAt  time.Time
	NotBefore time.Time // zero: as IssuedAt
	ExpiresAt time.Time // at most [paywall.AccessTTL] after IssuedAt
}

// Opens reports whether the token is for a resource: exactly this one or, with
// a pattern such as "/albums/x/*", "/albums/x" itself and everything below.
func (a *Access) Opens(resource string) bool {
	if a.Resource == resource {
		return true
	}
	base, pattern := strings.CutSuffix(a.Resource, "/*")
	if !pattern || !strings.HasPrefix(resource, base) {
		return false
	}
	return len(resource) == len(base) || resource[len(base)] == '/'
}

type accessClaims struct {
	registered
	Resource string `json:"resource"`
}

var accessMembers = []string{"iss", "aud", "resource", "iat", "nbf", "exp", "jti"}

// UnmarshalJSON accepts exactly the members that [Ring.SignAccess] writes.
func (c *accessClaims) UnmarshalJSON(raw []byte) error {
	type plain accessClaims
	return strict(raw, accessMembers, nil, (*plain)(c))
}

// SignAccess signs an access token with the active key. Times count in whole
// seconds, rounded down. Claims that a [Verifier] would refuse are refused with
// [paywall.CodeMalformed].
func (r *Ring) SignAccess(a *Access) (string, error) {
	notBefore := a.NotBefore
	if notBefore.IsZero() {
		notBefore = a.IssuedAt
	}
	c := &accessClaims{
		registered: registered{
			Issuer: a.Issuer, Audience: a.Audience, ID: a.ID,
			IssuedAt: a.IssuedAt.Unix(), NotBefore: notBefore.Unix(), ExpiresAt: a.ExpiresAt.Unix(),
		},
		Resource: a.Resource,
	}
	if !validResource(c.Resource) || c.sane(paywall.AccessTTL) != nil {
		return "", paywall.Errorf(paywall.CodeMalformed, "this access cannot be written into a token")
	}
	raw, k, err := r.sign(typAccess, c)
	if err != nil {
		return "", fmt.Errorf("signing access: %w", err)
	}
	r.accesses.keep(&signed{raw: raw, key: k, claims: c.registered, access: c.access()})
	return raw, nil
}

// access is the meaning of verified claims.
func (c *accessClaims) access() *Access {
	return &Access{
		ID: c.ID, Issuer: c.Issuer, Audience: c.Audience, Resource: c.Resource,
		IssuedAt: unix(c.IssuedAt), NotBefore: unix(c.NotBefore), ExpiresAt: unix(c.ExpiresAt),
	}
}

func unix(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
