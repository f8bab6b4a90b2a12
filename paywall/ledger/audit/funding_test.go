package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// funds makes records of money in and out for two wallets.
type funds struct{ a, b string }

func (f funds) made(kind paywall.Kind, wallet string, says journal.Funding, legs ...paywall.Leg) journal.Record {
	r := journal.Record{Wallet: wallet, Funding: &says}
	r.Kind, r.Legs = kind, legs
	return r
}

func moves(account string, micros int64) paywall.Leg {
	return paywall.Leg{Account: account, Micros: micros}
}

func (f funds) intent(wallet, id string, state paywall.IntentState) journal.Record {
	says := journal.Funding{Intent: id, State: string(state)}
	if state == paywall.IntentOpen {
		says.Way, says.Amount, says.Until = "stripe", 100, time.Unix(1, 0)
	}
	return f.made(paywall.KindIntent, wallet, says)
}

// topUp is a payment of which so much pays a debt.
func (f funds) topUp(wallet, id string, gross, debt int64) journal.Record {
	legs := []paywall.Leg{moves("stripe", -gross)}
	if debt != 0 {
		legs = append(legs, moves("receivable", debt))
	}
	if gross != debt {
		legs = append(legs, moves("wallet/"+wallet, gross-debt))
	}
	return f.made(paywall.KindTopUp, wallet, journal.Funding{Way: "stripe", ID: "p" + id, Payment: "p" + id, Intent: "i" + id}, legs...)
}

// taken is a refund at the provider, of which so much was in the wallet.
func (f funds) taken(wallet, id, of string, amount, had int64) journal.Record {
	legs := []paywall.Leg{moves("stripe", amount)}
	if had != 0 {
		legs = append(legs, moves("wallet/"+wallet, -had))
	}
	if had != amount {
		legs = append(legs, moves("receivable", had-amount))
	}
	return f.made(paywall.KindReversal, wallet, journal.Funding{Way: "stripe", ID: id, Payment: "p" + of}, legs...)
}

// told is a refund of what was sent back by hand.
func (f funds) told(id, of string, amount int64, legs ...paywall.Leg) journal.Record {
	return f.made(paywall.KindReversal, "", journal.Funding{Way: "stripe", ID: id, Payment: "p" + of, Amount: amount}, legs...)
}

func (f funds) cameBack(wallet, id, of string, legs ...paywall.Leg) journal.Record {
	return f.made(paywall.KindReversalFailed, wallet, journal.Funding{Way: "stripe", ID: id, Payment: "p" + of}, legs...)
}

func (f funds) dispute(kind paywall.Kind, wallet, id, of string, legs ...paywall.Leg) journal.Record {
	return f.made(kind, wallet, journal.Funding{Way: "stripe", ID: id, Payment: "p" + of}, legs...)
}

func (f funds) planned(wallet, part, of string, amount int64, closes bool) journal.Record {
	return f.made(paywall.KindCashOut, wallet, journal.Funding{CashOut: part, State: "planned", Way: "stripe", Payment: "p" + of, Closes: closes},
		moves("wallet/"+wallet, -amount), moves("transit", amount))
}

func (f funds) goes(wallet, part, state, refund string, legs ...paywall.Leg) journal.Record {
	return f.made(paywall.KindCashOut, wallet, journal.Funding{CashOut: part, State: state, ID: refund}, legs...)
}

func (f funds) stray(id string, amount int64) journal.Record {
	return f.made(paywall.KindUnclaimed, "", journal.Funding{Way: "stripe", ID: id, Payment: id}, moves("stripe", -amount), moves("unclaimed", amount))
}

func (f funds) buys(wallet, id string, micros int64) journal.Record {
	r := journal.Record{Wallet: wallet, Unlock: id, Offer: id, Site: "https://news.example", Resource: "/" + id, URL: "/" + id, Refund: time.Hour, Price: micros}
	r.Kind, r.Legs = paywall.KindUnlock, []paywall.Leg{moves("wallet/"+wallet, -micros), moves("site/https://news.example", micros)}
	return r
}

func (f funds) erased(wallet string) journal.Record {
	r := journal.Record{Wallet: wallet}
	r.Kind = paywall.KindErase
	return r
}

// begin has two wallets, of which a began three top-ups and b one, and vouchers of 50.
func (f funds) begin() []journal.Record {
	opened := func(wallet string, n byte) journal.Record {
		r := journal.Record{Wallet: wallet, Key: paywall.Hash{n}, Code: paywall.Hash{n}}
		r.Kind = paywall.KindOpen
		return r
	}
	vouchers := journal.Record{Vouchers: []paywall.Voucher{{Code: paywall.Hash{1}, Amount: paywall.Money{Micros: 50, Currency: "EUR"}}}}
	vouchers.Kind = paywall.KindVoucher
	return []journal.Record{
		opened(f.a, 1), opened(f.b, 2), vouchers,
		f.intent(f.a, "i1", paywall.IntentOpen), f.intent(f.a, "i2", paywall.IntentOpen), f.intent(f.a, "i3", paywall.IntentOpen), f.intent(f.b, "i4", paywall.IntentOpen),
	}
}

func (f funds) redeemed(wallet string, legs ...paywall.Leg) journal.Record {
	r := journal.Record{Wallet: wallet, Voucher: paywall.Hash{1}}
	r.Kind, r.Legs = paywall.KindRedeem, append(legs, moves("voucher", -50))
	return r
}

// fundingFaults are records that no ledger writes, by what the audit says of them.
func fundingFaults(f funds) map[string][]journal.Record {
	const lost, won = paywall.KindDisputeLost, paywall.KindDisputeWon
	a, b := f.a, f.b
	wallet := "wallet/" + a
	paid := f.topUp(a, "1", 100, 0)
	spent := []journal.Record{paid, f.buys(a, "x", 70), f.taken(a, "r", "1", 100, 30)} // owes 70
	disputed := f.dispute(paywall.KindDispute, a, "d", "1", moves("stripe", 120), moves("fees", -20), moves(wallet, -100))
	two := func(first ...journal.Record) func(...journal.Record) []journal.Record {
		return func(more ...journal.Record) []journal.Record { return append(first[:len(first):len(first)], more...) }
	}
	owing, after := two(spent...), two(paid)
	foreign := f.topUp(b, "1", 100, 0)
	return map[string][]journal.Record{
		"with 0 millionths":              {f.made(paywall.KindIntent, a, journal.Funding{Intent: "x", State: "open", Way: "stripe"})},
		`begins "offered"`:               {f.intent(a, "x", paywall.IntentOffered)},
		`from "open" to "open"`:          {f.intent(a, "i1", paywall.IntentOpen)},
		`from "expired" to "offered"`:    {f.intent(a, "i1", paywall.IntentExpired), f.intent(a, "i1", paywall.IntentOffered)},
		`from "paid" to "failed"`:        after(f.intent(a, "i1", paywall.IntentFailed)),
		"nobody began":                   {f.topUp(a, "9", 100, 0)},
		"another wallet or another way":  {foreign},
		"same payment was booked":        after(paid),
		"a payment of -5":                {f.topUp(a, "1", -5, 0)},
		"its payment came before":        {paid, f.made(paywall.KindTopUp, a, journal.Funding{Way: "stripe", ID: "other", Payment: "p1", Intent: "i2"}, moves("stripe", -5), moves(wallet, 5))},
		"was due":                        owing(f.topUp(a, "2", 100, 0)), // the debt is not paid first
		"[{stripe -100} {receivable 70}": owing(f.topUp(a, "2", 100, 60)),
		"owes 70 millionths and buys":    owing(f.redeemed(b, moves("wallet/"+b, 50)), f.buys(a, "y", 1)),
		"owes 70 millionths and has":     owing(f.planned(a, "c-0", "1", 1, false)),
		"same refund was booked":         after(f.taken(a, "r", "1", 10, 10), f.taken(a, "r", "1", 10, 10)),
		"nobody made its payment":        {f.taken(a, "r", "1", 10, 0)},
		"another wallet made":            {paid, f.taken(b, "r", "1", 10, 0)},
		"{wallet/" + a + " -30}":         after(f.buys(a, "x", 70), f.taken(a, "r", "1", 100, 20)), // less than it has
		"a refund of -1":                 after(f.taken(a, "r", "1", -1, -1)),
		"ends what never began":          after(f.cameBack(a, "r", "1", moves("stripe", -10), moves(wallet, 10))),
		"or what is over":                after(disputed, f.dispute(won, a, "d", "1", moves("stripe", -100), moves(wallet, 100)), f.dispute(lost, a, "d", "1")),
		"with a fee of -1":               after(f.dispute(paywall.KindDispute, a, "d", "1", moves("stripe", 9), moves("fees", 1), moves(wallet, -10))),
		"{losses -70}":                   append(two(paid, f.buys(a, "x", 70), f.dispute(paywall.KindDispute, a, "d", "1", moves("stripe", 100), moves(wallet, -30), moves("receivable", -70)))(), f.dispute(lost, a, "d", "1", moves("receivable", 60), moves("losses", -60))),
		"are what wallets owe":           {f.made(paywall.KindSuspense, "", journal.Funding{Way: "receivable", ID: "s"}, moves("receivable", -5), moves("suspense", 5))},
		"a payout of -5":                 {f.made(paywall.KindSettlement, "", journal.Funding{Way: "stripe", ID: "s"}, moves("stripe", -5), moves("bank", 5))},
		"payout comes back that never":   {f.made(paywall.KindSettlementFailed, "", journal.Funding{Way: "stripe", ID: "s"}, moves("stripe", -5), moves("bank", 5))},
		"a fee of -5":                    {f.made(paywall.KindFee, "", journal.Funding{Way: "stripe", ID: "s"}, moves("stripe", -5), moves("fees", 5))},
		"of which 5 were sent back":      {f.stray("p9", 5), f.made(paywall.KindSendBack, "", journal.Funding{Way: "stripe", ID: "p9"}, moves("unclaimed", -5), moves("stripe", 5)), f.dispute(paywall.KindReversal, "", "v", "9", moves("stripe", 5), moves("receivable", -5))},
		"of which 0 were sent back":      {paid, f.made(paywall.KindReversal, a, journal.Funding{Way: "stripe", ID: "v", Payment: "p1", Amount: 5})},
		"{wallet/" + a + " -10} {losses": append(owing(), f.dispute(paywall.KindDispute, a, "d", "1", moves("stripe", 10), moves("receivable", -10)), f.made(paywall.KindReversalFailed, a, journal.Funding{Way: "stripe", ID: "r", Payment: "p1"}, moves("stripe", -100), moves("receivable", 80), moves(wallet, 20)), f.planned(a, "c-0", "1", 20, false), f.dispute(paywall.KindDispute, a, "e", "1", moves("stripe", 10), moves("receivable", -10)), f.goes(a, "c-0", "failed", "", moves("transit", -20), moves(wallet, 20)), f.dispute(lost, a, "e", "1", moves("receivable", 10), moves("losses", -10))),
		"such money is unclaimed":        {f.made(paywall.KindSendBack, "", journal.Funding{Way: "stripe", ID: "s"}, moves("unclaimed", -5), moves("stripe", 5))},
		"no such money":                  {f.stray("s", 5), f.made(paywall.KindAssign, a, journal.Funding{Way: "stripe", ID: "s", Intent: "i1"}, moves("unclaimed", -5), moves(wallet, 5)), f.made(paywall.KindSendBack, "", journal.Funding{Way: "stripe", ID: "s"}, moves("unclaimed", -5), moves("stripe", 5))},
		"another wallet, or none":        {f.stray("s", 5), f.made(paywall.KindAssign, b, journal.Funding{Way: "stripe", ID: "s", Intent: "i1"}, moves("unclaimed", -5), moves("wallet/"+b, 5))},
		"moves another wallet's money":   {f.made(paywall.KindFee, b, journal.Funding{Way: "stripe", ID: "s"}, moves("stripe", 5), moves(wallet, -5))},
		"made no vouchers":               {f.made(paywall.KindRevoke, "", journal.Funding{Batch: 2})},
		"were revoked before":            {f.made(paywall.KindRevoke, "", journal.Funding{Batch: 4}), f.made(paywall.KindRevoke, "", journal.Funding{Batch: 4})},
		"voucher was revoked":            {f.made(paywall.KindRevoke, "", journal.Funding{Batch: 4}), f.redeemed(a, moves(wallet, 50))},
		"it moves [{wallet/" + a + " 50": owing(f.redeemed(a, moves(wallet, 50))),
	}
}

// cashOutFaults are more of them.
func cashOutFaults(f funds) map[string][]journal.Record {
	a, b := f.a, f.b
	wallet := "wallet/" + a
	paid, planned := f.topUp(a, "1", 100, 0), f.planned(a, "c-0", "1", 60, false)
	done := f.goes(a, "c-0", "done", "r", moves("transit", -60), moves("stripe", 60))
	closes := f.planned(a, "c-0", "1", 60, true)
	after := func(more ...journal.Record) []journal.Record { return append([]journal.Record{paid}, more...) }
	return map[string][]journal.Record{
		"{unclaimed -5}":             {f.stray("p9", 5), f.dispute(paywall.KindReversal, "", "v", "9", moves("stripe", 6), moves("unclaimed", -6))},
		"where 0 are unclaimed":      {f.stray("p9", 5), f.dispute(paywall.KindReversal, "", "v", "9", moves("stripe", 3), moves("receivable", -3)), f.dispute(paywall.KindReversal, "", "x", "9", moves("stripe", 3), moves("receivable", -3))},
		"debt that nobody has":       after(f.dispute(paywall.KindDispute, a, "d", "1", moves("stripe", 100), moves(wallet, -100)), f.dispute(paywall.KindDisputeLost, a, "d", "1", moves("receivable", 5), moves("losses", -5))),
		"of which 40 are left":       after(planned, f.planned(a, "d-0", "1", 41, false)),
		"of which 0 are left":        after(f.topUp(a, "2", 90, 0), f.dispute(paywall.KindDispute, a, "d", "1", moves("stripe", 100), moves(wallet, -100)), f.planned(a, "c-0", "1", 1, false)),
		"of which 10 are left":       after(f.topUp(a, "2", 90, 0), f.taken(a, "r", "1", 90, 90), f.planned(a, "c-0", "1", 11, false)),
		"gives free credit back":     after(f.buys(a, "x", 50), f.planned(a, "c-0", "1", 51, false)),
		"before that was planned":    after(done),
		"nobody made its payment":    {planned},
		"another wallet made its":    after(f.topUp(b, "4", 100, 0), f.planned(b, "c-0", "1", 10, false)),
		`from "done" to "done"`:      after(planned, done, done),
		`from "pending" to "sent"`:   after(planned, f.goes(a, "c-0", "pending", ""), f.goes(a, "c-0", "sent", "")),
		`from "failed" to "done"`:    after(planned, f.goes(a, "c-0", "failed", "", moves("transit", -60), moves(wallet, 60)), done),
		"it moves [{transit -50}":    after(planned, f.goes(a, "c-0", "done", "", moves("transit", -50), moves("stripe", 50))),
		"same refund was booked":     after(f.taken(a, "r", "1", 10, 10), planned, done),
		"refund-failed was booked":   after(planned, f.goes(a, "c-0", "failed", "r", moves("transit", -60), moves(wallet, 60)), f.cameBack(a, "r", "1", moves("stripe", -10), moves(wallet, 10))),
		"closed and buys":            after(closes, f.buys(a, "x", 1)),
		"closed and takes money in":  after(closes, f.topUp(a, "2", 10, 0)),
		"and takes money in":         after(closes, f.redeemed(a, moves(wallet, 50))),
		"closed and begins a top-up": after(closes, f.intent(a, "i9", paywall.IntentOpen)),
		"{unclaimed 60}":             after(closes, done, f.goes(a, "c-0", "failed", "r", moves("stripe", -60), moves(wallet, 60))),
	}
}

// TestAuditFindsMoneyThatMustNotMove puts records of money in and out into a journal, whose
// legs add up and which no ledger writes.
func TestAuditFindsMoneyThatMustNotMove(t *testing.T) {
	f := funds{paywall.NewID(), paywall.NewID()}
	for _, faults := range []map[string][]journal.Record{fundingFaults(f), cashOutFaults(f)} {
		for want, records := range faults {
			if found := strings.Join(audited(t, append(f.begin(), records...)), "\n"); !strings.Contains(found, want) {
				t.Errorf("want %q, found %q", want, found)
			}
		}
	}
}

// TestAuditLetsMoneyInAndOut has all that may happen to money, in one journal.
func TestAuditLetsMoneyInAndOut(t *testing.T) {
	f := funds{paywall.NewID(), paywall.NewID()}
	a, wallet := f.a, "wallet/"+f.a
	records := append(f.begin(),
		f.intent(a, "i1", paywall.IntentOffered), f.intent(a, "i1", paywall.IntentExpired), f.topUp(a, "1", 100, 0),
		f.made(paywall.KindFee, "", journal.Funding{Way: "stripe", ID: "f", Payment: "p1"}, moves("fees", -5), moves("stripe", 5)),
		f.buys(a, "x", 70), f.taken(a, "r", "1", 100, 30), f.topUp(a, "2", 100, 70),
		f.cameBack(a, "r", "1", moves("stripe", -100), moves(wallet, 100)), // 130
		f.dispute(paywall.KindDispute, a, "d", "2", moves("stripe", 120), moves("fees", -20), moves(wallet, -100)),
		f.dispute(paywall.KindDisputeWon, a, "d", "2", moves("stripe", -100), moves(wallet, 100)),
		f.dispute(paywall.KindDispute, a, "e", "2", moves("stripe", 200), moves(wallet, -130), moves("receivable", -70)),
		f.dispute(paywall.KindDisputeLost, a, "e", "2", moves("receivable", 70), moves("losses", -70)),
		f.redeemed(a, moves(wallet, 50)),
		f.planned(a, "c-0", "1", 50, false), f.goes(a, "c-0", "sent", ""), f.goes(a, "c-0", "done", "g", moves("transit", -50), moves("stripe", 50)),
		f.goes(a, "c-0", "failed", "g", moves("stripe", -50), moves(wallet, 50)),
		f.planned(a, "e-0", "1", 50, true), f.goes(a, "e-0", "canceled", "", moves("transit", -50), moves(wallet, 50)),
		f.made(paywall.KindSettlement, "", journal.Funding{Way: "stripe", ID: "s"}, moves("stripe", 5), moves("bank", -5)),
		f.made(paywall.KindSettlementFailed, "", journal.Funding{Way: "stripe", ID: "s"}, moves("stripe", -5), moves("bank", 5)),
		f.made(paywall.KindSuspense, "", journal.Funding{Way: "stripe", ID: "s"}, moves("stripe", 5), moves("suspense", -5)),
		f.stray("s", 7), f.made(paywall.KindAssign, f.b, journal.Funding{Way: "stripe", ID: "s", Intent: "i4"}, moves("unclaimed", -7), moves("wallet/"+f.b, 7)),
		f.stray("t", 7), f.made(paywall.KindSendBack, "", journal.Funding{Way: "stripe", ID: "t"}, moves("unclaimed", -7), moves("stripe", 7)),
		f.stray("pu", 9), f.dispute(paywall.KindReversal, "", "v", "u", moves("stripe", 4), moves("unclaimed", -4)),
		f.made(paywall.KindSendBack, "", journal.Funding{Way: "stripe", ID: "pu"}, moves("unclaimed", -5), moves("stripe", 5)),
		f.told("w", "u", 2),
		f.told("z", "u", 5, moves("stripe", 2), moves("receivable", -2)), // more than that: nobody owes it
		f.topUp(f.b, "4", 20, 0), f.buys(f.b, "y", 21), f.dispute(paywall.KindDispute, f.b, "g", "4", moves("stripe", 20), moves("wallet/"+f.b, -6), moves("receivable", -14)), f.erased(f.b),
		f.dispute(paywall.KindDisputeWon, "", "g", "4", moves("stripe", -20), moves("receivable", 14), moves("unclaimed", 6)),
		f.dispute(paywall.KindReversal, "", "h", "4", moves("stripe", 20), moves("receivable", -20)),
		f.dispute(paywall.KindReversalFailed, "", "h", "4", moves("stripe", -20), moves("receivable", 20)),
	)
	if found := audited(t, records); len(found) > 0 {
		t.Errorf("found %q", found)
	}
}
