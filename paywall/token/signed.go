package token

import (
	"crypto/sha256"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/tuppence/tuppence/paywall"
)

// signedTokens bounds the tokens that a ring remembers to have signed: at up to 2 KB each,
// mostly 600 bytes.
const signedTokens = 8 << 10

// signed is a token that a signature of ours was seen on: when it was made, or when it was
// verified. Everything that can change later is looked at again on each use.
type signed struct {
	key    *key
	claims registered
	access *Access        // of the one kind
	offer  *paywall.Offer // of the other
}

// newSigned makes the memory of a ring that signs. A token is found by its SHA-256: all
// bytes of it must be those that were signed. Most come back within seconds, and after an
// offer's life it costs a signature again.
func newSigned() *otter.Cache[string, *signed] {
	return otter.Must(&otter.Options[string, *signed]{
		MaximumSize: signedTokens, ExpiryCalculator: otter.ExpiryWriting[string, *signed](paywall.OfferTTL),
	})
}

func digest(raw string) string {
	sum := sha256.Sum256([]byte(raw))
	return string(sum[:])
}

// remember keeps a token that this ring has just signed.
func (r *Ring) remember(raw string, s *signed) {
	if r.signed != nil {
		r.signed.Set(digest(raw), s)
	}
}

// recall finds a token that this ring signed lately; nil if it did not, or has forgotten.
func (r *Ring) recall(raw string) *signed {
	if r.signed == nil || len(raw) > MaxLength {
		return nil
	}
	s, _ := r.signed.GetIfPresent(digest(raw))
	return s
}

// offerAt is an offer that this ring signed, as [Verifier.Offer] answers it.
func (s *signed) offerAt(site, checkout string, now time.Time) (*paywall.Offer, error) {
	if err := s.claims.check(site, checkout, paywall.OfferTTL, now); err != nil {
		return nil, refused(err)
	}
	if s.key.retired(now) {
		return nil, refused(errRetiredKey)
	}
	offer := *s.offer
	if s.claims.ExpiresAt <= now.Unix() {
		return &offer, errOfferOver
	}
	return &offer, nil
}

var errOfferOver = paywall.Errorf(paywall.CodeOfferExpired, "this offer has expired; open the article again for a new one")
