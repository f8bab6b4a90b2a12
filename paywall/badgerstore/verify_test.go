package badgerstore

import (
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/audit"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// TestVerifyFindsWhatIsWrongInBadger changes one key of each kind.
func TestVerifyFindsWhatIsWrongInBadger(t *testing.T) {
	s := open(t, testOptions(t.TempDir()))
	settle(t, s)
	verified(t, s)
	seen := map[byte]bool{}
	for key, value := range contents(t, s) {
		if seen[key[0]] || key[0] == metaKey[0] {
			continue
		}
		seen[key[0]] = true
		changed := append([]byte(value), 1)
		for name, damage := range map[string]func(*badger.Txn) error{
			"changed": func(txn *badger.Txn) error { return txn.Set([]byte(key), changed) },
			"missing": func(txn *badger.Txn) error { return txn.Delete([]byte(key)) },
			"surplus": func(txn *badger.Txn) error { return txn.Set([]byte(key+"x"), []byte(value)) },
		} {
			if name != "missing" && key[0] == state.TagRevoked {
				continue // they have no value, and may be kept longer
			}
			restore := func(txn *badger.Txn) error {
				_ = txn.Delete([]byte(key + "x"))
				return txn.Set([]byte(key), []byte(value))
			}
			if err := s.db.Update(damage); err != nil {
				t.Fatal(err)
			}
			if report := must[paywall.Report](t)(s.Verify(t.Context())); report.OK || len(report.Problems) == 0 {
				t.Errorf("a key of the kind %q that is %s was not found", key[0], name)
			}
			if err := s.db.Update(restore); err != nil {
				t.Fatal(err)
			}
			verified(t, s)
		}
	}
	if len(seen) != 13 {
		t.Errorf("kinds of keys seen: %d", len(seen))
	}
}

// TestALedgerIsVerifiedInParts has more purchases than are audited at once.
func TestALedgerIsVerifiedInParts(t *testing.T) {
	s := open(t, testOptions(t.TempDir()))
	settle(t, s)
	v := must[*view](t)(s.flushedView(t.Context()))
	defer v.txn.Discard()
	counts := map[byte]int{}
	for part := range 4 {
		a := audit.New(part, 4, v.Record, time.Now())
		for line, err := range s.Lines(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			r := must[journal.Record](t)(line.Record("EUR"))
			a.Add(&r, line.Ref)
		}
		if err := a.Compare(v.Get, counts); err != nil || len(a.Problems()) > 0 {
			t.Errorf("part %d: %v, %q", part, err, a.Problems())
		}
	}
	keys := func(yield func([]byte, error) bool) {
		for key := range contents(t, s) {
			if key[0] != metaKey[0] && !yield([]byte(key), nil) {
				return
			}
		}
	}
	if problems, err := audit.Surplus(keys, counts); err != nil || len(problems) > 0 {
		t.Errorf("%v, %q", err, problems)
	}
}

// TestVerifyFindsAWrongSum changes each sum and place that a wallet's value holds,
// beside its balance.
func TestVerifyFindsAWrongSum(t *testing.T) {
	s := open(t, testOptions(t.TempDir()))
	w := settle(t, s)
	if err := s.flushed(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := must[*view](t)(s.flushedView(t.Context()))
	id, _ := state.ParseWalletID(w.wallets[0])
	was, err := state.DecodeWallet(must[[]byte](t)(v.Get(state.WalletKey(id))))
	v.txn.Discard()
	if err != nil || was.Spent.Today == 0 || was.Spent.Week == 0 || was.Spent.Month == 0 || was.Gave.IsZero() {
		t.Fatalf("the wallet is %+v, %v", was, err)
	}
	put := func(w state.Wallet) {
		t.Helper()
		if err := s.db.Update(func(txn *badger.Txn) error { return txn.Set(state.WalletKey(id), w.Encode()) }); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(*state.Wallet){
		"today":       func(w *state.Wallet) { w.Spent.Today-- },
		"the week":    func(w *state.Wallet) { w.Spent.Week = 0 },
		"the month":   func(w *state.Wallet) { w.Spent.Month++ },
		"the day":     func(w *state.Wallet) { w.Spent.Day-- },
		"a setting":   func(w *state.Wallet) { w.Budget = 0 },
		"a purchase":  func(w *state.Wallet) { w.Bought[7]-- },
		"a tip":       func(w *state.Wallet) { w.Moved = journal.Ref{} },
		"a gift":      func(w *state.Wallet) { w.Gave = journal.Ref{} },
		"its opening": func(w *state.Wallet) { w.Opened[11]++ },
	} {
		wrong := was
		change(&wrong)
		put(wrong)
		if report := must[paywall.Report](t)(s.Verify(t.Context())); report.OK {
			t.Errorf("%s is otherwise in Badger, and the ledger verifies", name)
		}
	}
	put(was)
	verified(t, s)
}
