// Package pretend writes statements as banks do, for tests and the demo.
package pretend

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// Statement is a file about one account.
type Statement struct {
	Message  string // camt.052, camt.053 or camt.054; "" is camt.053
	Version  int    // from 2 to 13; 0 is 8
	IBAN     string
	Currency paywall.Currency
	Made     time.Time
	Entries  []Entry
}

// Entry is a transfer on the account, or several that the bank sums up.
type Entry struct {
	Reference string // the bank's (AcctSvcrRef)
	Amount    paywall.Money
	Debit     bool
	Status    string // "" is BOOK
	Booked    time.Time
	Reversal  bool
	Info      string // AddtlNtryInf
	Count     int    // of transfers in it (NbOfTxs), if above zero
	Transfers []Transfer
}

// Transfer is what a bank knows of one transfer.
type Transfer struct {
	Reference  string // the bank's (AcctSvcrRef)
	EndToEnd   string
	Amount     paywall.Money
	Structured string // creditor reference (RF)
	Text       []string
	Returned   bool // RtrInf
	Payer      string
	PayerIBAN  string
}

// Transferred is a booked credit with one transfer in it.
func Transferred(bankReference string, amount paywall.Money, booked time.Time, reference string) Entry {
	return Entry{
		Reference: bankReference, Amount: amount, Booked: booked,
		Transfers: []Transfer{{Amount: amount, Structured: reference, Payer: "Erika Mustermann", PayerIBAN: "DE02120300000000202051"}},
	}
}

// XML is the file, valid by the standard's schema if its entries are.
func (s Statement) XML() []byte {
	message, version := s.Message, s.Version
	if message == "" {
		message = "camt.053"
	}
	if version == 0 {
		version = 8
	}
	root, report := "BkToCstmrStmt", "Stmt"
	switch message {
	case "camt.052":
		root, report = "BkToCstmrAcctRpt", "Rpt"
	case "camt.054":
		root, report = "BkToCstmrDbtCdtNtfctn", "Ntfctn"
	}
	made := s.Made.UTC().Format("2006-01-02T15:04:05Z")
	id := "S" + s.Made.UTC().Format("20060102150405")
	parts := []string{leaf("Id", id), leaf("CreDtTm", made), element("Acct", element("Id", leaf("IBAN", s.IBAN)))}
	if message == "camt.053" {
		parts = append(parts, element("Bal", element("Tp", element("CdOrPrtry", leaf("Cd", "CLBD"))),
			amount(paywall.Money{Currency: s.Currency}), leaf("CdtDbtInd", "CRDT"), element("Dt", leaf("Dt", s.Made.UTC().Format(time.DateOnly)))))
	}
	for _, e := range s.Entries {
		parts = append(parts, e.xml(version))
	}
	return fmt.Appendf(nil, "%s<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:%s.001.%02d\">%s</Document>\n", xml.Header, message, version,
		element(root, element("GrpHdr", leaf("MsgId", id), leaf("CreDtTm", made)), element(report, parts...)))
}

func (e Entry) xml(version int) string {
	status := e.Status
	if status == "" {
		status = "BOOK"
	}
	if version >= 8 {
		status = element("Sts", leaf("Cd", status))
	} else {
		status = leaf("Sts", status)
	}
	direction := leaf("CdtDbtInd", "CRDT")
	if e.Debit {
		direction = leaf("CdtDbtInd", "DBIT")
	}
	parts := []string{amount(e.Amount), direction}
	if e.Reversal {
		parts = append(parts, leaf("RvslInd", "true"))
	}
	parts = append(parts, status)
	if !e.Booked.IsZero() {
		parts = append(parts, element("BookgDt", leaf("Dt", e.Booked.Format(time.DateOnly))))
	}
	parts = append(parts, leaf("AcctSvcrRef", e.Reference),
		element("BkTxCd", element("Domn", leaf("Cd", "PMNT"), element("Fmly", leaf("Cd", "RCDT"), leaf("SubFmlyCd", "ESCT")))))
	var details []string
	if e.Count > 0 {
		details = append(details, element("Btch", leaf("NbOfTxs", fmt.Sprint(e.Count))))
	}
	for _, t := range e.Transfers {
		details = append(details, t.xml(version, direction))
	}
	return element("Ntry", append(parts, element("NtryDtls", details...), leaf("AddtlNtryInf", e.Info))...)
}

func (t Transfer) xml(version int, direction string) string {
	parts := []string{element("Refs", leaf("AcctSvcrRef", t.Reference), leaf("EndToEndId", t.EndToEnd))}
	switch {
	case t.Amount.IsZero():
	case version == 2:
		parts = append(parts, element("AmtDtls", element("TxAmt", amount(t.Amount))))
	default:
		parts = append(parts, amount(t.Amount), direction)
	}
	party := leaf("Nm", t.Payer)
	if version >= 8 {
		party = element("Pty", party)
	}
	parts = append(parts, element("RltdPties", element("Dbtr", party), element("DbtrAcct", element("Id", leaf("IBAN", t.PayerIBAN)))))
	var remittance strings.Builder
	for _, line := range t.Text {
		remittance.WriteString(leaf("Ustrd", line))
	}
	if t.Structured != "" {
		remittance.WriteString(element("Strd", element("CdtrRefInf", element("Tp", element("CdOrPrtry", leaf("Cd", "SCOR"))), leaf("Ref", t.Structured))))
	}
	parts = append(parts, element("RmtInf", remittance.String()))
	if t.Returned {
		parts = append(parts, element("RtrInf", element("Rsn", leaf("Cd", "AC04"))))
	}
	return element("TxDtls", parts...)
}

// element holds its parts; without any it is left out.
func element(name string, parts ...string) string {
	inner := strings.Join(parts, "")
	if inner == "" {
		return ""
	}
	return "<" + name + ">" + inner + "</" + name + ">"
}

// leaf holds a text; without one it is left out.
func leaf(name, text string) string {
	if text == "" {
		return ""
	}
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a builder takes everything
	return element(name, b.String())
}

func amount(m paywall.Money) string {
	return fmt.Sprintf(`<Amt Ccy="%s">%s</Amt>`, m.Currency, m)
}
