package badgerstore

import (
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// TestNoValueGrowsWithWhatAWalletDid applies thousands of purchases of one
// resource, each undone, with tips and gifts between them, as a journal of any
// version may hold them, and measures what is written for each.
func TestNoValueGrowsWithWhatAWalletDid(t *testing.T) {
	s := open(t, testOptions(t.TempDir()))
	wallet := rich(t, s)
	legs := []paywall.Leg{{Account: paywall.WalletAccount(wallet), Micros: -10}, {Account: "site/https://news.example", Micros: 10}}
	back := []paywall.Leg{{Account: paywall.WalletAccount(wallet), Micros: 10}, {Account: "site/https://news.example", Micros: -10}}
	g := s.newGroup()
	defer g.txn.Discard()
	offset := uint32(0)
	apply := func(kind paywall.Kind, r journal.Record, legs []paywall.Leg) {
		t.Helper()
		offset += 300
		at := journal.RefOf(9, offset, 300)
		r.Kind, r.Legs, r.Wallet, r.Time = kind, legs, wallet, g.now
		r.Cause = string(kind) + paywall.NewID()
		g.records[at] = &r
		clear(g.pending)
		if err := g.apply(&r, at); err != nil {
			t.Fatal(err)
		}
		for key, value := range g.pending {
			if len(value) > 120 {
				t.Fatalf("after %d records a %s writes %d bytes for a key of the kind %q", offset/300, kind, len(value), key[0])
			}
			g.known[key] = value
		}
		if len(g.pending) > 8 {
			t.Fatalf("after %d records a %s writes %d keys", offset/300, kind, len(g.pending))
		}
	}
	for range 5000 {
		id := paywall.NewID()
		bought := journal.Record{Unlock: id, Offer: id, Site: "https://news.example", Resource: "/again", Refund: time.Hour, Price: 10}
		apply(paywall.KindUnlock, bought, legs)
		apply(paywall.KindGift, journal.Record{Gift: randomKeys(t).Key, Unlock: id, Readers: 1}, nil)
		apply(paywall.KindTip, journal.Record{Tip: id, Site: "https://news.example"}, legs)
		apply(paywall.KindRefund, journal.Record{Unlock: id, Site: "https://news.example", Resource: "/again"}, back)
	}
	w := must[*journal.Record](t)(g.read(journal.RefOf(9, offset, 300))).Wallet
	_, has, err := g.wallet(w)
	if err != nil || has.spent.month != 5000*10 {
		t.Errorf("the wallet is %+v, %v", has, err)
	}
	o, err := g.owned(has.number, "https://news.example", "/again")
	if err != nil || o.owns() || o.undone != 5000 {
		t.Errorf("of the resource it has %+v, %v", o, err)
	}
}

// TestPlacesAreReadAsTheyWereWritten takes places of any distance.
func TestPlacesAreReadAsTheyWereWritten(t *testing.T) {
	at := journal.RefOf(7, 1<<20, 300)
	for _, prev := range []journal.Ref{
		{},
		journal.RefOf(7, 0, 300), journal.RefOf(7, 1<<20-1, 1),
		journal.RefOf(1, 0, 5000), journal.RefOf(6, 1<<32-1, 1<<32-1),
	} {
		for _, u := range []unlock{
			{number: numberOf(9), bought: at, prev: prev}, {number: numberOf(9), bought: at, prev: prev, given: true},
			{number: numberOf(9), bought: at, prev: prev, refunded: journal.RefOf(8, 0, 200)},
		} {
			got, err := decodeUnlock(u.encode())
			if err != nil || got != u {
				t.Errorf("%+v is read as %+v, %v", u, got, err)
			}
			for n := range u.encode() {
				_, _ = decodeUnlock(u.encode()[:n]) // cut short, it is an error or another one, never a panic
			}
		}
	}
	for _, w := range []wallet{
		{number: numberOf(1)},
		{number: numberOf(1), balance: -5, spent: spent{day: 20_000, today: 7, week: 3, month: 9}, bought: at, moved: at, gave: at, opened: at},
		{number: numberOf(1), settings: settings{budget: 1, forget: true, forgot: 9}, spent: spent{day: 1, month: 1}},
	} {
		got, err := decodeWallet(w.encode())
		if err != nil || got != w {
			t.Errorf("%+v is read as %+v, %v", w, got, err)
		}
	}
}
