package badgerstore

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/storetest"
)

// customerLog is what a shop's customers asked and were told.
type customerLog struct {
	told             map[string]string // what: the answer
	asked            map[string]string // offers without an answer: the question
	bought, refunded int
}

func newCustomerLog() *customerLog {
	return &customerLog{told: map[string]string{}, asked: map[string]string{}}
}

func (l *customerLog) add(t *testing.T, lines []string) {
	t.Helper()
	for _, line := range lines {
		f := strings.Fields(line)
		switch f[0] {
		case "asked":
			l.asked[f[2]] = line
		case "bought":
			if l.told[f[1]+f[2]] != "" {
				t.Fatalf("one offer was sold twice: %s", line)
			}
			l.told[f[1]+f[2]] = line
			delete(l.asked, f[2])
			l.bought++
		case "refunded":
			l.told["refunded"+f[2]] = line
			l.refunded++
		}
	}
}

// retry asks again what was not answered: it was done or it was not, and now it
// is done once.
func (l *customerLog) retry(t *testing.T, s *kept) {
	t.Helper()
	for _, line := range l.asked {
		f := strings.Fields(line)
		p := paywall.Purchase{Wallet: f[1], Offer: offer(f[3]), Refund: time.Hour}
		p.Offer.ID = f[2]
		first, err := s.Unlock(t.Context(), p)
		if errors.Is(err, paywall.ErrOfferSpent) && s.Revoked(f[2]) {
			continue // bought and given back before either answer arrived
		}
		if err != nil {
			t.Errorf("%s: asked again: %v", line, err)
			continue
		}
		if again := must[paywall.Receipt](t)(s.Unlock(t.Context(), p)); again.Unlock != first.Unlock || first.AlreadyOwned {
			t.Errorf("%s: asked again gives %+v and %+v", line, first, again)
		}
		times := 0
		for _, u := range must[[]paywall.Unlock](t)(storetest.History(t.Context(), s.Ledger, f[1])) {
			if u.Resource == f[3] {
				times++
			}
		}
		if times != 1 {
			t.Errorf("%s: bought %d times", line, times)
		}
	}
}

// check finds every answer in the ledger.
func (l *customerLog) check(t *testing.T, s *kept) {
	t.Helper()
	histories := map[string]map[string]paywall.Unlock{}
	for _, line := range l.told {
		f := strings.Fields(line)
		wallet, id := f[1], f[len(f)-1]
		if histories[wallet] == nil {
			histories[wallet] = map[string]paywall.Unlock{}
			for _, u := range must[[]paywall.Unlock](t)(storetest.History(t.Context(), s.Ledger, wallet)) {
				histories[wallet][u.ID] = u
			}
		}
		u, ok := histories[wallet][id]
		switch {
		case !ok:
			t.Errorf("lost: %s", line)
		case f[0] == "refunded" && (u.RefundedAt.IsZero() || !s.Revoked(id)):
			t.Errorf("lost: %s", line)
		case f[0] == "bought" && (u.Offer != f[2] || u.Resource != f[3]):
			t.Errorf("told %s, has %+v", line, u)
		}
	}
}
