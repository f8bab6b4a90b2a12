package badgerstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// town is a ledger with a bit of everything in it.
type town struct {
	store   *kept
	keys    []paywall.KeyHashes
	wallets []string
	offers  []paywall.Purchase
	refunds []string
}

func offer(resource string) paywall.Offer {
	now := time.Now()
	return paywall.Offer{
		ID: paywall.NewID(), Site: "https://news.example", Resource: resource, URL: resource, Title: "About " + resource,
		Price: euro(20), Shares: []paywall.Share{{Creator: "alice", PPM: 333_333}}, IssuedAt: now, ExpiresAt: now.Add(paywall.OfferTTL),
	}
}

func euro(cents int64) paywall.Money { return paywall.Money{Micros: cents * 10_000, Currency: "EUR"} }

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func settle(t testing.TB, s *kept) *town {
	t.Helper()
	ctx := t.Context()
	w := &town{store: s}
	for i := range 5 {
		keys := randomKeys(t)
		w.keys = append(w.keys, keys)
		w.wallets = append(w.wallets, must[paywall.Wallet](t)(s.OpenWallet(ctx, keys, paywall.Welcome{Amount: euro(500)})).ID)
		must[paywall.Wallet](t)(s.AddKey(ctx, keys.Code, randomKeys(t)))
		for n := range 6 {
			p := paywall.Purchase{Wallet: w.wallets[i], Offer: offer(fmt.Sprintf("/articles/%d", n)), Refund: time.Hour}
			receipt := must[paywall.Receipt](t)(s.Unlock(ctx, p))
			w.offers = append(w.offers, p)
			if n == 3 {
				must[paywall.Receipt](t)(s.Refund(ctx, w.wallets[i], receipt.Unlock.ID, 0))
				w.refunds = append(w.refunds, receipt.Unlock.ID)
			}
		}
		code, spare := randomKeys(t).Key, randomKeys(t).Key
		if err := s.AddVouchers(ctx, []paywall.Voucher{{Code: code, Amount: euro(100)}, {Code: spare, Amount: euro(1)}}); err != nil {
			t.Fatal(err)
		}
		must[paywall.TopUp](t)(s.Redeem(ctx, w.wallets[i], code))
	}
	settleReaders(t, s, w)
	if err := s.Erase(ctx, w.wallets[4]); err != nil {
		t.Fatal(err)
	}
	return w
}

// contents is everything in Badger.
func contents(t testing.TB, s *kept) map[string]string {
	t.Helper()
	all := map[string]string{}
	if err := s.flushed(t.Context()); err != nil { // to Badger with what was answered
		t.Fatal(err)
	}
	for erasing := true; erasing; { // goes on in the background after opening
		clear(all)
		erasing = false
		err := s.read(func(v *view) error {
			value, err := v.load(metaKey)
			all[string(metaKey)] = string(value)
			return errors.Join(err, v.Each(nil, func(key, value []byte) error {
				all[string(key)] = string(value)
				erasing = erasing || key[0] == state.TagErasure
				return nil
			}))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func same(t testing.TB, what string, got, want map[string]string) {
	t.Helper()
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: key %q is %x, want %x", what, key, got[key], value)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%s: key %q is too much", what, key)
		}
	}
}

func verified(t testing.TB, s *kept) paywall.Report {
	t.Helper()
	report := must[paywall.Report](t)(s.Verify(t.Context()))
	if !report.OK {
		t.Errorf("the ledger is wrong: %q", report.Problems)
	}
	return report
}

func closed(t testing.TB, s *kept) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestEverythingIsThereAfterReopening(t *testing.T) {
	o := testOptions(t.TempDir())
	w := settle(t, open(t, o))
	want := contents(t, w.store)
	stats := must[paywall.Stats](t)(w.store.Stats(t.Context()))
	closed(t, w.store)
	s := open(t, o)
	same(t, "reopened", contents(t, s), want)
	verified(t, s)
	if again := must[paywall.Stats](t)(s.Stats(t.Context())); fmt.Sprint(again) != fmt.Sprint(stats) {
		t.Errorf("the stats are %v, were %v", again, stats)
	}
	for _, id := range w.refunds[:4] {
		if !s.Revoked(id) {
			t.Error("a refunded unlock opens again after a restart")
		}
	}
	for i, p := range w.offers[:24] { // the last wallet is erased
		receipt, err := s.Unlock(t.Context(), p)
		if refunded := i%6 == 3; refunded != errors.Is(err, paywall.ErrOfferSpent) || !refunded && (err != nil || receipt.AlreadyOwned) {
			t.Errorf("offer %d again after a restart: %+v, %v", i, receipt, err)
		}
	}
	if s.journal.Head().Seq != w.store.journal.Head().Seq {
		t.Error("something was bought twice")
	}
}

func TestBadgerIsRebuiltFromTheJournalAlone(t *testing.T) {
	o := testOptions(t.TempDir())
	o.SegmentBytes = 4 << 10
	w := settle(t, open(t, o))
	want := contents(t, w.store)
	closed(t, w.store)
	if err := os.RemoveAll(badgerDir(o.Dir)); err != nil {
		t.Fatal(err)
	}
	s := open(t, o)
	same(t, "rebuilt", contents(t, s), want)
	verified(t, s)
}

// TestBadgerCatchesUp puts an older Badger beside a newer journal, at every age.
func TestBadgerCatchesUp(t *testing.T) {
	o := testOptions(t.TempDir())
	old := t.TempDir()
	s := open(t, o)
	for i := range 4 {
		closed(t, s)
		copyDir(t, badgerDir(o.Dir), filepath.Join(old, fmt.Sprint(i)))
		s = open(t, o)
		settle(t, s)
	}
	want := contents(t, s)
	closed(t, s)
	for i := range 4 {
		if err := os.RemoveAll(badgerDir(o.Dir)); err != nil {
			t.Fatal(err)
		}
		copyDir(t, filepath.Join(old, fmt.Sprint(i)), badgerDir(o.Dir))
		s = open(t, o)
		same(t, "caught up", contents(t, s), want)
		verified(t, s)
		closed(t, s)
	}
}

func copyDir(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func TestABadgerThatIsAheadOfTheJournalIsRefused(t *testing.T) {
	o := testOptions(t.TempDir())
	s := open(t, o)
	closed(t, s)
	early := t.TempDir()
	copyDir(t, journalDir(o.Dir), filepath.Join(early, "journal"))
	s = open(t, o)
	settle(t, s)
	closed(t, s)
	for name, damage := range map[string]func() error{
		"an older journal": func() error { return os.CopyFS(journalDir(o.Dir), os.DirFS(filepath.Join(early, "journal"))) },
		"no journal":       func() error { return nil },
	} {
		if err := errors.Join(os.RemoveAll(journalDir(o.Dir)), damage()); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), "put the journal folder back") {
			t.Errorf("with %s: %v", name, err)
		}
		if name != "no journal" {
			report := must[paywall.Report](t)(VerifyDir(t.Context(), o.Dir))
			if report.OK || len(report.Problems) == 0 {
				t.Errorf("with %s the folder verifies: %+v", name, report)
			}
		}
	}
}

func TestABadgerOfAnotherJournalIsRefused(t *testing.T) {
	one, other := testOptions(t.TempDir()), testOptions(t.TempDir())
	for _, o := range []Options{one, other} {
		s := open(t, o)
		settle(t, s)
		closed(t, s)
	}
	if err := os.RemoveAll(badgerDir(one.Dir)); err != nil {
		t.Fatal(err)
	}
	copyDir(t, badgerDir(other.Dir), badgerDir(one.Dir))
	if _, err := Open(t.Context(), one); err == nil || !strings.Contains(err.Error(), "another journal") {
		t.Errorf("another ledger's Badger: %v", err)
	}
}

func buyMany(t testing.TB, s *kept, wallet string, n int) {
	t.Helper()
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	errs := make(chan error, 64)
	for range cap(errs) {
		go func() {
			for i := range next {
				p := paywall.Purchase{Wallet: wallet, Offer: offer(fmt.Sprintf("/long/%d", i)), Refund: time.Hour}
				if _, err := s.Unlock(t.Context(), p); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

func TestVerifyDirProvesAStoppedServersFolder(t *testing.T) {
	o := testOptions(t.TempDir())
	s := open(t, o)
	settle(t, s)
	if _, err := VerifyDir(t.Context(), o.Dir); err == nil {
		t.Error("the folder of a running server was verified")
	}
	head := s.journal.Head()
	closed(t, s)
	report := must[paywall.Report](t)(VerifyDir(t.Context(), o.Dir))
	if !report.OK || report.Seq != head.Seq || report.Head != head.Hash.String() || report.Transfers != head.Seq {
		t.Errorf("the report is %+v", report)
	}
	name := filepath.Join(journalDir(o.Dir), "00000001.jsonl")
	flipByte(t, name, 1000)
	report = must[paywall.Report](t)(VerifyDir(t.Context(), o.Dir))
	if report.OK || len(report.Problems) != 1 || !strings.Contains(report.Problems[0], "00000001.jsonl") {
		t.Errorf("of a damaged folder the report is %+v", report)
	}
	empty := t.TempDir()
	if _, err := VerifyDir(t.Context(), empty); err == nil {
		t.Error("an empty folder was verified")
	}
	if entries, _ := os.ReadDir(empty); len(entries) > 0 {
		t.Error("verifying made files")
	}
	if has, err := HasJournal(o.Dir); !has || err != nil {
		t.Errorf("there is a journal: %v, %v", has, err)
	}
	if has, err := HasJournal(empty); has || err != nil {
		t.Errorf("there is no journal: %v, %v", has, err)
	}
}
