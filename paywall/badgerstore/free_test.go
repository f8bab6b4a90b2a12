package badgerstore

import (
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/journal/segment"
)

// TestWhatAnOlderJournalGaveIsFree: its records say nothing of free credit, and its
// creators shared in it. Its welcomes are free and its vouchers paid all the same,
// its legs stand, an undo gives back what was taken, and what is sold from now on
// says how much of it was free.
func TestWhatAnOlderJournalGaveIsFree(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	dir, wallet, keys, code := t.TempDir(), paywall.NewID(), randomKeys(t), paywall.Hash{7}
	const site, alice = "site/https://news.example", "creator/alice"
	made := func(kind paywall.Kind, r journal.Record, legs ...paywall.Leg) journal.Record {
		r.Kind, r.Time, r.Legs = kind, now, legs
		if r.Wallet = wallet; kind == paywall.KindUnlock {
			r.Offer, r.Site, r.URL, r.Price, r.Refund = r.Unlock, "https://news.example", r.Resource, r.Paid(), time.Hour
		}
		return r
	}
	legs := func(pairs ...any) (legs []paywall.Leg) {
		for i := 0; i < len(pairs); i += 2 {
			legs = append(legs, paywall.Leg{Account: pairs[i].(string), Micros: int64(pairs[i+1].(int)) * 10_000})
		}
		return legs
	}
	own := paywall.WalletAccount(wallet)
	j := must[*segment.Journal](t)(segment.Open(segment.Options{Dir: journalDir(dir), Currency: "EUR"}))
	for _, r := range []journal.Record{
		made(paywall.KindOpen, journal.Record{Key: keys.Key, Code: keys.Code}, legs(own, 60, "promo", -60)...),
		made(paywall.KindVoucher, journal.Record{Vouchers: []paywall.Voucher{{Code: code, Amount: euro(100)}}}),
		made(paywall.KindRedeem, journal.Record{Voucher: code}, legs(own, 100, "voucher", -100)...),
		made(paywall.KindUnlock, journal.Record{Unlock: "one", Resource: "/one"}, legs(own, -40, alice, 28, site, 12)...),
		made(paywall.KindUnlock, journal.Record{Unlock: "two", Resource: "/two"}, legs(own, -40, alice, 28, site, 12)...),
		made(paywall.KindUnlock, journal.Record{Unlock: "gone", Resource: "/gone"}, legs(own, -10, alice, 7, site, 3)...),
		made(paywall.KindRefund, journal.Record{Unlock: "gone", Resource: "/gone", Site: "https://news.example"}, legs(own, 10, alice, -7, site, -3)...),
	} {
		must[journal.Ref](t)(j.Stage(&r))
	}
	if err := j.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	o := testOptions(dir)
	o.Now = func() time.Time { return now }
	s := open(t, o)
	check := func(when string, paid, free int64, sold, back paywall.Money, creator int64) {
		t.Helper()
		verified(t, s)
		w := must[paywall.Wallet](t)(s.Wallet(t.Context(), keys.Key))
		stats := must[paywall.Stats](t)(s.Stats(t.Context()))
		if w.Paid() != euro(paid) || w.Free != euro(free) || stats.OwedPaid != euro(paid) || stats.OwedFree != euro(free) {
			t.Errorf("%s the wallet is %+v, the stats are %+v", when, w, stats)
		}
		if stats.SalesFree != sold || stats.RefundsFree != back || stats.PaidIn.Amount != euro(100) || stats.FreeGiven.Amount != euro(60) ||
			len(stats.Creators) != 1 || stats.Creators[0].Amount != euro(creator) {
			t.Errorf("%s the stats are %+v", when, stats)
		}
	}
	check("at first", 80, 0, euro(60), euro(0), 56)
	if _, err := s.Refund(t.Context(), wallet, "two", 5); err != nil {
		t.Fatal(err)
	}
	check("after an undo", 100, 20, euro(60), euro(20), 28)
	offer := paywall.Offer{
		ID: "three", Site: "https://news.example", Resource: "/three", URL: "/three", Price: euro(40), ExpiresAt: now.Add(time.Minute),
		Shares: []paywall.Share{{Creator: "alice", PPM: 700_000}},
	}
	if _, err := s.Unlock(t.Context(), paywall.Purchase{Wallet: wallet, Offer: offer, Refund: time.Hour}); err != nil {
		t.Fatal(err)
	}
	check("after a sale", 80, 0, euro(80), euro(20), 42)
	replay := paywall.Offer{
		ID: "one", Site: "https://news.example", Resource: "/one", URL: "/one", Price: euro(40), ExpiresAt: now.Add(time.Minute), Shares: offer.Shares,
	}
	if r, err := s.Unlock(t.Context(), paywall.Purchase{Wallet: wallet, Offer: replay}); err != nil || r.Unlock.ID != "one" {
		t.Errorf("an offer of before again: %+v, %v", r, err)
	}
	closed(t, s)
	report := must[paywall.Report](t)(VerifyDir(t.Context(), dir))
	if !report.OK {
		t.Errorf("the folder is wrong: %q", report.Problems)
	}
}
