package bank

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// add judges an entry and keeps it.
func (p *parser) add(r reading) {
	e := r.Entry
	e.Intent = r.single()
	e.Matter, e.Why = r.judge(p.way.config.Currency)
	if e.ID == "" && e.Matter != NotOurs {
		key := digest(p.way.config.IBAN, e.Booked.Format(time.DateOnly), strconv.FormatBool(e.Credit),
			e.Amount.String(), string(e.Amount.Currency), strings.Join(r.intents, "+"))
		p.made[key]++
		e.ID = fmt.Sprintf("made-%s-%d", key[:24], p.made[key])
	}
	p.statement.Entries = append(p.statement.Entries, e)
	p.report = append(p.report, p.reports)
}

// judge says what an entry is to a ledger of that currency. A publisher's account has a
// life of its own: what has no reference of ours, or something like it, is never booked.
func (r reading) judge(currency paywall.Currency) (Matter, string) {
	e := r.Entry
	switch {
	case r.none() && (!e.Credit || !r.returned):
		return NotOurs, ""
	case r.status != "BOOK":
		return Pending, fmt.Sprintf("the bank has not booked it yet (%.8s)", r.status)
	case e.Amount.Currency != currency:
		return OtherCurrency, fmt.Sprintf("it is in %s, and the ledger keeps %s; send it back, or make a voucher of what it is worth", e.Amount.Currency, currency)
	case r.doubt != "":
		return NeedsPerson, r.doubt
	case e.Amount.Micros == 0:
		return NeedsPerson, "the bank does not say how much it is"
	case e.ID == "":
		return NeedsPerson, "the bank gives it no reference of its own (AcctSvcrRef), so that the same transfer in another file would not be recognised"
	case e.Booked.IsZero():
		return NeedsPerson, "the bank does not say on which day it was booked"
	case e.Credit && r.none():
		return NeedsPerson, "a transfer from this account came back, and does not say which; look whether it was a reader's"
	case !e.Credit && r.single() == "":
		return NeedsPerson, "money went out with several references of ours, or one that is mistyped; look which reader's it was"
	}
	return Sure, ""
}

// settle compares entries that have the same ID: reports in one file may repeat each
// other, and a bank's reference may not be the transfer's own.
func settle(entries []Entry, report []int) []Entry {
	type place struct{ index, report, uses int }
	first := map[string]*place{}
	settled := make([]Entry, 0, len(entries))
	for i, e := range entries {
		if e.Matter != Sure {
			settled = append(settled, e)
			continue
		}
		key := strconv.FormatBool(e.Credit) + e.ID
		before := first[key]
		if before == nil {
			first[key] = &place{index: len(settled), report: report[i], uses: 1}
			settled = append(settled, e)
			continue
		}
		same := &settled[before.index]
		if before.report != report[i] && same.Amount == e.Amount && same.Intent == e.Intent {
			continue // the day may differ
		}
		before.uses++
		e.ID = fmt.Sprintf("%s#%d", e.ID, before.uses)
		e.Matter, e.Why = NeedsPerson, "the bank gives the same reference (AcctSvcrRef) to several transfers"
		same.Matter, same.Why = e.Matter, e.Why
		settled = append(settled, e)
	}
	return settled
}
