// Package topuptest proves a way against a fake of its provider. A way that passes keeps
// the promises of [topup.Way], and with a service and a ledger loses no cent and doubles
// none, whatever the provider's calls and answers come to.
package topuptest

import (
	"net/http"
	"testing"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

// Currency of the ways under test.
const Currency paywall.Currency = "EUR"

// Bench is a way and what its provider's fake can be made to do. Intents are in clear.
// The functions under "may be nil" are abilities: tests of what a provider cannot do are
// skipped. Of Hooks and Statement one is set, unless nothing but looking tells the news.
type Bench struct {
	Way    topup.Way
	Amount paywall.Money // that a reader can pay in

	Pay func(in paywall.Intent) // a reader pays it in full, at once

	// May be nil.

	Hooks     func() []*http.Request                // calls that the provider made since the last time
	Forged    func() []*http.Request                // calls that the provider never made
	Statement func() []paywall.Movement             // what moved since the last time, for [topup.Service.Place]
	PayLater  func(in paywall.Intent) func(ok bool) // a reader pays in a way that takes days; the rest says how it ends
	Fail      func(in paywall.Intent)               // nobody pays, and the provider gave it up
	Refund    func(in paywall.Intent, amount paywall.Money)
	Dispute   func(in paywall.Intent) func(won bool) // of all of it
	Warn      func(in paywall.Intent)                // a bank calls it fraud
	Payout    func(amount paywall.Money)
	Move      func(amount paywall.Money) // something that nothing explains; the amount has a sign
	Stranger  func(amount paywall.Money) // pays for an intent of nobody
	Hang      func()                     // the provider takes requests and does not answer, until Mend
	Break     func()                     // it answers 500, until Mend
	BreakOnce func()                     // it answers one request 500 and does nothing
	LoseOnce  func()                     // it does what one request that changes something asks, and its answer is lost
	Mend      func()
	Sent      func() string // all that the provider was told since the beginning
}

// Run proves the way of a bench. Each test gets a new bench, on a provider where nothing
// happened yet.
func Run(t *testing.T, open func(t *testing.T) Bench) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Bench)
	}{
		{"NamesItself", namesItself},
		{"BeginIsIdempotent", beginIsIdempotent},
		{"BeginSurvivesALostAnswer", beginSurvivesALostAnswer},
		{"LookNamesStableMovements", lookNamesStableMovements},
		{"HookOnlyNames", hookOnlyNames},
		{"HookRefusesForgedCalls", hookRefusesForgedCalls},
		{"MovementsCoverLook", movementsCoverLook},
		{"ReturnIsIdempotent", returnIsIdempotent},
		{"ContextsAreHonoured", contextsAreHonoured},
		{"FailuresAreTheProviders", failuresAreTheProviders},

		{"CreditEqualsPayment", creditEqualsPayment},
		{"ParallelLooksCreditOnce", parallelLooksCreditOnce},
		{"LatePaymentIsCredited", latePaymentIsCredited},
		{"SlowPayments", slowPayments},
		{"FailedPaymentCreditsNothing", failedPaymentCreditsNothing},
		{"NewsThatNeverComeAreFound", newsThatNeverComeAreFound},
		{"LedgerAwayIsNoAnswer", ledgerAwayIsNoAnswer},
		{"HangingProviderIsSaid", hangingProviderIsSaid},
		{"RefundsAtTheProvider", refundsAtTheProvider},
		{"Disputes", disputes},
		{"WarnedPaymentIsRefunded", warnedPaymentIsRefunded},
		{"CashOut", cashOut},
		{"CashOutByHand", cashOutByHand},
		{"CashOutSurvivesALostAnswer", cashOutSurvivesALostAnswer},
		{"UnexplainedMoneyIsKept", unexplainedMoneyIsKept},
		{"Storm", storm},
		{"ProviderLearnsNothing", providerLearnsNothing},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// needs skips a test of what the provider cannot do.
func needs(t *testing.T, abilities ...bool) {
	t.Helper()
	for _, able := range abilities {
		if !able {
			t.Skip("the provider cannot do this")
		}
	}
}
