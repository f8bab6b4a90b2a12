package audit

import (
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// addFee checks what a provider took for something.
func (a *Audit) addFee(r *journal.Record, at Ref) {
	a.once(r, at, paywall.MovedFee, by(r))
	fee := of(r, r.Way)
	if fee <= 0 {
		a.fault(r, "a fee of %d millionths", fee)
	}
	if r.Payment != "" && a.payments[named{r.Way, r.Payment}] == nil {
		a.fault(r, "nobody made its payment")
	}
	a.wantLegs(r, leg{Account: r.Way, Micros: fee}, leg{Account: paywall.AccountFees, Micros: -fee})
}

// addSettlement checks what went between a provider and the publisher's bank.
func (a *Audit) addSettlement(r *journal.Record, at Ref) {
	moved, amount, kind := of(r, r.Way), of(r, r.Way), paywall.MovedPayout
	if r.Kind == paywall.KindSettlementFailed {
		amount, kind = -moved, paywall.MovedPayoutFailed
		if _, was := a.booked[movement{by(r), paywall.MovedPayout}]; !was {
			a.fault(r, "a payout comes back that never was")
		}
	}
	a.once(r, at, kind, by(r))
	if amount <= 0 || r.Way == paywall.AccountBank {
		a.fault(r, "a payout of %d millionths from %s", amount, r.Way)
	}
	a.wantLegs(r, leg{Account: r.Way, Micros: moved}, leg{Account: paywall.AccountBank, Micros: -moved})
}

// addSuspense checks what nothing explains; it may go either way.
func (a *Audit) addSuspense(r *journal.Record, at Ref) {
	a.once(r, at, paywall.MovedOther, by(r))
	moved := of(r, r.Way)
	a.wantLegs(r, leg{Account: r.Way, Micros: moved}, leg{Account: paywall.AccountSuspense, Micros: -moved})
}
