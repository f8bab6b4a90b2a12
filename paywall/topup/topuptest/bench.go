package topuptest

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

// site is where readers come from; a provider learns its origin alone.
const site = "https://news.example"

// bare is an intent for tests of a way alone.
func (b Bench) bare() topup.Begin {
	id := rand.Text()[:16]
	back := site + "/.paywall/topup/return?intent=" + id
	return topup.Begin{
		ID: id, Amount: b.Amount, Expires: time.Now().Add(b.Way.Life()).UTC().Truncate(time.Second),
		Return: back, Cancel: back + "&canceled=1",
	}
}

// begun asks for a bare intent and answers it as a service would know it.
func (b Bench) begun(t *testing.T) paywall.Intent {
	t.Helper()
	begin := b.bare()
	next, err := b.Way.Begin(t.Context(), begin)
	if err != nil {
		t.Fatal(err)
	}
	return b.intent(begin, next)
}

func (b Bench) intent(begin topup.Begin, next topup.Next) paywall.Intent {
	return paywall.Intent{
		ID: begin.ID, Way: b.Way.Name(), Amount: begin.Amount, State: paywall.IntentOffered,
		Object: next.Object, Begun: begin.Expires.Add(-b.Way.Life()), ExpiresAt: begin.Expires,
	}
}

// look reads an intent at its provider.
func (b Bench) look(t *testing.T, in paywall.Intent) topup.Found {
	t.Helper()
	found, err := b.Way.Look(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// asks reports whether the way has a provider that answers.
func (b Bench) asks() bool { return len(b.Way.Origins()) > 0 }

// all are the movements on the provider's account. manual: nobody can be asked.
func (b Bench) all(t *testing.T) (all []paywall.Movement, manual bool) {
	t.Helper()
	for m, err := range b.Way.Movements(t.Context(), time.Now().Add(-24*time.Hour)) {
		if errors.Is(err, topup.ErrManual) {
			return nil, true
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all, false
}

// part is a fifth of what a reader pays.
func (b Bench) part() paywall.Money {
	return paywall.Money{Micros: b.Amount.Micros / 5, Currency: Currency}
}
