package ledger

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// values is a state without records.
type values map[string][]byte

func (v values) Get(key []byte) ([]byte, error) { return v[string(key)], nil }

func (v values) Each(prefix []byte, yield func(key, value []byte) error) error {
	for _, key := range slices.Sorted(maps.Keys(v)) {
		if strings.HasPrefix(key, string(prefix)) {
			if err := yield([]byte(key), v[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v values) Record(Ref) (*journal.Record, error) {
	return nil, errors.New("there is no such record")
}

func (v values) Numbered(uint64) (*journal.Record, error) { return v.Record(Ref{}) }

// TestNoValueGrowsWithWhatAWalletDid applies thousands of purchases of one resource, each
// undone, with tips and gifts between them, as a journal of any version may hold them, and
// measures what is written for each.
func TestNoValueGrowsWithWhatAWalletDid(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	kept, records, seq := values{}, map[Ref]*journal.Record{}, uint64(0)
	wallet := paywall.NewID()
	apply := func(kind paywall.Kind, r journal.Record, micros int64) {
		t.Helper()
		seq++
		at := journal.RefOf(9, uint32(seq*300), 300)
		r.Kind, r.Wallet, r.Seq, r.Time = kind, wallet, seq, now
		if micros != 0 {
			r.Legs = []paywall.Leg{{Account: paywall.WalletAccount(wallet), Micros: micros}, {Account: "site/https://news.example", Micros: -micros}}
		}
		r.Cause = string(kind) + paywall.NewID()
		tx := NewTx(kept, &Info{Currency: "EUR"}, now, 0, nil)
		records[at], tx.records = &r, records
		if err := Apply(tx, &r, at); err != nil {
			t.Fatal(err)
		}
		for key, value := range tx.Writes() {
			if len(value) > 120 {
				t.Fatalf("after %d records a %s writes %d bytes for a key of the kind %q", seq, kind, len(value), key[0])
			}
			kept[key] = value
		}
		if len(tx.Writes()) > 8 {
			t.Fatalf("after %d records a %s writes %d keys", seq, kind, len(tx.Writes()))
		}
	}
	apply(paywall.KindOpen, journal.Record{Key: paywall.Hash{1}, Code: paywall.Hash{2}}, 0)
	for i := range 5000 {
		id := paywall.NewID()
		bought := journal.Record{Unlock: id, Offer: id, Site: "https://news.example", Resource: "/again", Refund: time.Hour, Price: 10}
		apply(paywall.KindUnlock, bought, -10)
		apply(paywall.KindGift, journal.Record{Gift: paywall.Hash{byte(i), byte(i >> 8)}, Unlock: id, Readers: 1}, 0)
		apply(paywall.KindTip, journal.Record{Tip: id, Site: "https://news.example"}, -10)
		apply(paywall.KindRefund, journal.Record{Unlock: id, Site: "https://news.example", Resource: "/again"}, 10)
	}
	v := view{State: kept, now: now}
	_, w, err := v.wallet(wallet)
	if err != nil || w.Spent.Month != 5000*10 || w.Balance != -5000*10 {
		t.Errorf("the wallet is %+v, %v", w, err)
	}
	o, err := v.owned(w.Number, "https://news.example", "/again")
	if err != nil || o != (state.Owned{Undone: 5000}) {
		t.Errorf("of the resource it has %+v, %v", o, err)
	}
}
