package storetest

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// The ways of the suite.
const (
	card = "stripe"
	bank = paywall.AccountBank
)

// wallets are the accounts of all wallets together.
const wallets = "wallets"

// intent is a top-up that a wallet may begin.
func (h *suite) intent(r reader, way string, cents int64) paywall.Intent {
	now := h.clock.now()
	return paywall.Intent{
		ID: rand.Text(), Wallet: r.ID, Way: way, Amount: euro(cents), State: paywall.IntentOpen, Begun: now, ExpiresAt: now.Add(31 * time.Minute),
	}
}

func (h *suite) begin(r reader, way string, cents int64) paywall.Intent {
	h.t.Helper()
	in, err := h.store.BeginTopUp(h.t.Context(), h.intent(r, way, cents))
	if err != nil {
		h.t.Fatalf("beginning a top-up: %v", err)
	}
	return in
}

// moved is a movement of a payment; "" is money that belongs to none.
func (h *suite) moved(way string, kind paywall.MovementKind, payment string, cents int64) paywall.Movement {
	return paywall.Movement{Way: way, Kind: kind, ID: rand.Text(), Payment: payment, Amount: euro(cents), At: h.clock.now()}
}

// pays is the payment of an intent.
func (h *suite) pays(in paywall.Intent) paywall.Movement {
	m := h.moved(in.Way, paywall.MovedPayment, "", in.Amount.Micros/10_000)
	m.Payment, m.Intent = m.ID, in.ID
	return m
}

func (h *suite) book(m paywall.Movement) paywall.Booked {
	h.t.Helper()
	b, err := h.store.Book(h.t.Context(), m)
	if err != nil {
		h.t.Fatalf("booking a %s: %v", m.Kind, err)
	}
	return b
}

// topUp pays so many cents in by a way.
func (h *suite) topUp(r reader, way string, cents int64) paywall.Movement {
	h.t.Helper()
	m := h.pays(h.begin(r, way, cents))
	h.book(m)
	return m
}

// books are the accounts, those of all wallets as one.
func (h *suite) books() map[string]int64 {
	h.t.Helper()
	books := map[string]int64{}
	for account, micros := range h.accounts() {
		if strings.HasPrefix(account, paywall.WalletAccount("")) {
			account = wallets
		}
		books[account] += micros
	}
	return books
}

// wantMoved holds what the books say since a moment against what must be, in cents.
func (h *suite) wantMoved(since map[string]int64, want map[string]int64) {
	h.t.Helper()
	got := h.books()
	for account, micros := range since {
		got[account] -= micros
	}
	for account, cents := range want {
		got[account] -= cents * 10_000
	}
	maps.DeleteFunc(got, func(_ string, micros int64) bool { return micros == 0 })
	if len(got) > 0 {
		h.t.Errorf("the accounts differ by %v millionths from the %v cents that must have moved", got, want)
	}
}

// testMovements: each kind moves what its legs say, once, however often it comes.
func testMovements(t *testing.T, h *suite) {
	ctx := t.Context()
	r := h.reader(60)
	paid := h.topUp(r, card, 500)
	refund := h.moved(card, paywall.MovedRefund, paid.Payment, 100)
	failed := refund
	failed.Kind = paywall.MovedRefundFailed
	dispute := h.moved(card, paywall.MovedDispute, paid.Payment, 500)
	dispute.Fee = euro(20)
	won := dispute
	won.Kind, won.Fee = paywall.MovedDisputeWon, euro(0)
	again := h.moved(card, paywall.MovedDispute, paid.Payment, 500)
	lost := again
	lost.Kind = paywall.MovedDisputeLost
	payout := h.moved(card, paywall.MovedPayout, "", 300)
	back := payout
	back.Kind = paywall.MovedPayoutFailed
	for _, step := range []struct {
		m        paywall.Movement
		accounts map[string]int64
		credited int64
		placed   bool
	}{
		{h.moved(card, paywall.MovedFee, paid.Payment, 33), map[string]int64{card: 33, paywall.AccountFees: -33}, 0, true},
		{h.moved(card, paywall.MovedFee, "", 2), map[string]int64{card: 2, paywall.AccountFees: -2}, 0, true},
		{refund, map[string]int64{card: 100, wallets: -100}, -100, true},
		{failed, map[string]int64{card: -100, wallets: 100}, 100, true},
		{dispute, map[string]int64{card: 520, paywall.AccountFees: -20, wallets: -500}, -500, true},
		{won, map[string]int64{card: -500, wallets: 500}, 500, true},
		{again, map[string]int64{card: 500, wallets: -500}, -500, true},
		{lost, map[string]int64{}, 0, true},
		{payout, map[string]int64{card: 300, bank: -300}, 0, true},
		{back, map[string]int64{card: -300, bank: 300}, 0, true},
		{h.moved(card, paywall.MovedOther, "", 7), map[string]int64{card: -7, paywall.AccountSuspense: 7}, 0, false},
		{h.moved(card, paywall.MovedOther, "", -9), map[string]int64{card: 9, paywall.AccountSuspense: -9}, 0, false},
	} {
		before := h.books()
		for i := range 3 {
			b := h.book(step.m)
			if b.Credited.Micros != step.credited*10_000 || b.Placed != step.placed || b.Replayed != (i > 0) {
				t.Errorf("a %s for the %d. time is booked as %+v", step.m.Kind, i+1, b)
			}
		}
		h.wantMoved(before, step.accounts)
		if len(step.accounts) == 0 {
			continue // it moves nothing, so its amount is nobody's
		}
		other := step.m
		other.Amount.Micros += 10_000
		if _, err := h.store.Book(ctx, other); paywall.ErrorCode(err) != paywall.CodeConflict {
			t.Errorf("a %s of another amount: %v", step.m.Kind, err)
		}
	}
	h.wantCredit(r, 0, 60)

	before := h.books()
	for _, kind := range []paywall.MovementKind{paywall.MovedRefund, paywall.MovedRefundFailed, paywall.MovedDispute, paywall.MovedDisputeWon, paywall.MovedDisputeLost} {
		if _, err := h.store.Book(ctx, h.moved(card, kind, "unknown", 100)); paywall.ErrorCode(err) != paywall.CodeNotFound {
			t.Errorf("a %s of an unknown payment: %v", kind, err)
		}
	}
	for name, change := range map[string]func(*paywall.Movement){
		"no way":           func(m *paywall.Movement) { m.Way = "" },
		"no id":            func(m *paywall.Movement) { m.ID = "" },
		"no kind":          func(m *paywall.Movement) { m.Kind = "" },
		"no amount":        func(m *paywall.Movement) { m.Amount = euro(0) },
		"a debt":           func(m *paywall.Movement) { m.Amount = euro(-1) },
		"another currency": func(m *paywall.Movement) { m.Amount.Currency = "USD" },
	} {
		m := h.pays(h.begin(h.reader(0), card, 100))
		change(&m)
		if _, err := h.store.Book(ctx, m); paywall.ErrorCode(err) != paywall.CodeMalformed {
			t.Errorf("a payment with %s: %v", name, err)
		}
	}
	h.wantMoved(before, map[string]int64{})
	testEveryMovementIsListed(t, h, paid, refund, failed, dispute, won, again, payout, back)
}

// testEveryMovementIsListed for reconciliation, with the ids it came with.
func testEveryMovementIsListed(t *testing.T, h *suite, want ...paywall.Movement) {
	t.Helper()
	var got []string
	name := func(m paywall.Movement) string {
		return fmt.Sprint(m.Way, m.Kind, m.ID, m.Payment, m.Intent, m.Amount.Micros)
	}
	for m, err := range h.store.Movements(t.Context(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, name(m))
	}
	for _, m := range want {
		if !slices.Contains(got, name(m)) {
			t.Errorf("the %s %+v is not listed among %q", m.Kind, m, got)
		}
	}
}
