package topuptest

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"

	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/memstore"
	"github.com/tuppence/tuppence/paywall/topup"
)

// clock is the real time, and what tests add to it.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// log keeps what a service says.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// holds reports whether something was said.
func (l *log) holds(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.text.Bytes(), []byte(text))
}

// house is a service on a ledger, with the bench's way.
type house struct {
	Bench
	t       *testing.T
	clock   clock
	ledger  *ledger.Ledger
	service *topup.Service
	keys    string      // folder
	away    atomic.Bool // the ledger
	log     log

	mu      sync.Mutex
	wallets map[reader]int64 // what each must have
	nets    int
}

func newHouse(t *testing.T, bench Bench) *house {
	t.Helper()
	h := &house{Bench: bench, t: t, wallets: map[reader]int64{}}
	store, err := memstore.New(Currency, h.clock.now)
	h.must(err)
	h.ledger, err = ledger.New(store)
	h.must(err)
	t.Cleanup(func() { _ = h.ledger.Close() })
	h.keys = t.TempDir()
	h.restart()
	return h
}

// restart makes a new service on the same ledger and keys.
func (h *house) restart() {
	h.t.Helper()
	seals, err := topup.OpenSeals(h.keys, h.clock.now)
	h.must(err)
	h.service, err = topup.New(topup.Options{
		Ledger: func(context.Context) (topup.Ledger, error) {
			if h.away.Load() {
				return nil, paywall.ErrUnavailable
			}
			return h.ledger, nil
		},
		Ways:  []topup.Offered{{Way: h.Way, Amounts: []paywall.Money{h.Amount}}},
		Seals: seals, Currency: Currency, Now: h.clock.now,
		Logger: slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	h.must(err)
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// reader is a wallet that a test pays into.
type reader struct {
	id  string
	key paywall.Hash
}

func (h *house) reader() reader {
	h.t.Helper()
	keys, ok := paywall.NewWalletKey().Hashes()
	if !ok {
		h.t.Fatal("a new key has no hashes")
	}
	w, err := h.ledger.OpenWallet(h.t.Context(), keys, paywall.Welcome{})
	h.must(err)
	r := reader{w.ID, keys.Key}
	h.expect(r, 0)
	return r
}

// request is one from a network of its own.
func (h *house) request(r reader) topup.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.nets++
	network := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(h.nets >> 16), byte(h.nets >> 8), byte(h.nets)}), 32)
	return topup.Request{Wallet: r.id, Way: h.Way.Name(), Amount: h.Amount, Network: network, Site: site}
}

// begin has a reader begin a top-up.
func (h *house) begin(r reader) paywall.Intent {
	h.t.Helper()
	status, err := h.service.Begin(h.t.Context(), h.request(r))
	h.must(err)
	if status.Next == nil || status.Intent.State != paywall.IntentOffered {
		h.t.Fatalf("a top-up began as %+v", status)
	}
	return status.Intent
}

// expect notes that a wallet must have so much more, or less.
func (h *house) expect(r reader, micros int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wallets[r] += micros
}

// balance is what a wallet has.
func (h *house) balance(r reader) paywall.Money {
	h.t.Helper()
	w, err := h.ledger.Wallet(h.t.Context(), r.key)
	h.must(err)
	return w.Balance
}

// has checks what a wallet has.
func (h *house) has(r reader, micros int64) {
	h.t.Helper()
	if got := h.balance(r); got.Micros != micros {
		h.t.Fatalf("the wallet has %s instead of %s", got, paywall.Money{Micros: micros, Currency: Currency})
	}
}

// proved reconciles twice, verifies, and holds every wallet against what it must have. No
// wallet may be in the log. The first reconciliation books what no news told.
func (h *house) proved() {
	h.t.Helper()
	h.reconciled()
	if again := h.reconciled(); again.Mended != 0 {
		h.t.Fatalf("a second reconciliation booked %d movements that the first had", again.Mended)
	}
	report, err := h.ledger.Verify(h.t.Context())
	h.must(err)
	if !report.OK {
		h.t.Fatalf("the ledger does not verify: %v", report.Problems)
	}
	for r, micros := range h.wallets {
		h.has(r, micros)
		if h.log.holds(r.id) {
			h.t.Errorf("the log holds the wallet %s", r.id)
		}
	}
}

// reconciled compares everything, and nothing may be left.
func (h *house) reconciled() topup.Reconciled {
	h.t.Helper()
	out, err := h.service.Reconcile(h.t.Context(), time.Time{}, nil)
	h.must(err)
	for _, d := range out.Differences {
		if !d.Mended {
			h.t.Errorf("%s: %+v, here %s, %v", d.Kind, d.Movement, d.Here, d.Err)
		}
	}
	if !out.OK() {
		h.t.Fatalf("%d differences are left", out.Open)
	}
	return out
}
