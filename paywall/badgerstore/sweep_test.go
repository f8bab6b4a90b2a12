package badgerstore

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/ledger/state"
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
	buyMany(t, s, w.ID, 300)
	for i := range 100 {
		tip := paywall.Tip{ID: fmt.Sprint(i), Site: "https://news.example", Amount: euro(1)}
		must[paywall.Wallet](t)(s.Tip(t.Context(), w.ID, tip))
	}
	settle(t, s)
	newest := must[[]paywall.Unlock](t)(storetest.History(t.Context(), s.Ledger, w.ID))[0]
	if err := s.Erase(t.Context(), w.ID); err != nil {
		t.Fatal(err)
	}
	want := contents(t, s)
	closed(t, s)

	if err := os.RemoveAll(badgerDir(o.Dir)); err != nil { // a rebuild meets the same bounds
		t.Fatal(err)
	}
	slices := 0
	for more := true; more; slices++ {
		s, e := openSlicing(t, o, 1)
		if _, err := s.Wallet(t.Context(), keys.Key); paywall.ErrorCode(err) != paywall.CodeNoWallet {
			t.Errorf("after %d slices the wallet answers %v", slices, err)
		}
		verified(t, s)
		for more = erasing(t, s); more && e.made.Load() == 0; time.Sleep(time.Millisecond) {
			more = erasing(t, s)
		}
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
	s, e := openSlicing(t, testOptions(t.TempDir()), 0)
	defer closed(t, s)
	keys := randomKeys(t)
	w := must[paywall.Wallet](t)(s.OpenWallet(t.Context(), keys, paywall.Welcome{Amount: euro(100)}))
	buyMany(t, s, w.ID, 3)
	if err := s.Erase(t.Context(), w.ID); err != nil {
		t.Fatal(err)
	}
	again := must[paywall.Wallet](t)(s.OpenWallet(t.Context(), keys, paywall.Welcome{Amount: euro(7)}))
	if !erasing(t, s) {
		t.Fatal("it was taken away before")
	}
	verified(t, s)
	e.left.Store(-1)
	for erasing(t, s) { // it is tried again
		time.Sleep(10 * time.Millisecond)
	}
	if got := must[paywall.Wallet](t)(s.Wallet(t.Context(), keys.Key)); got != again || got.ID == w.ID {
		t.Errorf("the key opens %+v, not %+v", got, again)
	}
	verified(t, s)
}

// erasing reports whether a wallet is still being taken away.
func erasing(t *testing.T, s *kept) (left bool) {
	t.Helper()
	err := s.View(t.Context(), ledger.Reads{List: true}, func(v ledger.State) error {
		return v.Each([]byte{state.TagErasure}, func(_, _ []byte) error {
			left = true
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}
