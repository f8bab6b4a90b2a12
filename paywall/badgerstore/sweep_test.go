package badgerstore

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/storetest"
)

// TestALongHistoryIsErasedInSlices erases more than one slice holds, and stops it
// after each: at every moment the ledger verifies and the wallet is closed, and a
// restart goes on where it was.
func TestALongHistoryIsErasedInSlices(t *testing.T) {
	o := testOptions(t.TempDir())
	s := open(t, o)
	keys := randomKeys(t)
	w := must[paywall.Wallet](t)(s.OpenWallet(t.Context(), keys, paywall.Welcome{Amount: euro(1_000_000)}))
	buyMany(t, s, w.ID, 4*sliceKeys)
	for i := range sliceKeys {
		tip := paywall.Tip{ID: fmt.Sprint(i), Site: "https://news.example", Amount: euro(1)}
		must[paywall.Wallet](t)(s.Tip(t.Context(), w.ID, tip))
	}
	settle(t, s)
	newest := must[[]paywall.Unlock](t)(storetest.History(t.Context(), s, w.ID))[0]
	if err := s.Erase(t.Context(), w.ID); err != nil {
		t.Fatal(err)
	}
	want := contents(t, s)
	closed(t, s)

	if err := os.RemoveAll(badgerDir(o.Dir)); err != nil { // a rebuild meets the same bounds
		t.Fatal(err)
	}
	o.idle = true
	slices := 0
	for done := false; !done; slices++ {
		s := open(t, o)
		if _, err := s.Wallet(t.Context(), keys.Key); paywall.ErrorCode(err) != paywall.CodeNoWallet {
			t.Errorf("after %d slices the wallet answers %v", slices, err)
		}
		verified(t, s)
		next, err := s.sweepOne([]byte{tagErasure})
		if err != nil {
			t.Fatal(err)
		}
		done = next == nil
		closed(t, s)
	}
	if slices < 6 {
		t.Errorf("it was erased in %d slices", slices)
	}
	s = open(t, o)
	same(t, "erased", contents(t, s), want)
	if !s.Revoked(newest.ID) {
		t.Error("what an erased wallet had bought opens still")
	}
	verified(t, s)
}

// TestAKeyOfAnErasedWalletCanBeUsedAgain opens a wallet with the key of one that
// is closed and not yet taken away.
func TestAKeyOfAnErasedWalletCanBeUsedAgain(t *testing.T) {
	s := open(t, testOptions(t.TempDir()))
	keys := randomKeys(t)
	w := must[paywall.Wallet](t)(s.OpenWallet(t.Context(), keys, paywall.Welcome{Amount: euro(100)}))
	buyMany(t, s, w.ID, 3)
	s.cut.Lock() // nothing reaches Badger, and nothing is swept
	erased := make(chan error)
	go func() { erased <- s.Erase(t.Context(), w.ID) }()
	for {
		if _, err := s.Wallet(t.Context(), keys.Key); paywall.ErrorCode(err) == paywall.CodeNoWallet {
			break
		}
		time.Sleep(time.Millisecond)
	}
	again := must[paywall.Wallet](t)(s.OpenWallet(t.Context(), keys, paywall.Welcome{Amount: euro(7)}))
	s.cut.Unlock()
	if err := <-erased; err != nil {
		t.Fatal(err)
	}
	if err := s.sweepAll(); err != nil {
		t.Fatal(err)
	}
	if got := must[paywall.Wallet](t)(s.Wallet(t.Context(), keys.Key)); got != again || got.ID == w.ID {
		t.Errorf("the key opens %+v, not %+v", got, again)
	}
	verified(t, s)
}
