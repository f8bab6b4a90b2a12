package audit

import (
	"slices"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// cashOut is a part of one: money on its way back.
type cashOut struct {
	state.CashOut
	wallet string
	of     named // the payment
	amount int64
	byHand bool // done, and no refund told it
}

// returns are the states that a part of a cash-out may go to. A refund that was done may
// still come back.
var returns = map[paywall.CashOutState][]paywall.CashOutState{
	paywall.CashOutPlanned: {paywall.CashOutSent, paywall.CashOutPending, paywall.CashOutDone, paywall.CashOutFailed, paywall.CashOutCanceled},
	paywall.CashOutSent:    {paywall.CashOutPending, paywall.CashOutDone, paywall.CashOutFailed},
	paywall.CashOutPending: {paywall.CashOutDone, paywall.CashOutFailed},
	paywall.CashOutDone:    {paywall.CashOutFailed},
}

func ended(s paywall.CashOutState) bool {
	return s == paywall.CashOutDone || s == paywall.CashOutFailed || s == paywall.CashOutCanceled
}

// addCashOut checks a part that is planned, or goes on.
func (a *Audit) addCashOut(r *journal.Record, at Ref) {
	c, next := a.cashOuts[r.CashOut], paywall.CashOutState(r.State)
	if c == nil {
		a.addPlanned(r, at, next)
		return
	}
	before := c.State
	if !slices.Contains(returns[before], next) {
		a.fault(r, "money goes back from %q to %q", before, next)
	}
	if _, gone := a.gone[c.wallet]; r.Wallet != c.wallet && (r.Wallet != "" || !gone) {
		a.fault(r, "another wallet asked for it")
	}
	if c.State, c.Last = next, at; r.ID != "" {
		kind := paywall.MovedRefund
		if next == paywall.CashOutFailed {
			kind = paywall.MovedRefundFailed
		}
		a.once(r, at, kind, named{c.of.way, r.ID})
	}
	a.wantLegs(r, a.goesOn(r, c, before)...)
	a.waits(r, at, named{c.of.way, r.CashOut}, c.of.id, false)
	if of(r, walletPrefix+r.Wallet) != 0 {
		a.listed(r, at)
	}
	if ended(next) && !ended(before) {
		a.leaving -= c.amount
		if a.open[c.wallet]--; a.open[c.wallet] == 0 {
			delete(a.open, c.wallet)
		}
	}
}

// goesOn is what a part moves that goes on.
func (a *Audit) goesOn(r *journal.Record, c *cashOut, before paywall.CashOutState) []leg {
	from := paywall.AccountTransit
	p := a.payments[c.of]
	if p == nil {
		p = &payment{}
	}
	switch {
	case c.State == paywall.CashOutDone:
		if c.byHand = r.ID == ""; c.byHand {
			p.Returned -= c.amount
			p.SentBack += c.amount
		}
		return []leg{{Account: from, Micros: -c.amount}, {Account: c.of.way, Micros: c.amount}}
	case c.State != paywall.CashOutFailed && c.State != paywall.CashOutCanceled:
		return nil
	case before == paywall.CashOutDone:
		from = c.of.way
	}
	untold := int64(0)
	if c.byHand {
		untold = min(p.SentBack, c.amount)
	}
	p.SentBack -= untold
	p.Returned -= c.amount - untold
	into := walletPrefix + r.Wallet
	if a.closed(r.Wallet) || p.Lost {
		into = paywall.AccountUnclaimed
	}
	return []leg{{Account: from, Micros: -c.amount}, {Account: into, Micros: c.amount}}
}

// addPlanned checks that paid credit alone goes back, no more than is left of its payment,
// and never while the wallet owes.
func (a *Audit) addPlanned(r *journal.Record, at Ref, next paywall.CashOutState) {
	c := &cashOut{CashOut: state.CashOut{State: next, Planned: at, Last: at}, wallet: r.Wallet, of: named{r.Way, r.Payment}, amount: of(r, paywall.AccountTransit)}
	a.cashOuts[r.CashOut] = c
	if next != paywall.CashOutPlanned || c.amount <= 0 {
		a.fault(r, "money goes back %q, %d millionths of it, before that was planned", next, c.amount)
	}
	if a.owes[r.Wallet] > 0 {
		a.fault(r, "its wallet owes %d millionths and has money back", a.owes[r.Wallet])
	}
	p := a.paid(r)
	if left := p.Left(); c.amount > left {
		a.fault(r, "it gives %d millionths back of a payment of which %d are left", c.amount, left)
	}
	p.Returned += c.amount
	a.leaving += c.amount
	a.wantLegs(r, leg{Account: walletPrefix + r.Wallet, Micros: -c.amount}, leg{Account: paywall.AccountTransit, Micros: c.amount})
	if a.open[r.Wallet]++; r.Closes {
		a.closes[r.Wallet] = true
	}
	w := a.own(r)
	if w == nil {
		return
	}
	if c.amount > w.Balance-w.Free {
		a.fault(r, "it gives free credit back")
	}
	w.addTransfer(r, at)
	c.Prev, w.Leaving.Newest = w.Leaving.Newest, at
}
