package ledger

import (
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func TestRevokedAllocatesNothing(t *testing.T) {
	l := &Ledger{}
	l.revoked.add([]Revocation{{"dead", time.Now().Add(time.Hour)}})
	ids := []string{"dead", paywall.NewID()}
	if n := testing.AllocsPerRun(100, func() {
		if !l.Revoked(ids[0]) || l.Revoked(ids[1]) {
			t.Error("the wrong unlock is revoked")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
