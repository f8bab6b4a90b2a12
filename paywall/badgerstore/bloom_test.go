package badgerstore

import (
	"testing"
	"time"

	"github.com/dgraph-io/ristretto/v2/z"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// TestWhatStoodInBadgerAtOpenIsNotNew buys again, in a store that was opened
// again, what was bought before, when the filter is there to be asked.
func TestWhatStoodInBadgerAtOpenIsNotNew(t *testing.T) {
	o := testOptions(t.TempDir())
	s := open(t, o)
	wallet := must[paywall.Wallet](t)(s.OpenWallet(t.Context(), randomKeys(t), paywall.Welcome{Amount: paywall.Money{Micros: 1_000_000, Currency: "EUR"}})).ID
	old := paywall.Purchase{Wallet: wallet, Offer: offer("/articles/old"), Refund: time.Hour}
	first := must[paywall.Receipt](t)(s.Unlock(t.Context(), old))
	closed(t, s)

	s = open(t, o)
	for s.bloom.before.Load() == nil {
		time.Sleep(time.Millisecond)
	}
	if again := must[paywall.Receipt](t)(s.Unlock(t.Context(), old)); again != first {
		t.Errorf("the same offer again gives %+v, not %+v", again, first)
	}
	other := paywall.Purchase{Wallet: wallet, Offer: offer("/articles/old"), Refund: time.Hour}
	other.Offer.ID = paywall.NewID()
	if r := must[paywall.Receipt](t)(s.Unlock(t.Context(), other)); !r.AlreadyOwned || r.Balance != first.Balance {
		t.Errorf("another offer for the same gives %+v", r)
	}
	fresh := paywall.Purchase{Wallet: wallet, Offer: offer("/articles/new"), Refund: time.Hour}
	if !s.bloom.lacks(state.UnlockKey(fresh.Offer.ID)) {
		t.Error("the filter does not know what is new")
	}
	must[paywall.Receipt](t)(s.Unlock(t.Context(), fresh))
	if s.bloom.lacks(state.UnlockKey(fresh.Offer.ID)) {
		t.Error("the filter lacks what was bought since")
	}
	verified(t, s)
	closed(t, s)
}

// TestAFullFilterLeavesItToBadger adds a key when all filters are full.
func TestAFullFilterLeavesItToBadger(t *testing.T) {
	var s bloom
	s.before.Store(z.NewBloomFilter(1, bloomWrong))
	key := state.UnlockKey("a")
	if !s.lacks(key) {
		t.Fatal("an empty filter is in doubt")
	}
	s.since = make([]*z.Bloom, 6) // 33 million keys
	s.add(key)
	if s.lacks(key) || s.lacks(state.UnlockKey("b")) {
		t.Error("a full filter calls something new")
	}
}
