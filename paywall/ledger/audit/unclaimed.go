package audit

import (
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// stray is money that belongs to no wallet.
type stray struct {
	state.Unclaimed
	of   string // the payment
	came bool   // by it; else it was to go back into a wallet
}

// addUnclaimed checks money that came and belongs to nobody yet.
func (a *Audit) addUnclaimed(r *journal.Record, at Ref) {
	a.once(r, at, paywall.MovedPayment, by(r))
	amount := -of(r, r.Way)
	if amount <= 0 {
		a.fault(r, "a payment of %d millionths", amount)
	}
	a.wantLegs(r, leg{Account: r.Way, Micros: -amount}, leg{Account: paywall.AccountUnclaimed, Micros: amount})
	if a.payments[named{r.Way, r.Payment}] != nil {
		a.fault(r, "its payment came before")
	}
	a.payments[named{r.Way, r.Payment}] = &payment{Payment: state.Payment{Amount: amount, Booked: at}, waits: by(r)}
	a.waits(r, at, by(r), r.Payment, true)
}

// waits notes what a record leaves unclaimed, if it does.
func (a *Audit) waits(r *journal.Record, at Ref, as named, payment string, came bool) {
	amount := of(r, paywall.AccountUnclaimed)
	if amount <= 0 {
		return
	}
	if a.unclaimed[as] != nil {
		a.fault(r, "other money is unclaimed by its name")
	}
	a.unclaimed[as] = &stray{state.Unclaimed{Came: at, Amount: amount}, payment, came}
	a.unplaced += amount
}

// place takes so much of what is unclaimed.
func (a *Audit) place(as named, amount int64) {
	s := a.unclaimed[as]
	a.unplaced -= amount
	if s.Amount -= amount; s.Amount <= 0 {
		delete(a.unclaimed, as)
	}
}

// placed finds unclaimed money, all of which has a place from now on, and its payment; came
// is false if it was to go back into a wallet.
func (a *Audit) placed(r *journal.Record, at Ref, kind paywall.MovementKind) (amount int64, p *payment, came bool) {
	a.once(r, at, kind, by(r))
	s := a.unclaimed[by(r)]
	if s == nil {
		a.fault(r, "no such money is unclaimed")
		return -of(r, paywall.AccountUnclaimed), nil, false
	}
	amount = s.Amount
	a.place(by(r), amount)
	return amount, a.payments[named{r.Way, s.of}], s.came
}

func (a *Audit) addAssign(r *journal.Record, at Ref) {
	amount, p, came := a.placed(r, at, state.BookedAssign)
	if !came {
		p = nil
	}
	if in := a.intents[r.Intent]; in == nil || in.wallet != r.Wallet {
		a.fault(r, "another wallet, or none, began its top-up")
	} else {
		in.State = paywall.IntentPaid
	}
	a.goesIn(r, at, p, a.credit(r, paywall.AccountUnclaimed, amount))
}

func (a *Audit) addSendBack(r *journal.Record, at Ref) {
	amount, p, _ := a.placed(r, at, state.BookedSendBack)
	if p != nil {
		p.SentBack += amount
	}
	a.wantLegs(r, leg{Account: paywall.AccountUnclaimed, Micros: -amount}, leg{Account: r.Way, Micros: amount})
}
