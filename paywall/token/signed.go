package token

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// signed is a token that a signature of ours was seen on: when it was made, or when it was
// verified. Everything that can change later is looked at again on each use.
type signed struct {
	raw    string
	key    *key
	claims registered
	access *Access        // of the one kind
	offer  *paywall.Offer // of the other
	used   atomic.Bool    // since it was signed
}

// generation is how many tokens are remembered together: at up to 5 KB each, mostly 1 KB.
const generation = 2 << 10

// memory is the tokens of one kind that a ring signed last, at least one generation of
// them and at most two. All bytes of a token must be those that were signed. Most come
// back within seconds, each once or twice; so the oldest go first, which no cache that
// goes by use would do. The zero value is empty.
type memory struct {
	mu           sync.RWMutex
	young, older map[string]*signed
}

func (m *memory) keep(s *signed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young == nil || len(m.young) >= generation {
		m.young, m.older = make(map[string]*signed), m.young
	}
	m.young[s.raw] = s
}

// find answers nil for a token that was not signed here, or is forgotten.
func (m *memory) find(raw string) *signed {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if s := m.young[raw]; s != nil {
		return s
	}
	return m.older[raw]
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
