package storetest

import (
	"crypto/rand"
	"maps"
	"strings"
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
