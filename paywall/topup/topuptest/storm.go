package topuptest

import (
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

const (
	stormReaders = 8
	stormRounds  = 6
)

// storm has readers do all that they can at once, while the provider's calls come doubled,
// shuffled, late and never, and the ledger is away now and then. In the end every wallet
// has what its reader paid and did not get back.
func storm(t *testing.T, b Bench) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := mathrand.New(mathrand.NewPCG(seed, 0))
	h := newHouse(t, b)
	readers := make([]reader, stormReaders)
	for i := range readers {
		readers[i] = h.reader()
	}
	for range stormRounds {
		var all sync.WaitGroup
		for _, r := range readers {
			fate := random.IntN(10)
			all.Go(func() { h.endure(r, fate) })
		}
		all.Wait()
		h.away.Store(random.IntN(3) == 0)
		h.scatterOrLose(random)
		h.away.Store(false)
		h.clock.forward(h.Way.Life() / 4)
		h.must(h.service.Sweep(t.Context()))
	}
	h.clock.forward(h.Way.Life() + time.Hour)
	h.place()
	h.must(h.service.Sweep(t.Context()))
	h.proved()
}

// scatterOrLose drops all news of a round, sometimes. A statement is read later.
func (h *house) scatterOrLose(random *mathrand.Rand) {
	h.t.Helper()
	if random.IntN(6) == 0 {
		h.calls()
		return
	}
	if h.away.Load() {
		for _, c := range h.calls() {
			h.hook(c)
		}
		return
	}
	h.scatter(random)
}

// endure lets a reader begin a top-up, and what fate says become of it.
func (h *house) endure(r reader, fate int) {
	status, err := h.service.Begin(h.t.Context(), h.request(r))
	if code := paywall.ErrorCode(err); err != nil && code.HTTPStatus() == http.StatusTooManyRequests {
		return // closed too many tabs
	}
	if err != nil {
		h.t.Errorf("a top-up does not begin: %v", err)
		return
	}
	in := status.Intent
	switch {
	case fate == 0:
		return // closed the tab
	case fate == 1 && h.Fail != nil:
		h.Fail(in)
		return
	case fate == 2 && h.PayLater != nil:
		h.PayLater(in)(true)
	default:
		h.Pay(in)
	}
	left := in.Amount.Micros
	switch {
	case fate == 3 && h.Refund != nil:
		h.Refund(in, h.part())
		left -= h.part().Micros
	case fate == 4 && h.Refund != nil:
		h.Refund(in, in.Amount)
		left = 0
	case fate == 5 && h.Dispute != nil:
		h.Dispute(in)(true)
	case fate == 6:
		if _, err := h.service.Look(h.t.Context(), in.ID); err != nil {
			h.t.Error(err)
		}
	}
	h.expect(r, left)
}
