package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/ledger/state"
	"github.com/tuppence/tuppence/paywall/memstore"
)

const site = "https://news.example"

// rig is a ledger that is checked after each test: its state must be what its records
// make, and its sums must agree.
type rig struct {
	*ledger.Ledger
	t      testing.TB
	ctx    context.Context
	engine *memstore.Store
	now    time.Time // the test's; the ledger reads clock, which it may do at any time
	clock  atomic.Pointer[time.Time]
	ids    int
}

// pass has time go by.
func (r *rig) pass(d time.Duration) {
	now := r.now.Add(d)
	r.now = now
	r.clock.Store(&now)
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, ctx: context.Background(), now: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)}
	r.pass(0)
	var err error
	if r.engine, err = memstore.New("EUR", func() time.Time { return *r.clock.Load() }); err != nil {
		t.Fatal(err)
	}
	if r.Ledger, err = ledger.New(r.engine); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.check()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func euro(units float64) paywall.Money {
	return paywall.Money{Micros: int64(units * 1e6), Currency: "EUR"}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (r *rig) id(kind string) string {
	r.ids++
	return fmt.Sprintf("2026.%s%d", kind, r.ids)
}

// wallet opens one with so much free credit.
func (r *rig) wallet(free float64) string {
	r.t.Helper()
	keys, _ := paywall.NewWalletKey().Hashes()
	return must[paywall.Wallet](r.t)(r.OpenWallet(r.ctx, keys, paywall.Welcome{Amount: euro(free), Site: site})).ID
}

func (r *rig) begin(wallet, way string, amount float64) string {
	r.t.Helper()
	in := paywall.Intent{ID: r.id("i"), Wallet: wallet, Way: way, Amount: euro(amount), ExpiresAt: r.now.Add(31 * time.Minute)}
	return must[paywall.Intent](r.t)(r.BeginTopUp(r.ctx, in)).ID
}

func movement(kind paywall.MovementKind, id, payment string, amount float64) paywall.Movement {
	return paywall.Movement{Way: "stripe", Kind: kind, ID: id, Payment: payment, Amount: euro(amount), At: time.Unix(1, 0)}
}

func (r *rig) book(m paywall.Movement) paywall.Booked {
	r.t.Helper()
	return must[paywall.Booked](r.t)(r.Book(r.ctx, m))
}

// pay tops a wallet up by card, and answers the payment.
func (r *rig) pay(wallet string, amount float64) string {
	r.t.Helper()
	m := movement(paywall.MovedPayment, r.id("p"), "", amount)
	m.Payment, m.Intent = m.ID, r.begin(wallet, "stripe", amount)
	if b := r.book(m); b.Wallet != wallet || !b.Placed || b.Replayed {
		r.t.Fatalf("a payment is booked as %+v", b)
	}
	return m.ID
}

// buy answers why not.
func (r *rig) buy(wallet string, price float64) error {
	id := paywall.NewID()
	_, err := r.Unlock(r.ctx, paywall.Purchase{Wallet: wallet, Refund: time.Hour, Offer: paywall.Offer{
		ID: id, Site: site, Checkout: site, Resource: "/" + id, URL: "/" + id, Price: euro(price), ExpiresAt: r.now.Add(time.Hour),
	}})
	return err
}

func (r *rig) bought(wallet string, price float64) {
	r.t.Helper()
	if err := r.buy(wallet, price); err != nil {
		r.t.Fatal(err)
	}
}

// has checks what is in a wallet, and what it owes.
func (r *rig) has(wallet string, balance, free, owed float64) {
	r.t.Helper()
	id, _ := state.ParseWalletID(wallet)
	w, err := state.DecodeWallet(r.all()[string(state.WalletKey(id))])
	if err != nil || w.Balance != euro(balance).Micros || w.Free != euro(free).Micros || w.Owed != euro(owed).Micros {
		r.t.Errorf("the wallet has %d, of it free %d, and owes %d, %v; want %v, %v, %v", w.Balance, w.Free, w.Owed, err, balance, free, owed)
	}
}

// account checks a balance.
func (r *rig) account(name string, want float64) {
	r.t.Helper()
	got := int64(0)
	if value := r.all()[string(state.AccountKey(name))]; value != nil {
		got = must[int64](r.t)(state.DecodeBalance(value))
	}
	if got != euro(want).Micros {
		r.t.Errorf("%s has %d, want %v", name, got, want)
	}
}

func (r *rig) fails(err error, want error) {
	r.t.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		r.t.Errorf("the error is %v, want %v", err, want)
	}
}

func (r *rig) all() map[string][]byte {
	all := map[string][]byte{}
	err := r.engine.Compare(r.ctx, func(s ledger.State, _ journal.Mark) error {
		return s.Each(nil, func(key, value []byte) error {
			all[string(key)] = value
			return nil
		})
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

// fromRecords is a state that records alone make.
type fromRecords struct {
	values  map[string][]byte
	records []*journal.Record
	refs    map[journal.Ref]*journal.Record
}

func (f *fromRecords) Get(key []byte) ([]byte, error) { return f.values[string(key)], nil }
func (f *fromRecords) Each(prefix []byte, yield func(key, value []byte) error) error {
	for _, key := range slices.Sorted(maps.Keys(f.values)) {
		if strings.HasPrefix(key, string(prefix)) {
			if err := yield([]byte(key), f.values[key]); err != nil {
				return err
			}
		}
	}
	return nil
}
func (f *fromRecords) Record(at journal.Ref) (*journal.Record, error) { return f.refs[at], nil }
func (f *fromRecords) Numbered(seq uint64) (*journal.Record, error)   { return f.records[seq-1], nil }

// check applies all lines to an empty state and compares, and adds the money up.
func (r *rig) check() {
	r.t.Helper()
	f := &fromRecords{values: map[string][]byte{}, refs: map[journal.Ref]*journal.Record{}}
	info, sums, causes := r.engine.Info(), map[string]int64{}, map[string]bool{}
	for line, err := range r.engine.Lines(r.ctx, 0) {
		if err != nil {
			r.t.Fatal(err)
		}
		rec := must[journal.Record](r.t)(line.Record("EUR"))
		if causes[rec.Cause] {
			r.t.Errorf("two records have the cause %s", rec.Cause)
		}
		causes[rec.Cause] = true
		f.records, f.refs[line.Ref] = append(f.records, &rec), &rec
		tx := ledger.NewTx(f, &info, rec.Time, 0, nil)
		if err := ledger.Apply(tx, &rec, line.Ref); err != nil {
			r.t.Fatal(err)
		}
		for key, value := range tx.Writes() {
			if value == nil {
				delete(f.values, key)
			} else {
				f.values[key] = value
			}
		}
		sum := int64(0)
		for _, l := range rec.Legs {
			if l.Micros == 0 {
				r.t.Errorf("record %d (%s) has a leg that moves nothing", rec.Seq, rec.Kind)
			}
			sum += l.Micros
			sums[l.Account] += l.Micros
		}
		if sum != 0 {
			r.t.Errorf("the legs of record %d (%s) sum to %d", rec.Seq, rec.Kind, sum)
		}
	}
	r.compare(f.values)
	r.agrees(sums)
	if report := must[paywall.Report](r.t)(r.Verify(r.ctx)); !report.OK {
		r.t.Errorf("the ledger verifies as %q", report.Problems)
	}
}

func (r *rig) compare(want map[string][]byte) {
	r.t.Helper()
	got := r.all()
	for _, all := range []map[string][]byte{got, want} {
		// What an erasure takes away follows from no record.
		maps.DeleteFunc(all, func(key string, _ []byte) bool { return strings.IndexByte("eiuxrtnkc", key[0]) >= 0 })
	}
	for key, value := range got {
		if !bytes.Equal(value, want[key]) {
			r.t.Errorf("key %q is %x, the records make it %x", key, value, want[key])
		}
	}
	if len(got) != len(want) {
		r.t.Errorf("the state has %d keys, the records make %d", len(got), len(want))
	}
}

// agrees holds the keys of the state against the sums of the accounts.
func (r *rig) agrees(sums map[string]int64) {
	r.t.Helper()
	owed, unclaimed, transit := int64(0), int64(0), int64(0)
	for key, value := range r.all() {
		switch key[0] {
		case state.TagWallet:
			w := must[state.Wallet](r.t)(state.DecodeWallet(value))
			if w.Balance < 0 || w.Free < 0 || w.Free > w.Balance || w.Owed < 0 {
				r.t.Errorf("a wallet has %d, of it free %d, and owes %d", w.Balance, w.Free, w.Owed)
			}
			owed += w.Owed
		case state.TagDebt:
			n := must[int64](r.t)(state.DecodeBalance(value))
			if n <= 0 {
				r.t.Errorf("an erased wallet owes %d", n)
			}
			owed += n
		case state.TagUnclaimed:
			unclaimed += must[state.Unclaimed](r.t)(state.DecodeUnclaimed(value)).Amount
		}
	}
	parts := must[[]paywall.CashOutPart](r.t)(r.OpenCashOuts(r.ctx, "", 1000))
	for _, p := range parts {
		transit += p.Amount.Micros
	}
	if owed != -sums[paywall.AccountReceivable] || unclaimed != sums[paywall.AccountUnclaimed] || transit != sums[paywall.AccountTransit] {
		r.t.Errorf("wallets owe %d, unclaimed are %d, on their way %d; the accounts have %v", owed, unclaimed, transit, sums)
	}
	stats := must[paywall.Stats](r.t)(r.Stats(r.ctx))
	if stats.Funding == nil {
		return
	}
	if got := stats.Funding; got.Receivable.Micros != owed || got.Unclaimed.Micros != unclaimed || got.Transit.Micros != transit ||
		got.Losses.Micros != -sums[paywall.AccountLosses] || got.Suspense.Micros != sums[paywall.AccountSuspense] || got.Fees.Micros != -sums[paywall.AccountFees] {
		r.t.Errorf("the sums are %+v, the accounts have %v", got, sums)
	}
	for _, w := range stats.Funding.Ways {
		if w.Balance.Micros != -sums[w.Way] {
			r.t.Errorf("%s has %s, its account %d", w.Way, w.Balance, sums[w.Way])
		}
	}
}
