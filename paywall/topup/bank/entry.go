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
	}
	p.add(r)
	return nil
}

// batch reads an entry that sums up several transfers.
func (p *parser) batch(sum reading, x xmlEntry, transactions []xmlTransaction) error {
	parts, addUp, err := split(sum, transactions)
	if err != nil {
		return err
	}
	uses := map[string]int{}
	for _, t := range transactions {
		uses[bankReference(t.Reference)]++
	}
	entryID := bankReference(x.Reference)
	digests := map[string]int{}
	for i, t := range transactions {
		r := parts[i]
		if !addUp {
			r.doubt = "the transfers that the bank lists in one entry do not add up to its amount"
		}
		r.transaction(t)
		if own := bankReference(t.Reference); own != "" && own != entryID && uses[own] == 1 {
			r.ID = own
		} else if entryID != "" && r.single() != "" {
			key := digest(entryID, r.single())
			digests[key]++
			r.ID = fmt.Sprintf("%s/%s-%d", entryID, key[:16], digests[key])
		}
		p.add(r)
	}
	return nil
}

// split gives each transfer of an entry its amount and direction. What the entry says was
// booked decides: some banks give transfers the direction that they had for the other
// side. addUp is false if neither reading makes the entry's amount.
func split(sum reading, transactions []xmlTransaction) (parts []reading, addUp bool, err error) {
	alike, mixed := paywall.Money{Currency: sum.Amount.Currency}, paywall.Money{Currency: sum.Amount.Currency}
	directions := make([]bool, len(transactions))
	for i, t := range transactions {
		part := sum
		if part.Amount, err = t.amount(sum.Amount.Currency); err != nil {
			return nil, false, err
		}
		parts = append(parts, part)
		if alike, err = alike.Add(part.Amount); err != nil {
			return nil, false, err
		}
		direction := strings.TrimSpace(t.Direction)
		directions[i] = sum.Credit
		if direction != "" {
			directions[i] = direction == "CRDT"
		}
		if directions[i] != sum.Credit {
			part.Amount = part.Amount.Neg()
		}
		if mixed, err = mixed.Add(part.Amount); err != nil {
			return nil, false, err
		}
	}
	if alike == sum.Amount {
		return parts, true, nil
	}
	for i := range parts {
		parts[i].Credit = directions[i]
	}
	return parts, mixed == sum.Amount, nil
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
