package ledger

import (
	"maps"
	"slices"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// funding is the totals of money in and out.
type funding struct {
	any        bool // something but vouchers
	vouchers   tally
	ways       map[string]*wayFunding
	parts      map[string]string // the ways of cash-outs
	receivable int64
	losses     int64
	unclaimed  int64
	suspense   int64
	transit    int64
	freeTaken  int64 // of reversals and disputes, less what came back
}

type wayFunding struct {
	paidIn, cashedOut, reversed, disputed tally
	fees, balance                         int64
}

// takeOff is add for what did not come to stay.
func (t *tally) takeOff(micros int64) {
	t.count--
	t.micros -= micros
}

func (f *funding) way(name string) *wayFunding {
	if f.ways == nil {
		f.ways, f.parts = map[string]*wayFunding{}, map[string]string{}
	}
	if f.ways[name] == nil {
		f.ways[name] = &wayFunding{}
	}
	return f.ways[name]
}

// addFunding adds a record of money in or out.
func (t *totals) addFunding(r *journal.Record) {
	f := &t.funding
	f.any = true
	f.receivable += legOf(r, paywall.AccountReceivable)
	f.losses += legOf(r, paywall.AccountLosses)
	f.unclaimed += legOf(r, paywall.AccountUnclaimed)
	f.suspense += legOf(r, paywall.AccountSuspense)
	f.transit += legOf(r, paywall.AccountTransit)
	switch r.Kind {
	case paywall.KindIntent, paywall.KindRevoke:
		return
	case paywall.KindCashOut:
		f.addCashOut(r)
		return
	default:
	}
	w := f.way(r.Way)
	moved, fees := legOf(r, r.Way), -legOf(r, paywall.AccountFees)
	w.balance -= moved
	w.fees += fees
	switch r.Kind {
	case paywall.KindTopUp:
		t.paidIn.add(-moved, 0)
		w.paidIn.add(-moved, 0)
	case paywall.KindAssign:
		t.paidIn.add(-legOf(r, paywall.AccountUnclaimed), 0)
		w.paidIn.add(-legOf(r, paywall.AccountUnclaimed), 0)
	case paywall.KindReversal:
		w.reversed.add(reversed(r), 0)
		f.freeTaken += r.Free
	case paywall.KindReversalFailed:
		w.reversed.takeOff(-moved)
		f.freeTaken -= r.Free
	case paywall.KindDispute:
		w.disputed.add(moved-fees, 0)
		f.freeTaken += r.Free
	case paywall.KindDisputeWon:
		w.disputed.takeOff(-moved)
		f.freeTaken -= r.Free
	case paywall.KindDisputeLost:
		f.freeTaken += r.Free
	case paywall.KindSettlement, paywall.KindSettlementFailed:
		f.way(paywall.AccountBank).balance -= legOf(r, paywall.AccountBank)
	default: // of no tally
	}
}

// addCashOut adds what happened to a part of a cash-out.
func (f *funding) addCashOut(r *journal.Record) {
	if r.State == string(paywall.CashOutPlanned) {
		f.way(r.Way)
		f.parts[r.CashOut] = r.Way
		return
	}
	way := f.parts[r.CashOut]
	moved := legOf(r, way)
	if moved == 0 { // it did not leave
		return
	}
	w := f.way(way)
	w.balance -= moved
	if moved > 0 {
		w.cashedOut.add(moved, 0)
	} else {
		w.cashedOut.takeOff(-moved)
	}
}

// public is nil without anything but vouchers.
func (f *funding) public(money func(int64) paywall.Money, public func(tally) paywall.Tally) *paywall.Funding {
	if !f.any {
		return nil
	}
	p := &paywall.Funding{
		Ways: []paywall.WayFunding{}, Vouchers: public(f.vouchers), Fees: money(0),
		Receivable: money(-f.receivable), Losses: money(-f.losses), Unclaimed: money(f.unclaimed),
		Suspense: money(f.suspense), Transit: money(f.transit),
	}
	for _, name := range slices.Sorted(maps.Keys(f.ways)) {
		w := f.ways[name]
		p.Fees.Micros += w.fees
		p.Ways = append(p.Ways, paywall.WayFunding{
			Way: name, PaidIn: public(w.paidIn), CashedOut: public(w.cashedOut), Reversed: public(w.reversed),
			Disputed: public(w.disputed), Fees: money(w.fees), Balance: money(w.balance),
		})
	}
	return p
}
