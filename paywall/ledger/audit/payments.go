package audit

import (
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// payment is what a reader paid, and what of it went back.
type payment struct {
	state.Payment
	wallet string // "" while it is unclaimed
	waits  named  // as what it is or was unclaimed
}

// reversal is what was taken from a payment, by a refund at the provider or a dispute.
type reversal struct {
	of     named
	amount int64
	free   int64 // of it, free credit
	debt   int64 // of it, what the wallet did not have
	over   bool  // it came back, or never will
}

func (a *Audit) addTopUp(r *journal.Record, at Ref) {
	a.once(r, at, paywall.MovedPayment, by(r))
	gross := -of(r, r.Way)
	if gross <= 0 {
		a.fault(r, "a payment of %d millionths", gross)
	}
	in := a.intents[r.Intent]
	switch {
	case in == nil:
		a.fault(r, "nobody began its top-up")
	case in.wallet != r.Wallet || in.way != r.Way:
		a.fault(r, "another wallet or another way began its top-up")
	default:
		in.State = paywall.IntentPaid
	}
	if a.payments[named{r.Way, r.Payment}] != nil {
		a.fault(r, "its payment came before")
	}
	p := &payment{Payment: state.Payment{Amount: gross}}
	a.payments[named{r.Way, r.Payment}] = p
	a.goesIn(r, at, p, a.credit(r, r.Way, gross))
}

// goesIn checks that a payment, or without one other money, goes into its wallet.
func (a *Audit) goesIn(r *journal.Record, at Ref, p *payment, legs []leg) {
	if a.closes[r.Wallet] {
		a.fault(r, "its wallet is closed and takes money in")
	}
	if p != nil {
		p.wallet, p.Booked = r.Wallet, at
	}
	if w := a.own(r); w != nil && p != nil {
		p.Number, p.Prev, w.Funded = w.Number, w.Funded, at
	}
	a.wantLegs(r, legs...)
	a.owe(r)
	a.listed(r, at)
}

// listed notes a record among the tips and top-ups of its wallet.
func (a *Audit) listed(r *journal.Record, at Ref) {
	if w := a.own(r); w != nil {
		w.addTransfer(r, at)
	}
}

// paid finds the payment that a record belongs to.
func (a *Audit) paid(r *journal.Record) *payment {
	p := a.payments[named{r.Way, r.Payment}]
	if p == nil {
		a.fault(r, "nobody made its payment")
		return &payment{}
	}
	if _, gone := a.gone[p.wallet]; r.Wallet != p.wallet && (r.Wallet != "" || !gone) {
		a.fault(r, "another wallet made its payment")
	}
	return p
}

// addReversal checks a refund that somebody made at the provider. Of what a person sent
// back by hand before it only tells.
func (a *Audit) addReversal(r *journal.Record, at Ref) {
	a.once(r, at, paywall.MovedRefund, by(r))
	p, amount := a.paid(r), of(r, r.Way)
	if r.Amount != 0 {
		amount = r.Amount
	}
	told := min(p.SentBack, amount)
	if amount <= 0 || (r.Amount != 0) != (told > 0) {
		a.fault(r, "a refund of %d millionths, of which %d were sent back by hand", amount, told)
	}
	p.Returned += amount
	p.SentBack -= told
	legs := append(a.debit(r, amount-told), leg{Account: r.Way, Micros: amount - told})
	a.take(r, at, a.reversals, amount, legs)
}

func (a *Audit) addDispute(r *journal.Record, at Ref) {
	a.once(r, at, paywall.MovedDispute, by(r))
	fee := -of(r, paywall.AccountFees)
	amount := of(r, r.Way) - fee
	if amount <= 0 || fee < 0 {
		a.fault(r, "a dispute of %d millionths with a fee of %d", amount, fee)
	}
	a.paid(r).Disputes++
	legs := append(a.debit(r, amount), leg{Account: r.Way, Micros: amount + fee}, leg{Account: paywall.AccountFees, Micros: -fee})
	a.take(r, at, a.disputes, amount, legs)
}

// take notes what was taken from a payment.
func (a *Audit) take(r *journal.Record, at Ref, from map[named]*reversal, amount int64, legs []leg) {
	from[by(r)] = &reversal{of: named{r.Way, r.Payment}, amount: amount, free: r.Free, debt: -of(r, paywall.AccountReceivable)}
	a.wantLegs(r, legs...)
	a.owe(r)
	a.listed(r, at)
}

// end finds what was taken from a payment, which comes back with this record or never.
func (a *Audit) end(r *journal.Record, at Ref, from map[named]*reversal, kind paywall.MovementKind) *reversal {
	a.once(r, at, kind, by(r))
	taken := from[by(r)]
	if taken == nil || taken.over || taken.of.id != r.Payment {
		a.fault(r, "it ends what never began, or what is over")
		return &reversal{}
	}
	taken.over = true
	return taken
}

// addReversalFailed checks a refund that came back.
func (a *Audit) addReversalFailed(r *journal.Record, at Ref) {
	taken := a.end(r, at, a.reversals, paywall.MovedRefundFailed)
	a.paid(r).Returned -= taken.amount
	a.giveBack(r, at, taken)
}

func (a *Audit) addDisputeWon(r *journal.Record, at Ref) {
	taken := a.end(r, at, a.disputes, paywall.MovedDisputeWon)
	a.paid(r).Disputes--
	a.giveBack(r, at, taken)
}

// giveBack checks that what was taken comes back as it was.
func (a *Audit) giveBack(r *journal.Record, at Ref, taken *reversal) {
	legs := a.credit(r, r.Way, taken.amount)
	free := min(taken.free, of(r, walletPrefix+r.Wallet))
	a.free(r, free)
	if w := a.own(r); w != nil {
		w.Free += free
	}
	a.wantLegs(r, legs...)
	a.owe(r)
	a.waits(r, at, by(r), r.Payment, false)
	a.listed(r, at)
}

// addDisputeLost checks that what is still owed of a dispute is paid by what the wallet
// has, and the rest given up.
func (a *Audit) addDisputeLost(r *journal.Record, at Ref) {
	taken := a.end(r, at, a.disputes, paywall.MovedDisputeLost)
	owed, p := min(a.owes[a.whose(r)], taken.debt), a.paid(r)
	p.Disputes--
	p.Lost = true
	account := walletPrefix + r.Wallet
	had, free := -of(r, account), r.Free
	if w := a.own(r); w != nil {
		had = min(w.Balance, owed)
		free = max(had-(w.Balance-w.Free), 0)
		w.Free -= free
	}
	a.free(r, free)
	a.wantLegs(r, leg{Account: paywall.AccountReceivable, Micros: owed}, leg{Account: account, Micros: -had}, leg{Account: paywall.AccountLosses, Micros: had - owed})
	if a.owe(r); had > 0 {
		a.listed(r, at)
	}
}
