package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/journal/segment"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// unsynced is a disk that keeps nobody waiting, so that what is measured is the
// work of the writer.
type unsynced struct{ segment.OS }

func (unsynced) SyncDir(string) error { return nil }

func (d unsynced) OpenFile(name string, flag int, perm fs.FileMode) (segment.File, error) {
	f, err := d.OS.OpenFile(name, flag, perm)
	return unsyncedFile{f}, err
}

type unsyncedFile struct{ segment.File }

func (unsyncedFile) Sync() error { return nil }

// rich is a wallet into which money for everything was paid.
func rich(t testing.TB, s *kept) string {
	t.Helper()
	keys := randomKeys(t)
	w := must[paywall.Wallet](t)(s.OpenWallet(t.Context(), keys, paywall.Welcome{}))
	voucher := paywall.Voucher{Code: keys.Key, Amount: paywall.Money{Micros: 1 << 50, Currency: "EUR"}}
	if err := s.AddVouchers(t.Context(), []paywall.Voucher{voucher}); err != nil {
		t.Fatal(err)
	}
	must[paywall.TopUp](t)(s.Redeem(t.Context(), w.ID, voucher.Code))
	return w.ID
}

// seedHistory gives a wallet so many purchases, a tenth of them undone, and a tenth
// as many tips. A thousand go into one change.
func seedHistory(t testing.TB, s *kept, wallet string, purchases int) {
	t.Helper()
	const together = 1000
	for n := 0; n < purchases; n += together {
		err := s.Commit(t.Context(), ledger.Change{Run: func(tx *ledger.Tx) error {
			for i := n; i < min(n+together, purchases); i++ {
				for _, r := range seed(wallet, i) {
					if err := tx.Append(r); err != nil {
						return err
					}
				}
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.flushed(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// seed is the records of a purchase, and of every tenth also an undo and a tip.
func seed(wallet string, i int) []*journal.Record {
	const site, price = "https://news.example", 10_000
	legs := func(micros int64) []paywall.Leg {
		return []paywall.Leg{{Account: paywall.WalletAccount(wallet), Micros: micros}, {Account: paywall.SiteAccount(site), Micros: -micros}}
	}
	resource, id := fmt.Sprintf("/articles/the-story-of-day-%d", i), paywall.NewID()
	bought := &journal.Record{
		Wallet: wallet, Unlock: id, Offer: id, Site: site, Resource: resource, URL: resource, Title: "About " + resource,
		Refund: time.Hour, Price: price,
	}
	bought.Kind, bought.Legs = paywall.KindUnlock, legs(-price)
	if i%10 != 0 {
		return []*journal.Record{bought}
	}
	undone := &journal.Record{Wallet: wallet, Unlock: id, Site: site, Resource: resource}
	undone.Kind, undone.Legs = paywall.KindRefund, legs(price)
	tip := &journal.Record{Wallet: wallet, Tip: fmt.Sprint("seed", i), Site: site}
	tip.Kind, tip.Legs = paywall.KindTip, legs(-price)
	return []*journal.Record{bought, undone, tip}
}

// changes are what a reader can do to a wallet, each made to be done again and
// again. bought is a purchase that stands.
func changes(t testing.TB, s *kept, wallet, bought string) map[string]func() {
	t.Helper()
	ctx, n := t.Context(), 0
	fine := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	buy := func() string {
		n++
		p := paywall.Purchase{Wallet: wallet, Offer: offer(fmt.Sprintf("/new/%d", n)), Refund: time.Hour}
		r, err := s.Unlock(ctx, p)
		fine(err)
		return r.Unlock.ID
	}
	return map[string]func(){
		"unlock": func() { buy() },
		"undo": func() {
			_, err := s.Refund(ctx, wallet, buy(), 0)
			fine(err)
		},
		"settings": func() {
			n++
			fine(s.Set(ctx, wallet, paywall.Settings{Budget: euro(1_000_000 + int64(n%2)), Auto: paywall.Auto{PerArticle: euro(1), PerWeek: euro(10)}}))
		},
		"device": func() {
			keys := randomKeys(t)
			_, err := s.Admit(ctx, wallet, keys)
			fine(err)
			fine(s.Drop(ctx, wallet, paywall.Drop{Device: deviceID(keys.Key), Codes: true}))
		},
		"tip": func() {
			n++
			_, err := s.Tip(ctx, wallet, paywall.Tip{ID: fmt.Sprint(n), Site: "https://news.example", Amount: euro(1)})
			fine(err)
		},
		"gift": func() {
			fine(s.AddGift(ctx, wallet, paywall.Gift{Key: randomKeys(t).Key, Unlock: bought, Readers: 3}))
		},
		"passkey": func() {
			fine(s.SetPasskey(ctx, wallet, paywall.Passkey{ID: "AP8", Data: "{}"}))
			fine(s.RemovePasskey(ctx, wallet, "AP8"))
		},
	}
}

// showPage reads what the wallet page shows.
func showPage(t testing.TB, s *kept, wallet string) {
	t.Helper()
	ctx := t.Context()
	_, _, first := s.Unlocks(ctx, wallet, paywall.Page{Limit: 200})
	_, tips := s.Tips(ctx, wallet, 200)
	_, gifts := s.Gifts(ctx, wallet, 200)
	_, _, settings := s.Settings(ctx, wallet)
	_, devices := s.Devices(ctx, wallet, paywall.Hash{})
	_, passkeys := s.Passkeys(ctx, wallet)
	if err := errors.Join(first, tips, gifts, settings, devices, passkeys); err != nil {
		t.Fatal(err)
	}
}

// TestNoChangeReadsAHistory counts what each change, and the wallet page, allocates
// for a wallet with a history and for one without: an allocation for each purchase
// would be thousands.
func TestNoChangeReadsAHistory(t *testing.T) {
	o := testOptions(t.TempDir())
	o.Disk = unsynced{}
	s := open(t, o)
	long, short := rich(t, s), rich(t, s)
	seedHistory(t, s, long, 5000)
	seedHistory(t, s, short, 300) // more than a page
	for s.bloom.before.Load() == nil {
		time.Sleep(time.Millisecond)
	}
	stands := func(wallet string) string {
		return must[paywall.Receipt](t)(s.Unlock(t.Context(), paywall.Purchase{Wallet: wallet, Offer: offer("/stands")})).Unlock.ID
	}
	here, there := changes(t, s, long, stands(long)), changes(t, s, short, stands(short))
	here["page"], there["page"] = func() { showPage(t, s, long) }, func() { showPage(t, s, short) }
	for name := range here {
		with, without := mallocs(here[name]), mallocs(there[name])
		if with > 2*without+500 {
			t.Errorf("%s allocates %d times with a history, %d times without", name, with, without)
		}
	}
	verified(t, s)
}

// mallocs is how often a call allocates, the process around it included, at best.
func mallocs(call func()) uint64 {
	var before, after runtime.MemStats
	best := ^uint64(0)
	for range 5 {
		runtime.ReadMemStats(&before)
		call()
		runtime.ReadMemStats(&after)
		best = min(best, after.Mallocs-before.Mallocs)
	}
	return best
}

// BenchmarkHistory compares each change of a wallet with a long history, 20,000
// purchases or with TUPPENCE_LONG 200,000, with the same change of a fresh one, by
// the median; says what its page takes; and how a slice of its erasure compares
// with one of a wallet of a few slices.
func BenchmarkHistory(b *testing.B) {
	o := testOptions(b.TempDir())
	o.Disk = unsynced{}
	s, slices := openSlicing(b, o, -1)
	defer closeFor(b, s)
	long, fresh := rich(b, s), rich(b, s)
	var short []string
	for range 3 { // first, so that they are as cold as the long one
		short = append(short, rich(b, s))
		seedHistory(b, s, short[len(short)-1], 1000)
	}
	seedHistory(b, s, long, often(20_000, 200_000))
	for s.bloom.before.Load() == nil {
		time.Sleep(time.Millisecond)
	}
	stands := func(wallet string) string {
		return must[paywall.Receipt](b)(s.Unlock(b.Context(), paywall.Purchase{Wallet: wallet, Offer: offer("/stands")})).Unlock.ID
	}
	here, there := changes(b, s, long, stands(long)), changes(b, s, fresh, stands(fresh))
	took := map[string]*[2][]time.Duration{}
	var pages []time.Duration
	for b.Loop() {
		for name := range here {
			if took[name] == nil {
				took[name] = &[2][]time.Duration{}
			}
			for i := range 10 {
				for _, side := range [...]int{i % 2, 1 - i%2} { // neither is always first
					took[name][side] = append(took[name][side], timed([...]func(){here[name], there[name]}[side]))
				}
			}
		}
		pages = append(pages, timed(func() { showPage(b, s, long) }))
	}
	for name, t := range took {
		b.ReportMetric(milliseconds(t[0])/milliseconds(t[1]), name+"-ratio")
	}
	b.ReportMetric(milliseconds(pages), "page-ms")
	b.ReportMetric(eraseRatio(b, s, slices, long, short), "erase-slice-ratio")
}

func timed(call func()) time.Duration {
	began := time.Now()
	call()
	return time.Since(began)
}

// eraseRatio compares the slices of a long history with those of short ones.
func eraseRatio(b *testing.B, s *kept, e *slicing, long string, short []string) float64 {
	b.Helper()
	slicesOf := func(wallets ...string) []time.Duration {
		e.took = nil
		for _, wallet := range wallets {
			if err := s.Erase(b.Context(), wallet); err != nil {
				b.Fatal(err)
			}
		}
		return e.took
	}
	one := slicesOf(short...)
	return milliseconds(slicesOf(long)) / milliseconds(one)
}

// slicing is a store that makes only so many slices of erasures, and knows how long each
// kept the writer.
type slicing struct {
	*Store
	left atomic.Int64 // below 0: all
	made atomic.Int64
	took []time.Duration
}

// openSlicing opens a ledger on a store that makes so many slices.
func openSlicing(t testing.TB, o Options, slices int64) (*kept, *slicing) {
	t.Helper()
	e := &slicing{Store: must[*Store](t)(Open(t.Context(), o))}
	e.left.Store(slices)
	return &kept{must[*ledger.Ledger](t)(ledger.New(e)), e.Store}, e
}

func (e *slicing) Commit(ctx context.Context, c ledger.Change) error {
	if len(c.Keys) == 0 || c.Keys[0][0] != state.TagErasure {
		return e.Store.Commit(ctx, c)
	}
	run := c.Run
	c.Run = func(tx *ledger.Tx) error {
		if e.left.Add(-1) == -1 {
			e.left.Store(0)
			return paywall.ErrUnavailable
		}
		began := time.Now()
		err := run(tx)
		e.took = append(e.took, time.Since(began))
		e.made.Add(1)
		return err
	}
	return e.Store.Commit(ctx, c)
}
