package topuptest

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
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

// house is a service on a ledger, with the bench's way.
type house struct {
	Bench
	t       *testing.T
	clock   clock
	ledger  *ledger.Ledger
	service *topup.Service
	away    atomic.Bool // the ledger

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
	seals, err := topup.OpenSeals(t.TempDir(), h.clock.now)
	h.must(err)
	h.service, err = topup.New(topup.Options{
		Ledger: func(context.Context) (topup.Ledger, error) {
			if h.away.Load() {
				return nil, paywall.ErrUnavailable
			}
			return h.ledger, nil
		},
		Ways:  []topup.Offered{{Way: bench.Way, Amounts: []paywall.Money{bench.Amount}}},
		Seals: seals, Currency: Currency, Now: h.clock.now,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	h.must(err)
	return h
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

// deliver brings the news to the service: calls or statements, each once.
func (h *house) deliver() {
	h.t.Helper()
	for _, call := range h.calls() {
		if code := h.hook(call); code != http.StatusOK {
			h.t.Fatalf("a call of the provider was answered %d", code)
		}
	}
	h.place()
}

// calls are the provider's since the last time.
func (h *house) calls() []call {
	if h.Hooks == nil {
		return nil
	}
	var calls []call
	for _, r := range h.Hooks() {
		body, err := io.ReadAll(r.Body)
		h.must(err)
		calls = append(calls, call{r, body})
	}
	return calls
}

// place imports what the bank's statement says.
func (h *house) place() {
	h.t.Helper()
	if h.Statement == nil {
		return
	}
	placed, err := h.service.Place(h.t.Context(), h.Statement())
	h.must(err)
	for _, p := range placed {
		h.must(p.Err)
	}
}

// call is a provider's call that can be sent more than once.
type call struct {
	request *http.Request
	body    []byte
}

// hook sends a call and answers its status.
func (h *house) hook(c call) int {
	w := httptest.NewRecorder()
	r := c.request.Clone(h.t.Context())
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	_ = h.service.Hook(h.Way.Name(), w, r)
	return w.Code
}

// scatter delivers news doubled, shuffled and by several callers at once; some get lost.
func (h *house) scatter(random *mathrand.Rand) {
	h.t.Helper()
	var calls []call
	for _, c := range h.calls() {
		for range []int{0, 1, 1, 1, 1, 1, 1, 2, 2, 3}[random.IntN(10)] {
			calls = append(calls, c)
		}
	}
	random.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
	var callers sync.WaitGroup
	for part := range slices.Chunk(calls, max(1, len(calls)/4+1)) {
		callers.Go(func() {
			for _, c := range part {
				h.hook(c)
			}
		})
	}
	callers.Wait()
	h.place()
}

// proved reconciles twice, verifies, and holds every wallet against what it must have. The
// first reconciliation books what no news told.
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
