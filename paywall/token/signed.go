package token

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// signed is a token that a signature of ours was seen on: when it was made, or when it was
// verified. Everything that can change later is looked at again on each use.
type signed struct {
	key    *key
	claims registered
	access *Access        // of the one kind
	offer  *paywall.Offer // of the other
}

// generation is how many tokens are remembered together: at up to 2 KB each, mostly 600
// bytes.
const generation = 2 << 10

// memory is the tokens that a ring signed last, at least one generation of them and at
// most two. A token is found by its SHA-256: all bytes of it must be those that were
// signed. Most come back within seconds, each once or twice; so the oldest go first, which
// no cache that goes by use would do. The zero value is empty.
type memory struct {
	mu           sync.RWMutex
	young, older map[[sha256.Size]byte]*signed
}

func (m *memory) keep(raw string, s *signed) {
	sum := sha256.Sum256([]byte(raw))
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young == nil || len(m.young) >= generation {
		m.young, m.older = make(map[[sha256.Size]byte]*signed), m.young
	}
	m.young[sum] = s
}

// find answers nil for a token that was not signed here, or is forgotten.
func (m *memory) find(raw string) *signed {
	sum := sha256.Sum256([]byte(raw))
	m.mu.RLock()
	defer m.mu.RUnlock()
	if s := m.young[sum]; s != nil {
		return s
	}
	return m.older[sum]
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
