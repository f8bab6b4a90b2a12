package bank

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// Matter says what an entry of a statement is to the ledger.
type Matter string

// The matters of entries.
const (
	Sure          Matter = "sure"           // booked: a payment, or money sent back with a reference of ours
	NeedsPerson   Matter = "needs-person"   // may be ours; Why says what to look at
	Pending       Matter = "pending"        // may be ours and is no money yet; comes again when it is booked
	OtherCurrency Matter = "other-currency" // may be ours, and the ledger keeps another currency
	NotOurs       Matter = "not-ours"       // nothing in it is a reference of ours: salaries, rent, payouts of card payments
)

// Entry is one transfer on the account: an entry of the statement, or one transaction of
// an entry that sums up several.
//
// The same transfer has the same ID in camt.052, .053 and .054: what the bank itself
// calls it (AcctSvcrRef). Of an entry with one transaction that is the entry's, which
// every file has, and the transaction's only where the entry has none. Of an entry with
// several it is each transaction's own; where that is missing, or not its own, it is
// the entry's with a digest of the intent, since the order may differ between files.
// Days are no part of it: banks date the same transfer differently. NtryRef is none:
// many banks count it anew in each file. EndToEndId and TxId are none: payers and
// their banks choose them.
type Entry struct {
	ID     string // if the bank gave it none, made from what the entry says; then it needs a person
	Credit bool   // money came; else it went
	Amount paywall.Money
	Booked time.Time // the day, at 00:00 UTC; zero if the bank says none
	Intent string    // of the one reference of ours in it
	Matter Matter
	Why    string // of every matter but Sure and NotOurs: what is the matter, in words
}

// Movement is what the entry books: a payment of its intent, or without one, of nobody
// yet. Money that went back to a reader is a refund. A transfer of the publisher's that
// came back is a payment again: it is in the account and belongs to the same intent.
func (e Entry) Movement() paywall.Movement {
	m := paywall.Movement{
		Way: paywall.AccountBank, Kind: paywall.MovedRefund, ID: e.ID, Intent: e.Intent, Amount: e.Amount, At: e.Booked,
	}
	if e.Credit {
		m.Kind, m.Payment = paywall.MovedPayment, e.ID
	}
	return m
}

// reading is an entry with what its judgement needs.
type reading struct {
	Entry
	references
	status   string
	returned bool   // the bank says that it undoes another transfer
	doubt    string // what a person has to look at
}

// entry reads an entry of the statement into one of ours, or several.
func (p *parser) entry(x xmlEntry) error {
	amount, err := parseAmount(x.Amount)
	if err != nil {
		return err
	}
	direction := strings.TrimSpace(x.Direction)
	if direction != "CRDT" && direction != "DBIT" {
		return paywall.Errorf(paywall.CodeMalformed, "the statement has an entry that is neither a credit (CRDT) nor a debit (DBIT); ask the bank for a valid file")
	}
	r := reading{
		Entry:    Entry{Credit: direction == "CRDT", Amount: amount, Booked: day(x.Booked, x.Valued)},
		status:   strings.TrimSpace(x.Status.Text + x.Status.Code),
		returned: slices.Contains([]string{"true", "1"}, strings.TrimSpace(x.Reversal)),
	}
	var transactions []xmlTransaction
	count := 0
	for _, details := range x.Details {
		transactions = append(transactions, details.Transactions...)
		n, _ := strconv.Atoi(strings.TrimSpace(details.Count)) // what is no number says nothing
		count += n
	}
	if len(transactions) > 1 {
		return p.batch(r, x, transactions)
	}
	r.ID = bankReference(x.Reference)
	r.text(x.Info)
	if count > 1 {
		r.doubt = fmt.Sprintf("the bank lists %d transfers as one entry; look for the file that lists each (often camt.054)", count)
	}
	for _, t := range transactions {
		r.transaction(t)
		if r.ID == "" {
			r.ID = bankReference(t.Reference)
		}
		if t.Direction != "" && strings.TrimSpace(t.Direction) != direction {
			r.doubt = "the bank calls it a credit and a debit at once"
		}
	}
	p.add(r)
	return nil
}

// batch reads an entry that sums up several transfers.
func (p *parser) batch(sum reading, x xmlEntry, transactions []xmlTransaction) error {
	uses := map[string]int{}
	for _, t := range transactions {
		uses[bankReference(t.Reference)]++
	}
	entryID := bankReference(x.Reference)
	digests := map[string]int{}
	total := paywall.Money{Currency: sum.Amount.Currency}
	readings := make([]reading, 0, len(transactions))
	for _, t := range transactions {
		r := sum
		amount, err := t.amount(sum.Amount.Currency)
		if err != nil {
			return err
		}
		r.Amount = amount
		if direction := strings.TrimSpace(t.Direction); direction != "" {
			r.Credit = direction == "CRDT"
		}
		if r.Credit != sum.Credit {
			amount = amount.Neg()
		}
		if total, err = total.Add(amount); err != nil {
			return err
		}
		r.transaction(t)
		if own := bankReference(t.Reference); own != "" && own != entryID && uses[own] == 1 {
			r.ID = own
		} else if entryID != "" && r.single() != "" {
			key := digest(entryID, r.single())
			digests[key]++
			r.ID = fmt.Sprintf("%s/%s-%d", entryID, key[:16], digests[key])
		}
		readings = append(readings, r)
	}
	for _, r := range readings {
		if total != sum.Amount {
			r.doubt = "the transfers that the bank lists in one entry do not add up to its amount"
		}
		p.add(r)
	}
	return nil
}

// transaction reads what one transfer says.
func (r *reading) transaction(t xmlTransaction) {
	r.returned = r.returned || t.Return != nil
	for _, s := range t.Structured {
		r.field(s.Reference)
		r.text(strings.Join(s.Info, ""))
	}
	r.text(strings.Join(t.Text, ""))
	r.field(t.EndToEnd)
	r.text(t.Info)
}

// amount is what the transfer moved on the account, as far as the file says so in the
// account's currency. Of the three places, older versions have only some.
func (t xmlTransaction) amount(account paywall.Currency) (paywall.Money, error) {
	for _, a := range []xmlAmount{t.Amount, t.Booked, t.Instructed} {
		if strings.TrimSpace(a.Currency) == string(account) {
			return parseAmount(a)
		}
	}
	return paywall.Money{Currency: account}, nil
}

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
	case r.none() && !(e.Credit && r.returned):
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

// bankReference is what the bank calls something, "" if it only fills the field.
func bankReference(text string) string {
	s := strings.Join(strings.Fields(text), " ")
	switch strings.ToUpper(s) {
	case "NONREF", "NOREF", "NONE", "NOTPROVIDED", "NOT PROVIDED", "N/A":
		return ""
	}
	if strings.Trim(s, "0-. ") == "" || len(s) > 4*35 {
		return ""
	}
	return s
}

// day is the first day that is one, at 00:00 UTC.
func day(dates ...xmlDate) time.Time {
	for _, d := range dates {
		text := strings.TrimSpace(d.Day + d.Time)
		if parsed, err := time.Parse(time.DateOnly, text[:min(len(text), len(time.DateOnly))]); err == nil {
			return parsed
		}
	}
	return time.Time{}
}

// parseAmount reads a decimal of XML Schema: unlike ours, it may lack digits on one side
// of the point.
func parseAmount(a xmlAmount) (paywall.Money, error) {
	units, fraction, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(a.Value), "+"), ".")
	if units == "" && fraction != "" {
		units = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		fraction = "." + fraction
	}
	currency := paywall.Currency(strings.TrimSpace(a.Currency))
	m, err := paywall.ParseMoney(units+fraction, currency)
	if err != nil || m.Micros < 0 || len(currency) != 3 {
		return paywall.Money{}, paywall.Errorf(paywall.CodeMalformed, "the statement has an amount (%.32q %.8q) that is none; ask the bank for a valid file", a.Value, a.Currency)
	}
	return m, nil
}

// digest is a short name of several texts.
func digest(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:])
}
