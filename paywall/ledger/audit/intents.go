package audit

import (
	"slices"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

type intent struct {
	state.Intent
	wallet string
	way    string
}

// follows are the states that the record of an intent may have next. Paid it is by its
// payment's record, however late that comes.
var follows = map[paywall.IntentState][]paywall.IntentState{
	paywall.IntentOpen:    {paywall.IntentOffered, paywall.IntentPending, paywall.IntentFailed, paywall.IntentExpired, paywall.IntentRefused},
	paywall.IntentOffered: {paywall.IntentPending, paywall.IntentFailed, paywall.IntentExpired, paywall.IntentRefused},
	paywall.IntentPending: {paywall.IntentFailed, paywall.IntentExpired, paywall.IntentRefused},
}

// addIntent checks that a top-up was begun once, by a wallet that may, and goes forward.
func (a *Audit) addIntent(r *journal.Record, at Ref) {
	a.wantLegs(r)
	next := paywall.IntentState(r.State)
	in := a.intents[r.Intent]
	if in == nil {
		if next != paywall.IntentOpen || r.Amount <= 0 || r.Way == "" {
			a.fault(r, "a top-up begins %q, with %d millionths", next, r.Amount)
		}
		if a.closes[r.Wallet] {
			a.fault(r, "its wallet is closed and begins a top-up")
		}
		in = &intent{Intent: state.Intent{State: next, Begun: at}, wallet: r.Wallet, way: r.Way}
		a.intents[r.Intent] = in
		return
	}
	if !slices.Contains(follows[in.State], next) {
		a.fault(r, "its top-up goes from %q to %q", in.State, next)
	}
	if in.State = next; r.Object != "" {
		in.Named = at
	}
}
