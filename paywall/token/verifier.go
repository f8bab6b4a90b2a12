package token

import (
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/maypok86/otter/v2"

	"github.com/tuppence/tuppence/paywall"
)

// cachedTokens bounds the memory of a verifier: at 400 to 900 bytes a token,
// about 12 MB when full. Its admission policy (W-TinyLFU) keeps the tokens in
// use although somebody sends thousands of others once.
const cachedTokens = 16 << 10

// Verifier checks tokens against a ring. An Ed25519 signature costs 60 µs and a
// look into the cache 0.2, so an access token's signature is checked once, and a
// token's that this process signed lately not at all. It is safe for concurrent use, and needs no closing.
type Verifier struct {
	ring  *Ring
	now   func() time.Time
	cache *otter.Cache[string, *signed]
}

// NewVerifier makes a verifier; now is the clock.
func NewVerifier(r *Ring, now func() time.Time) *Verifier {
	return &Verifier{ring: r, now: now, cache: otter.Must(&otter.Options[string, *signed]{MaximumSize: cachedTokens})}
}

// Access verifies an access token that was issued by a checkout (issuer) for a
// site (audience). Whoever holds it may read; whether its unlock was revoked,
// and which resource it opens, is for the caller to ask. A token whose header
// does not say that it is an access token of ours: [ErrNotOurs]. Any other
// error: ours, but forged, broken, expired or for another site; [ErrNotYet] if
// only a clock is in doubt.
func (v *Verifier) Access(raw, issuer, audience string) (*Access, error) {
	now := v.now()
	if len(raw) <= MaxLength {
		if hit, ok := v.cache.GetIfPresent(raw); ok {
			return v.again(raw, hit, issuer, audience, now)
		}
	}
	k, body, err := v.ring.open(raw, typAccess)
	if err != nil {
		return nil, err
	}
	if own := v.ring.accesses.find(raw); own != nil {
		if own.used.Swap(true) { // many come once, and the cache costs more than the rest
			v.cache.Set(own.raw, own)
		}
		return v.again(raw, own, issuer, audience, now)
	}
	payload, err := decodePayload(body)
	if err != nil {
		return nil, err
	}
	// The order is by cost: a signature only for what would pass otherwise.
	var c accessClaims
	if err := c.UnmarshalJSON(payload); err != nil {
		return nil, err
	}
	if !validResource(c.Resource) {
		return nil, errClaims
	}
	early := c.check(issuer, audience, paywall.AccessTTL, now)
	if early != nil && !errors.Is(early, ErrNotYet) {
		return nil, early
	}
	if c.ExpiresAt <= now.Unix() {
		return nil, errExpired
	}
	if k.retired(now) {
		return nil, errRetiredKey
	}
	if err := v.verify(raw, &c.registered, k, issuer, audience, now); err != nil {
		return nil, errSignature
	}
	if early != nil { // said only of what we signed: an operator may look at clocks for it
		return nil, early
	}
	hit := &signed{raw: strings.Clone(raw), key: k, claims: c.registered, access: c.access()} // raw may be a slice of a request's whole Cookie line
	v.cache.Set(hit.raw, hit)
	return hit.access, nil
}

// again is the hot path: no allocation, no lock.
func (v *Verifier) again(raw string, hit *signed, issuer, audience string, now time.Time) (*Access, error) {
	switch seconds := now.Unix(); {
	case hit.claims.Issuer != issuer || hit.claims.Audience != audience:
		return nil, errWrongParty
	case hit.claims.ExpiresAt <= seconds:
		v.cache.Invalidate(raw)
		return nil, errExpired
	case hit.key.retired(now):
		v.cache.Invalidate(raw)
		return nil, errRetiredKey
	case hit.claims.NotBefore > seconds+int64(leeway/time.Second):
		return nil, ErrNotYet // the clock was set back
	}
	return hit.access, nil
}

// Offer verifies an offer that a site (its origin) made for a checkout. Forged
// or broken ones are [paywall.CodeMalformed]. When only its time is over, the
// answer is [paywall.CodeOfferExpired] together with the offer, so that a page
// can lead back to the article.
func (v *Verifier) Offer(raw, site, checkout string) (*paywall.Offer, error) {
	now := v.now()
	k, body, err := v.ring.open(raw, typOffer)
	if err != nil {
		return nil, refused(err)
	}
	if own := v.ring.offers.find(raw); own != nil {
		return own.offerAt(site, checkout, now)
	}
	payload, err := decodePayload(body)
	if err != nil {
		return nil, refused(err)
	}
	var c offerClaims
	if err := c.UnmarshalJSON(payload); err != nil {
		return nil, refused(err)
	}
	if err := c.check(site, checkout, paywall.OfferTTL, now); err != nil {
		return nil, refused(err)
	}
	offer, err := c.offer()
	if err != nil {
		return nil, refused(err)
	}
	if k.retired(now) {
		return nil, refused(errRetiredKey)
	}
	if err := v.verify(raw, &c.registered, k, site, checkout, now); err != nil {
		return nil, refused(errSignature)
	}
	if c.ExpiresAt <= now.Unix() {
		return offer, errOfferOver
	}
	return offer, nil
}

func refused(err error) error {
	return &paywall.Error{Code: paywall.CodeMalformed, Message: "this offer is not valid; open the article again for a new one", Err: err}
}

// decoded has golang-jwt validate the claims that were decoded strictly already,
// instead of decoding the same payload again.
type decoded struct{ *registered }

// UnmarshalJSON leaves the claims as they are.
func (*decoded) UnmarshalJSON([]byte) error { return nil }

// verify has golang-jwt check the signature and, once more, the claims. Times
// are left for the caller to judge.
func (v *Verifier) verify(raw string, claims *registered, k *key, issuer, audience string, now time.Time) error {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{algorithm}),
		jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(audience),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
	_, err := parser.ParseWithClaims(raw, &decoded{claims}, func(*jwt.Token) (any, error) { return k.public, nil })
	for _, untimely := range [...]error{jwt.ErrTokenExpired, jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued} {
		if errors.Is(err, untimely) { // said only once the signature held
			return nil
		}
	}
	return err
}
