package audit

import (
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// funding is what the records say of money in and out. It is small beside the purchases,
// so every part keeps all of it. Each fault is told, and each key compared, in one part
// only: the wallet's, or the first if there is none.
type funding struct {
	booked    map[movement]Ref
	intents   map[string]*intent
	payments  map[named]*payment
	reversals map[named]*reversal
	disputes  map[named]*reversal
	cashOuts  map[string]*cashOut
	unclaimed map[named]*stray
	open      map[string]uint64 // parts of cash-outs that have not ended, by wallet
	closes    map[string]bool   // wallets that a cash-out closes
	owes      map[string]int64  // by wallet, also of those that were erased; "" is nobody
	gone      map[string]state.Number

	// The sums of what stands above, in millionths.
	owed     int64
	leaving  int64 // on its way back
	unplaced int64 // unclaimed
}

func newFunding() funding {
	return funding{
		booked: map[movement]Ref{}, intents: map[string]*intent{}, payments: map[named]*payment{},
		reversals: map[named]*reversal{}, disputes: map[named]*reversal{}, cashOuts: map[string]*cashOut{}, unclaimed: map[named]*stray{},
		open: map[string]uint64{}, closes: map[string]bool{}, owes: map[string]int64{}, gone: map[string]state.Number{},
	}
}

// named is something at a provider or a bank, by its id there.
type named struct{ way, id string }

type movement struct {
	named
	kind paywall.MovementKind
}

// adders audit the records of money in and out.
var adders = map[paywall.Kind]func(*Audit, *journal.Record, Ref){
	paywall.KindIntent: (*Audit).addIntent, paywall.KindTopUp: (*Audit).addTopUp, paywall.KindFee: (*Audit).addFee,
	paywall.KindReversal: (*Audit).addReversal, paywall.KindReversalFailed: (*Audit).addReversalFailed,
	paywall.KindDispute: (*Audit).addDispute, paywall.KindDisputeWon: (*Audit).addDisputeWon, paywall.KindDisputeLost: (*Audit).addDisputeLost,
	paywall.KindSettlement: (*Audit).addSettlement, paywall.KindSettlementFailed: (*Audit).addSettlement, paywall.KindSuspense: (*Audit).addSuspense,
	paywall.KindUnclaimed: (*Audit).addUnclaimed, paywall.KindAssign: (*Audit).addAssign, paywall.KindSendBack: (*Audit).addSendBack,
	paywall.KindCashOut: (*Audit).addCashOut,
}

// addFunding audits a record of money in or out, or one that changes what a wallet owes.
func (a *Audit) addFunding(r *journal.Record, at Ref) {
	switch add := adders[r.Kind]; {
	case add != nil:
		add(a, r, at)
	case r.Kind == paywall.KindErase:
		a.gone[r.Wallet] = state.Number{}
		if w := a.own(r); w != nil {
			a.gone[r.Wallet] = w.Number
		}
	case r.Kind == paywall.KindRedeem:
		if a.closes[r.Wallet] {
			a.fault(r, "its wallet is closed and takes money in")
		}
		a.wantLegs(r, a.credit(r, paywall.AccountVoucher, -of(r, paywall.AccountVoucher))...)
		a.owe(r)
	default:
		return
	}
	if a.part == 0 {
		a.balanced(r)
	}
}

// own is the wallet of a record if it is of this part.
func (a *Audit) own(r *journal.Record) *wallet {
	id, ok := state.ParseWalletID(r.Wallet)
	if !ok {
		return nil
	}
	return a.wallets[id]
}

// told reports whether this part tells what is wrong with a wallet, or with nobody.
func (a *Audit) told(wallet string) bool {
	id, ok := state.ParseWalletID(wallet)
	return ok && a.mine(id[0]) || !ok && a.part == 0
}

// fault is a problem of a record, told in one part.
func (a *Audit) fault(r *journal.Record, format string, args ...any) {
	if a.told(r.Wallet) {
		a.problem(r, format, args...)
	}
}

// closed reports whether nothing goes into a wallet any more.
func (a *Audit) closed(wallet string) bool {
	return wallet == "" || a.closes[wallet] && a.open[wallet] == 0
}

// mayBuy checks that a wallet that buys owes nothing and is not closed.
func (a *Audit) mayBuy(r *journal.Record) {
	if owed := a.owes[r.Wallet]; owed > 0 {
		a.fault(r, "its wallet owes %d millionths and buys", owed)
	}
	if a.closes[r.Wallet] {
		a.fault(r, "its wallet is closed and buys")
	}
}

// once checks that a movement was not booked before.
func (a *Audit) once(r *journal.Record, at Ref, kind paywall.MovementKind, of named) {
	m := movement{of, kind}
	if _, before := a.booked[m]; before {
		a.fault(r, "the same %s was booked before", kind)
	}
	a.booked[m] = at
}

// by is the name of a record's movement.
func by(r *journal.Record) named { return named{r.Way, r.ID} }

// balanced checks the accounts of others against what records made of them.
func (a *Audit) balanced(r *journal.Record) {
	for _, want := range [...]struct {
		account string
		micros  int64
		what    string
	}{
		{paywall.AccountTransit, a.leaving, "are on their way back to readers"},
		{paywall.AccountUnclaimed, a.unplaced, "are unclaimed"},
		{paywall.AccountReceivable, -a.owed, "are what wallets owe"},
	} {
		if a.accounts[want.account] != want.micros {
			a.problem(r, "the account %s has %d millionths, where %d %s", want.account, a.accounts[want.account], want.micros, want.what)
		}
	}
	for _, account := range [...]string{paywall.AccountPromo, paywall.AccountVoucher, paywall.AccountFees, paywall.AccountLosses, paywall.AccountReceivable} {
		if a.accounts[account] > 0 {
			a.problem(r, "the account %s has %d millionths, where there can be none", account, a.accounts[account])
		}
	}
}
