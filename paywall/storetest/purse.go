package storetest

import (
	"slices"

	"github.com/tuppence/tuppence/paywall"
)

// holder is a reader and what must be in the wallet.
type holder struct {
	reader
	purse
}

// purse is what a wallet must have, in cents. It knows the rules of money in and out by
// adding up, and nothing of how a ledger keeps them.
type purse struct {
	cents    int64
	free     int64 // of them, free credit
	owed     int64 // after a payment was taken back
	erased   bool
	closing  bool // a cash-out that closes it was planned
	leaving  int  // parts of cash-outs that are on their way
	payments []*payment
}

// payment is what one payment must be worth, in cents.
type payment struct {
	way, id  string
	of       *holder
	amount   int64
	returned int64 // by refunds, and by cash-outs that are on their way or done
	byHand   int64 // sent back by a person, and no refund told of it yet; of it, cash-outs are in returned, too
	taken    bool  // its bank took it back and has not given it again
	lost     bool  // and never will
}

// sums are what the accounts that are no wallet's must have, in cents.
type sums map[string]int64

// spend takes free credit first, and answers how much of it that was.
func (p *purse) spend(cents int64) (free int64) {
	free = min(p.free, cents)
	p.cents -= cents
	p.free -= free
	return free
}

// add gives a wallet paid credit, of which it pays first what it owes.
func (p *purse) add(s sums, cents int64) {
	debt := min(p.owed, cents)
	p.owed -= debt
	p.cents += cents - debt
	s[paywall.AccountReceivable] += debt
}

// take takes paid credit first, then free, and what is missing is owed: by nobody if the
// wallet was erased.
func (p *purse) take(s sums, cents int64) (free, missing int64) {
	had := min(p.cents, cents)
	if p.erased {
		had = 0
	}
	free = max(had-(p.cents-p.free), 0)
	p.cents -= had
	p.free -= free
	p.owed += cents - had
	s[paywall.AccountReceivable] -= cents - had
	return free, cents - had
}

// closed reports whether nothing goes into the wallet any more.
func (p *purse) closed() bool { return p.closing && p.leaving == 0 }

// left is what a payment can still give back.
func (p *payment) left() int64 {
	if p.taken {
		return 0
	}
	return max(p.amount-p.returned, 0)
}

// part is one of a cash-out.
type part struct {
	id     string
	of     *payment
	cents  int64
	state  paywall.CashOutState
	refund string // the provider's id of it, if a movement told it
}

// offer divides what can be cashed out among the newest payments.
func (p *purse) offer() (parts []*part, rest int64) {
	rest = p.cents - p.free
	for _, of := range slices.Backward(p.payments[max(len(p.payments)-100, 0):]) {
		if cents := min(of.left(), rest); cents > 0 {
			parts = append(parts, &part{of: of, cents: cents, state: paywall.CashOutPlanned})
			rest -= cents
		}
	}
	return parts, rest
}
