package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/journal/segment"
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
func rich(t testing.TB, s *Store) string {
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
func seedHistory(t testing.TB, s *Store, wallet string, purchases int) {
	t.Helper()
	const together = 1000
	for n := 0; n < purchases; n += together {
		err := s.submit(t.Context(), false, func(g *group) error {
			for i := n; i < min(n+together, purchases); i++ {
				if err := g.seed(wallet, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (g *group) seed(wallet string, i int) error {
	o := offer(fmt.Sprintf("/articles/the-story-of-day-%d", i))
	r := journal.Record{
		Wallet: wallet, Offer: o.ID, Site: o.Site, Resource: o.Resource, URL: o.URL, Title: o.Title,
		Refund: time.Hour,
	}
	r.Kind, r.Price = paywall.KindUnlock, 10_000
	r.Legs = []paywall.Leg{{Account: paywall.WalletAccount(wallet), Micros: -10_000}, {Account: paywall.SiteAccount(o.Site), Micros: 10_000}}
	o.Price, o.Shares = paywall.Money{Micros: 10_000, Currency: "EUR"}, nil
	bought, err := g.unlockOnce(&r, &paywall.Purchase{Wallet: wallet, Offer: o, Refund: time.Hour})
	if err != nil || i%10 != 0 {
		return err
	}
	id, w, err := g.wallet(wallet)
	if err != nil {
		return err
	}
	u, _, err := g.unlock(bought.Unlock.ID)
	if err != nil {
		return err
	}
	if _, err := g.refundOnce(id, w, u, 0); err != nil {
		return err
	}
	t := journal.Record{Wallet: wallet, Tip: fmt.Sprint("seed", i), Site: o.Site}
	t.Kind = paywall.KindTip
	_, err = g.tipOnce(&t, &paywall.Tip{Amount: o.Price})
	return err
}

// changes are what a reader can do to a wallet, each made to be done again and
// again. bought is a purchase that stands.
func changes(t testing.TB, s *Store, wallet, bought string) map[string]func() {
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
func showPage(t testing.TB, s *Store, wallet string) {
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
	for s.seen.before.Load() == nil {
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
	o.Disk, o.idle = unsynced{}, true
	s := openFor(b, o)
	defer closeFor(b, s)
	long, fresh := rich(b, s), rich(b, s)
	var short []string
	for range 3 { // first, so that they are as cold as the long one
		short = append(short, rich(b, s))
		seedHistory(b, s, short[len(short)-1], 8*sliceKeys)
	}
	seedHistory(b, s, long, often(20_000, 200_000))
	for s.seen.before.Load() == nil {
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
	b.ReportMetric(eraseRatio(b, s, long, short), "erase-slice-ratio")
}

func timed(call func()) time.Duration {
	began := time.Now()
	call()
	return time.Since(began)
}

// eraseRatio compares the slices of a long history with those of short ones.
func eraseRatio(b *testing.B, s *Store, long string, short []string) float64 {
	b.Helper()
	slicesOf := func(wallets ...string) (took []time.Duration) {
		for _, wallet := range wallets {
			ctx, leave := context.WithCancel(b.Context())
			time.AfterFunc(time.Second/2, leave) // nobody sweeps but this
			if err := s.Erase(ctx, wallet); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.settle(b.Context()); err != nil {
			b.Fatal(err)
		}
		for from := []byte{tagErasure}; from != nil; {
			began := time.Now()
			next, err := s.sweepOne(from)
			if err != nil {
				b.Fatal(err)
			}
			from, took = next, append(took, time.Since(began))
		}
		return slices.Clip(took[:len(took)-1]) // the last found nothing
	}
	one := slicesOf(short...)
	return milliseconds(slicesOf(long)) / milliseconds(one)
}
