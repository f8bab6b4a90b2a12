package memstore

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// TestRevocationsAreForgottenWhenNoTokenCanLive opens the ledger again, which forgets
// everything that is over.
func TestRevocationsAreForgottenWhenNoTokenCanLive(t *testing.T) {
	begun := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	var later atomic.Int64 // read by the ledger's own goroutine as well
	s, err := New("EUR", func() time.Time { return begun.Add(time.Duration(later.Load())) })
	if err != nil {
		t.Fatal(err)
	}
	dead := ledger.Revocation{Unlock: paywall.NewID(), Until: begun.Add(ledger.RevokedFor)}
	key := string(state.RevokedKey(dead.Until, dead.Unlock))
	s.values.of(key)[key] = []byte{}
	for _, c := range []struct {
		later time.Duration
		kept  bool
	}{{ledger.RevokedFor - time.Minute, true}, {ledger.RevokedFor + time.Minute, false}} {
		later.Store(int64(c.later))
		l, err := ledger.New(s)
		if err != nil {
			t.Fatal(err)
		}
		if l.Revoked(dead.Unlock) != c.kept {
			t.Errorf("%s after it, it is revoked: %t", c.later, !c.kept)
		}
		kept := func() bool {
			s.mu.RLock()
			defer s.mu.RUnlock()
			_, kept := s.values.of(key)[key]
			return kept
		}
		for range 200 {
			if kept() == c.kept && !c.kept {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if kept() != c.kept {
			t.Errorf("%s after it, it is in the state: %t", c.later, kept())
		}
	}
}
