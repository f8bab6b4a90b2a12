package bank_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup/bank/pretend"
)

// TestFileOfAnotherAccountIsRefused; in a file of several, only ours is read.
func TestFileOfAnotherAccountIsRefused(t *testing.T) {
	ours := statement(pretend.Transferred("1", euros(t, "5"), today, reference(t, newIntent())))
	other := ours
	other.IBAN = "DE02120300000000202051"
	_, err := newWay(t).Parse(bytes.NewReader(other.XML()))
	if paywall.ErrorCode(err) != paywall.CodeConflict || !strings.Contains(err.Error(), "ends in 2051, and the one here ends in 3000") || strings.Contains(err.Error(), other.IBAN) {
		t.Errorf("another account: %v", err)
	}
	file, theirs := string(ours.XML()), string(other.XML())
	theirs = theirs[strings.Index(theirs, "<Stmt>") : strings.Index(theirs, "</Stmt>")+len("</Stmt>")]
	for _, both := range []string{strings.Replace(file, "<Stmt>", theirs+"<Stmt>", 1), strings.Replace(file, "</Stmt>", "</Stmt>"+theirs, 1)} {
		got, err := newWay(t).Parse(strings.NewReader(both))
		if err != nil || got.OtherAccounts != 1 || len(got.Entries) != 1 {
			t.Errorf("two accounts: %+v, %v", got, err)
		}
	}
}

// TestEnvelopesAndCharsetsOfBanksAreRead: some wrap the document, some write Latin-1.
func TestEnvelopesAndCharsetsOfBanksAreRead(t *testing.T) {
	e := pretend.Transferred("1", euros(t, "5"), today, reference(t, newIntent()))
	e.Transfers[0].Payer = "Jürgen Müller"
	file := string(statement(e).XML())
	body := strings.TrimPrefix(file, `<?xml version="1.0" encoding="UTF-8"?>`)
	latin := strings.NewReplacer("ü", "\xfc").Replace(body)
	for name, text := range map[string]string{
		"byte order mark": "\ufeff" + file,
		"no declaration":  body,
		"Latin-1":         `<?xml version="1.0" encoding="ISO-8859-1"?>` + latin,
		"Latin-9":         `<?xml version="1.0" encoding="iso-8859-15"?>` + latin,
		"envelope":        "<Envelope><AppHdr/>" + body + "</Envelope>",
		"prefixes":        strings.NewReplacer("</", "</c:", "<", "<c:", "xmlns=", "xmlns:c=").Replace(body),
	} {
		got, err := newWay(t).Parse(strings.NewReader(text))
		if err != nil || len(got.Movements()) != 1 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestWhatIsNoStatementIsRefusedInWords, within bounds, and nothing of it is read.
func TestWhatIsNoStatementIsRefusedInWords(t *testing.T) {
	file := string(statement(pretend.Transferred("1", euros(t, "5"), today, reference(t, newIntent()))).XML())
	bomb := `<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>` + file[strings.Index(file, "<Document"):]
	for name, c := range map[string]struct {
		file io.Reader
		code paywall.Code
		want string
	}{
		"empty":             {strings.NewReader(""), paywall.CodeMalformed, "camt.052, .053 or .054"},
		"MT940":             {strings.NewReader(":20:STARTUMS\n:25:37040044/532013000\n"), paywall.CodeMalformed, "camt.052, .053 or .054"},
		"a web page":        {strings.NewReader("<html><body>Log in</body></html>"), paywall.CodeMalformed, "camt.052, .053 or .054"},
		"orders":            {strings.NewReader(strings.ReplaceAll(file, "camt.053", "pain.001")), paywall.CodeMalformed, "camt.052, .053 or .054"},
		"version .14":       {strings.NewReader(strings.ReplaceAll(file, "001.08", "001.14")), paywall.CodeMalformed, "versions .02 to .13"},
		"torn":              {strings.NewReader(file[:len(file)*2/3]), paywall.CodeMalformed, "no whole statement"},
		"torn at the end":   {strings.NewReader(strings.TrimSuffix(strings.TrimSpace(file), "</Document>")), paywall.CodeMalformed, "no whole statement"},
		"no account":        {strings.NewReader(strings.Replace(file, "<IBAN>"+account+"</IBAN>", "", 1)), paywall.CodeMalformed, "no account"},
		"entities":          {strings.NewReader(bomb), paywall.CodeMalformed, "document type"},
		"unknown entity":    {strings.NewReader(strings.Replace(file, "Erika", "&e;", 1)), paywall.CodeMalformed, "no whole statement"},
		"charset":           {strings.NewReader(strings.Replace(file, "UTF-8", "EBCDIC", 1)), paywall.CodeMalformed, "ask the bank for UTF-8"},
		"comma":             {strings.NewReader(strings.Replace(file, ">5.00<", ">5,00<", 1)), paywall.CodeMalformed, `"5,00"`},
		"below zero":        {strings.NewReader(strings.Replace(file, ">5.00<", ">-5.00<", 1)), paywall.CodeMalformed, `"-5.00"`},
		"no currency":       {strings.NewReader(strings.ReplaceAll(file, ` Ccy="EUR"`, "")), paywall.CodeMalformed, "amount"},
		"neither":           {strings.NewReader(strings.ReplaceAll(file, "CRDT", "BOTH")), paywall.CodeMalformed, "neither a credit"},
		"a deep hole":       {io.MultiReader(strings.NewReader(file[:strings.Index(file, "<Ntry>")]), &endless{text: "<a>"}), paywall.CodeMalformed, "deeper"},
		"one long text":     {io.MultiReader(strings.NewReader("<Document>"), &endless{text: "a"}), paywall.CodeTooLarge, "64 kB"},
		"one long tag":      {io.MultiReader(strings.NewReader("<Document "), &endless{text: `a="b" `}), paywall.CodeTooLarge, "64 kB"},
		"names without end": {io.MultiReader(strings.NewReader(file[:strings.Index(file, "<Ntry>")]), &endless{text: "<Ntry></Ntry>"}), paywall.CodeMalformed, "amount"},
	} {
		got, err := newWay(t).Parse(c.file)
		if paywall.ErrorCode(err) != c.code || !strings.Contains(err.Error(), c.want) || len(got.Entries) != 0 {
			t.Errorf("%s: %v, want %s and %q; read %d entries", name, err, c.code, c.want, len(got.Entries))
		}
	}
}

// TestEndlessFileIsLeftEarly: no more of it is read than its bound says.
func TestEndlessFileIsLeftEarly(t *testing.T) {
	for text, most := range map[string]int{
		"<a>": 10_000, "a": 100_000, `<a b="c" `: 100_000, "<a>" + strings.Repeat("a", 60_000) + "</a>": 65 << 20,
	} {
		file := &endless{text: text}
		if _, err := newWay(t).Parse(io.MultiReader(strings.NewReader("<Document>"), file)); err == nil || file.read > most {
			t.Errorf("%.10q: %v, after %d bytes, want at most %d", text, err, file.read, most)
		}
	}
}

// endless repeats a text for ever.
type endless struct {
	text     string
	at, read int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.text[e.at]
		e.at = (e.at + 1) % len(e.text)
	}
	e.read += len(p)
	return len(p), nil
}

// TestFailingDiskIsNoRefusal: the same file can be read again.
func TestFailingDiskIsNoRefusal(t *testing.T) {
	file := statement(pretend.Transferred("1", euros(t, "5"), today, reference(t, newIntent()))).XML()
	broken := errors.New("the disk is gone")
	_, err := newWay(t).Parse(io.MultiReader(bytes.NewReader(file[:500]), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if _, refused := errors.AsType[*paywall.Error](err); refused {
		t.Errorf("a failing disk refuses the file: %v", err)
	}
}
