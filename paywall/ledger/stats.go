package ledger

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// totals are kept up to a record and carried on from there when somebody asks, so that
// no purchase pays for them.
type totals struct {
	mu        sync.Mutex
	seq       uint64 // of that record
	wallets   int
	gifts     int
	sales     tally
	refunds   tally
	paidIn    tally
	given     tally // welcome credit
	tips      tally
	owed      int64
	resources map[siteResource]*[2]tally // sales, refunds
	creators  map[string]int64
	unsaid    unsaid
	batches   []uint64 // records that made vouchers
	funding   funding
}

type tally struct {
	count  int
	micros int64
	free   int64 // of them
}

func (t *tally) add(micros, free int64) {
	t.count++
	t.micros += micros
	t.free += free
}

type siteResource struct{ site, resource string }

// Stats sums the ledger up. The first call after opening reads the journal through,
// later ones only the records since.
func (l *Ledger) Stats(ctx context.Context) (paywall.Stats, error) {
	l.totals.mu.Lock()
	defer l.totals.mu.Unlock()
	if err := sumUp(ctx, l); err != nil {
		return paywall.Stats{}, err
	}
	return l.totals.stats(l.info.Currency), nil
}

// sumUp carries the totals on to the last record. The caller holds their lock.
func sumUp(ctx context.Context, l *Ledger) error {
	t := &l.totals
	for line, err := range l.engine.Lines(ctx, t.seq) {
		if err == nil {
			err = l.interrupted(ctx)
		}
		if err != nil {
			return err
		}
		r, err := line.Record(l.info.Currency)
		if err != nil {
			return err
		}
		t.add(&r)
		t.seq = line.Seq
	}
	return nil
}

// madeVouchers are the numbers of the records that made vouchers.
func (l *Ledger) madeVouchers(ctx context.Context) ([]uint64, error) {
	l.totals.mu.Lock()
	defer l.totals.mu.Unlock()
	err := sumUp(ctx, l)
	return slices.Clone(l.totals.batches), err
}

func (t *totals) add(r *journal.Record) {
	for _, l := range r.Legs {
		if strings.HasPrefix(l.Account, walletPrefix) {
			t.owed += l.Micros
		}
		if creator, ok := strings.CutPrefix(l.Account, creatorPrefix); ok {
			if t.creators == nil {
				t.creators = map[string]int64{}
			}
			t.creators[creator] += l.Micros
		}
	}
	paid, free := r.Paid(), t.unsaid.free(r)
	if r.Funding != nil {
		t.addFunding(r)
		return
	}
	switch r.Kind {
	case paywall.KindOpen:
		t.wallets++
		if paid > 0 {
			t.given.add(paid, paid)
		}
	case paywall.KindErase:
		t.wallets--
	case paywall.KindRedeem:
		t.paidIn.add(-legOf(r, paywall.AccountVoucher), 0)
		t.funding.vouchers.add(-legOf(r, paywall.AccountVoucher), 0)
		t.funding.receivable += legOf(r, paywall.AccountReceivable)
	case paywall.KindVoucher:
		t.batches = append(t.batches, r.Seq)
	case paywall.KindTip:
		t.tips.add(paid, free)
	case paywall.KindUnlock:
		if r.Gift != (paywall.Hash{}) {
			t.gifts++
			return
		}
		t.sales.add(paid, free)
		t.of(r)[0].add(paid, free)
	case paywall.KindRefund:
		t.refunds.add(paid, free)
		t.of(r)[1].add(paid, free)
	default: // moves no money
	}
}

var creatorPrefix = paywall.CreatorAccount("")

// unsaid follows free credit through the records of a journal that is older than
// their saying so. From the first record on that does, nothing is left to follow.
type unsaid struct {
	over    bool
	wallets map[string]int64 // what each has left
	unlocks map[string]int64 // of what each took
}

// free is how much of what a record moves is free credit.
func (u *unsaid) free(r *journal.Record) int64 {
	if u.over = u.over || r.Free != 0; u.over {
		u.wallets, u.unlocks = nil, nil
		return r.Free
	}
	switch r.Kind {
	case paywall.KindOpen:
		if credit := r.Paid(); credit > 0 {
			if u.wallets == nil {
				u.wallets, u.unlocks = map[string]int64{}, map[string]int64{}
			}
			u.wallets[r.Wallet] = credit
		}
	case paywall.KindUnlock, paywall.KindTip:
		free := min(r.Paid(), u.wallets[r.Wallet])
		if free == 0 {
			return 0
		}
		u.wallets[r.Wallet] -= free
		if r.Kind == paywall.KindUnlock {
			u.unlocks[r.Unlock] = free
		}
		return free
	case paywall.KindRefund:
		free := u.unlocks[r.Unlock]
		if free > 0 {
			u.wallets[r.Wallet] += free
		}
		return free
	case paywall.KindErase:
		delete(u.wallets, r.Wallet)
	default: // moves no free credit, or says so
	}
	return 0
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
		TopUps: paywall.Tally{Count: t.paidIn.count + t.given.count, Amount: money(t.paidIn.micros + t.given.micros)},
		Tips:   public(t.tips), Gifts: t.gifts, Owed: money(t.owed),
		Resources: make([]paywall.ResourceSales, 0, len(t.resources)),

		PaidIn: public(t.paidIn), FreeGiven: public(t.given),
		SalesPaid: money(t.sales.micros - t.sales.free), SalesFree: money(t.sales.free),
		RefundsPaid: money(t.refunds.micros - t.refunds.free), RefundsFree: money(t.refunds.free),
		TipsPaid: money(t.tips.micros - t.tips.free), TipsFree: money(t.tips.free),
		Creators: make([]paywall.CreatorOwed, 0, len(t.creators)),
	}
	free := t.given.micros - t.sales.free - t.tips.free + t.refunds.free - t.funding.freeTaken
	stats.Funding = t.funding.public(money, public)
	stats.OwedPaid, stats.OwedFree = money(t.owed-free), money(free)
	for _, creator := range slices.Sorted(maps.Keys(t.creators)) {
		stats.Creators = append(stats.Creators, paywall.CreatorOwed{Creator: creator, Amount: money(t.creators[creator])})
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
