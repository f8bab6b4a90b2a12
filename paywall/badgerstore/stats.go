package badgerstore

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// totals are kept up to a mark and carried on from there when somebody asks, so
// that no purchase pays for them.
type totals struct {
	mu        sync.Mutex
	mark      journal.Mark
	wallets   int
	gifts     int
	sales     tally
	refunds   tally
	topUps    tally
	tips      tally
	owed      int64
	resources map[siteResource]*[2]tally // sales, refunds
}

type tally struct {
	count  int
	micros int64
}

func (t *tally) add(micros int64) {
	t.count++
	t.micros += micros
}

type siteResource struct{ site, resource string }

// Stats implements [paywall.Store]. The first call after opening reads the
// journal through, later ones what was added.
func (s *Store) Stats(ctx context.Context) (paywall.Stats, error) {
	if err := s.enter(); err != nil {
		return paywall.Stats{}, err
	}
	defer s.gate.RUnlock()
	t := &s.totals
	t.mu.Lock()
	defer t.mu.Unlock()
	for line, err := range s.journal.Lines(t.mark) {
		if err != nil {
			return paywall.Stats{}, err
		}
		if err := s.interrupted(ctx); err != nil {
			return paywall.Stats{}, err
		}
		r, err := line.Record(s.o.Currency)
		if err != nil {
			return paywall.Stats{}, err
		}
		t.add(&r)
		t.mark = journal.Mark{Seq: line.Seq, Hash: line.Hash, Ptr: line.Ptr}
	}
	return t.stats(s.o.Currency), nil
}

// interrupted is why a long read has to stop: its caller left, or the store closes.
func (s *Store) interrupted(ctx context.Context) error {
	if s.life.Err() != nil {
		return unavailable(errClosed)
	}
	return ctx.Err()
}

func (t *totals) add(r *journal.Record) {
	for _, l := range r.Legs {
		if strings.HasPrefix(l.Account, walletPrefix) {
			t.owed += l.Micros
		}
	}
	switch r.Kind {
	case paywall.KindOpen:
		t.wallets++
		if r.Paid() > 0 {
			t.topUps.add(r.Paid())
		}
	case paywall.KindErase:
		t.wallets--
	case paywall.KindRedeem:
		t.topUps.add(r.Paid())
	case paywall.KindTip:
		t.tips.add(r.Paid())
	case paywall.KindUnlock:
		if r.Gift != (paywall.Hash{}) {
			t.gifts++
			return
		}
		t.sales.add(r.Paid())
		t.of(r)[0].add(r.Paid())
	case paywall.KindRefund:
		t.refunds.add(r.Paid())
		t.of(r)[1].add(r.Paid())
	}
}

func (t *totals) of(r *journal.Record) *[2]tally {
	key := siteResource{r.Site, r.Resource}
	if t.resources == nil {
		t.resources = map[siteResource]*[2]tally{}
	}
	if t.resources[key] == nil {
		t.resources[key] = new([2]tally)
	}
	return t.resources[key]
}

// stats lists the best sold first.
func (t *totals) stats(c paywall.Currency) paywall.Stats {
	money := func(micros int64) paywall.Money { return paywall.Money{Micros: micros, Currency: c} }
	public := func(t tally) paywall.Tally { return paywall.Tally{Count: t.count, Amount: money(t.micros)} }
	stats := paywall.Stats{
		Currency: c, Wallets: t.wallets, Sales: public(t.sales), Refunds: public(t.refunds),
		TopUps: public(t.topUps), Tips: public(t.tips), Gifts: t.gifts, Owed: money(t.owed),
		Resources: make([]paywall.ResourceSales, 0, len(t.resources)),
	}
	for key, sold := range t.resources {
		stats.Resources = append(stats.Resources, paywall.ResourceSales{
			Site: key.site, Resource: key.resource, Sales: public(sold[0]), Refunds: public(sold[1]),
		})
	}
	slices.SortFunc(stats.Resources, func(a, b paywall.ResourceSales) int {
		return cmp.Or(
			cmp.Compare(b.Sales.Amount.Micros, a.Sales.Amount.Micros),
			cmp.Compare(a.Site, b.Site), cmp.Compare(a.Resource, b.Resource),
		)
	})
	return stats
}
