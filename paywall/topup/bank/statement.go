package bank

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/tuppence/tuppence/paywall"
)

// Statement is what a bank's file says about the account.
type Statement struct {
	Format        string  // such as camt.053.001.08
	Entries       []Entry // oldest first, as the bank lists them
	OtherAccounts int     // statements of other accounts in the same file, left out
}

// Movements are those that are sure. Booking them again changes nothing.
func (s Statement) Movements() []paywall.Movement {
	var movements []paywall.Movement
	for _, e := range s.Entries {
		if e.Matter == Sure {
			movements = append(movements, e.Movement())
		}
	}
	return movements
}

// Of are the entries of one matter.
func (s Statement) Of(m Matter) []Entry {
	var entries []Entry
	for _, e := range s.Entries {
		if e.Matter == m {
			entries = append(entries, e)
		}
	}
	return entries
}

// format is a namespace of the versions that are known: .02 (2009) to .13.
var format = regexp.MustCompile(`camt\.(05[234])\.001\.(?:0[2-9]|1[0-3])\b`)

// reportElements are the elements of one account's entries, and the element that they
// stand in, by the message.
var reportElements = map[string][2]string{
	"052": {"BkToCstmrAcctRpt", "Rpt"},
	"053": {"BkToCstmrStmt", "Stmt"},
	"054": {"BkToCstmrDbtCdtNtfctn", "Ntfctn"},
}

// The elements that are read. Parties are not among them.
type (
	xmlAccount struct {
		IBAN  string `xml:"Id>IBAN"`
		Other string `xml:"Id>Othr>Id"`
	}
	xmlAmount struct {
		Value    string `xml:",chardata"`
		Currency string `xml:"Ccy,attr"`
	}
	xmlDate struct {
		Day  string `xml:"Dt"`
		Time string `xml:"DtTm"`
	}
	xmlStatus struct {
		Text string `xml:",chardata"` // to version .07
		Code string `xml:"Cd"`        // from version .08
	}
	xmlEntry struct {
		Amount    xmlAmount    `xml:"Amt"`
		Direction string       `xml:"CdtDbtInd"`
		Reversal  string       `xml:"RvslInd"`
		Status    xmlStatus    `xml:"Sts"`
		Booked    xmlDate      `xml:"BookgDt"`
		Valued    xmlDate      `xml:"ValDt"`
		Reference string       `xml:"AcctSvcrRef"`
		Details   []xmlDetails `xml:"NtryDtls"`
		Info      string       `xml:"AddtlNtryInf"`
	}
	xmlDetails struct {
		Count        string           `xml:"Btch>NbOfTxs"`
		Transactions []xmlTransaction `xml:"TxDtls"`
	}
	xmlTransaction struct {
		Reference  string      `xml:"Refs>AcctSvcrRef"`
		EndToEnd   string      `xml:"Refs>EndToEndId"`
		Amount     xmlAmount   `xml:"Amt"` // from version .03
		Booked     xmlAmount   `xml:"AmtDtls>TxAmt>Amt"`
		Instructed xmlAmount   `xml:"AmtDtls>InstdAmt>Amt"`
		Direction  string      `xml:"CdtDbtInd"`
		Text       []string    `xml:"RmtInf>Ustrd"`
		Structured []xmlStruct `xml:"RmtInf>Strd"`
		Return     *struct{}   `xml:"RtrInf"`
		Info       string      `xml:"AddtlTxInf"`
	}
	xmlStruct struct {
		Reference string   `xml:"CdtrRefInf>Ref"`
		Info      []string `xml:"AddtlRmtInf"`
	}
)

// Parse reads a camt.052, .053 or .054 file about the way's account. What it refuses
// carries a code of package paywall and says what to do; errors of r are answered as
// they are, and the file can be read again.
func (w *Way) Parse(r io.Reader) (Statement, error) {
	decoder, bounded := newDecoder(r)
	p := parser{way: w, decoder: decoder, made: map[string]int{}}
	err := p.document()
	if bounded.failed != nil {
		return Statement{}, bounded.failed
	}
	if err != nil {
		if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
			syntax.Line = bounded.line // the decoder of tokens knows no lines
		}
		if refused, ok := errors.AsType[*paywall.Error](err); ok {
			return Statement{}, refused
		}
		return Statement{}, paywall.Errorf(paywall.CodeMalformed, "this is no whole statement in XML: %w", err)
	}
	switch {
	case p.statement.Format == "":
		return Statement{}, paywall.Errorf(paywall.CodeMalformed, "this is no bank statement of camt.052, .053 or .054, versions .02 to .13; ask the bank for one of these")
	case p.reports == 0 && p.otherAccount != "":
		return Statement{}, paywall.Errorf(paywall.CodeConflict, "the statement is about an account that ends in %s, and the one here ends in %s; take the file of the right account, or change the IBAN in the configuration",
			ending(p.otherAccount), ending(w.config.IBAN))
	case p.reports == 0:
		return Statement{}, paywall.Errorf(paywall.CodeMalformed, "the statement names no account; ask the bank for a whole one")
	}
	p.statement.Entries = settle(p.statement.Entries, p.report)
	return p.statement, nil
}

// parser walks through one file.
type parser struct {
	way          *Way
	decoder      *xml.Decoder
	statement    Statement
	reports      int            // of the account, so far
	report       []int          // in which of them each entry stands
	inAccount    bool           // the report that is read is of the account
	otherAccount string         // of another report
	made         map[string]int // how often a key was made in this report
}

// document reads tokens to the end. Elements are told by where they stand, so that an
// account or an entry in a bank's own additions is none.
func (p *parser) document() error {
	var path []xml.Name
	var message [2]string
	for {
		token, err := p.decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.StartElement:
			if found := format.FindStringSubmatch(token.Name.Space); found != nil && token.Name.Local == "Document" {
				p.statement.Format, message = found[0], reportElements[found[1]]
			}
			read, err := p.element(path, token, message)
			if err != nil {
				return err
			}
			if !read {
				path = append(path, token.Name)
			}
		}
	}
}

// element reads an account or an entry as a whole and reports whether it did.
func (p *parser) element(path []xml.Name, start xml.StartElement, message [2]string) (read bool, err error) {
	n := len(path)
	if n >= 2 && start.Name.Local == message[1] && path[n-1].Local == message[0] && path[n-2].Local == "Document" {
		p.inAccount = false
		clear(p.made)
		return false, nil
	}
	if n < 3 || path[n-1].Local != message[1] || path[n-2].Local != message[0] || path[n-3].Local != "Document" {
		return false, nil
	}
	switch start.Name.Local {
	case "Acct":
		var account xmlAccount
		if err := p.decoder.DecodeElement(&account, &start); err != nil {
			return false, err
		}
		p.account(account)
		return true, nil
	case "Ntry":
		if !p.inAccount {
			return true, p.decoder.Skip()
		}
		var entry xmlEntry
		if err := p.decoder.DecodeElement(&entry, &start); err != nil {
			return false, err
		}
		return true, p.entry(entry)
	}
	return false, nil
}

func (p *parser) account(a xmlAccount) {
	number := alphanumerics(a.IBAN + a.Other)
	if p.inAccount = number == p.way.config.IBAN; p.inAccount {
		p.reports++
		return
	}
	p.otherAccount = number
	p.statement.OtherAccounts++
}

// ending is the part of an account's number that tells it from others and gives nothing away.
func ending(number string) string {
	if number = strings.TrimSpace(number); len(number) > 4 {
		return number[len(number)-4:]
	}
	return number
}
