package bank_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup/bank"
	"github.com/tuppence/tuppence/paywall/topup/bank/pretend"
)

var today = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)

// statement is a file of the account with these entries.
func statement(entries ...pretend.Entry) pretend.Statement {
	return pretend.Statement{IBAN: account, Currency: "EUR", Made: today.Add(18 * time.Hour), Entries: entries}
}

func parse(t testing.TB, s pretend.Statement) bank.Statement {
	t.Helper()
	got, err := newWay(t).Parse(bytes.NewReader(s.XML()))
	if err != nil {
		t.Fatalf("%v\n%s", err, s.XML())
	}
	return got
}

// one is the only entry of a file with that entry alone.
func one(t testing.TB, e pretend.Entry) bank.Entry {
	t.Helper()
	got := parse(t, statement(e))
	if len(got.Entries) != 1 {
		t.Fatalf("%d entries: %+v", len(got.Entries), got.Entries)
	}
	return got.Entries[0]
}

// TestTransferIsReadAlikeFromEveryFormatAndVersion is what makes a second file harmless.
func TestTransferIsReadAlikeFromEveryFormatAndVersion(t *testing.T) {
	intent := newIntent()
	e := pretend.Transferred("2026112712345", euros(t, "5.00"), today, reference(t, intent))
	want := paywall.Movement{
		Way: "bank", Kind: paywall.MovedPayment, ID: "2026112712345", Payment: "2026112712345", Intent: intent, Amount: euros(t, "5"), At: today,
	}
	for _, message := range []string{"camt.052", "camt.053", "camt.054"} {
		for version := 2; version <= 13; version++ {
			s := statement(e)
			s.Message, s.Version = message, version
			got := parse(t, s)
			if movements := got.Movements(); len(movements) != 1 || movements[0] != want {
				t.Errorf("%s version %d: %+v, want %+v", message, version, got, want)
			}
			if got.Format != fmt.Sprintf("%s.001.%02d", message, version) {
				t.Errorf("%s version %d calls itself %s", message, version, got.Format)
			}
		}
	}
}

// TestSameTransferHasOneIDWhereverTheBankWritesIt: on the entry, on the transaction, alone
// or in a sum, whatever order and day.
func TestSameTransferHasOneIDWhereverTheBankWritesIt(t *testing.T) {
	first, second := newIntent(), newIntent()
	a := pretend.Transfer{Reference: "TX-A", Amount: euros(t, "5"), Structured: reference(t, first)}
	b := pretend.Transfer{Reference: "TX-B", Amount: euros(t, "10"), Structured: reference(t, second)}
	unnamed := func(t pretend.Transfer) pretend.Transfer { t.Reference = ""; return t }
	named := func(t pretend.Transfer, name string) pretend.Transfer { t.Reference = name; return t }
	sum := func(ts ...pretend.Transfer) []pretend.Entry {
		return []pretend.Entry{{Reference: "SUM", Amount: euros(t, "15"), Booked: today, Count: len(ts), Transfers: ts}}
	}
	single := func(reference string, tr pretend.Transfer, day time.Time) []pretend.Entry {
		return []pretend.Entry{{Reference: reference, Amount: tr.Amount, Booked: day, Transfers: []pretend.Transfer{tr}}}
	}
	for name, files := range map[string][2][]pretend.Entry{
		"without and with its transaction's name": {single("E", unnamed(a), today), single("E", a, today)},
		"on the transaction only":                 {single("", a, today), single("NONREF", a, today)},
		"another day":                             {single("E", a, today), single("E", a, today.AddDate(0, 0, 1))},
		"in a sum and alone":                      {sum(a, b), append(single("TX-A", unnamed(a), today), single("TX-B", unnamed(b), today)...)},
		"a sum in another order":                  {sum(a, b), sum(b, a)},
		"a sum without names in another order":    {sum(unnamed(a), unnamed(b)), sum(unnamed(b), unnamed(a))},
		"a sum with one name for all":             {sum(named(a, "SUM"), named(b, "SUM")), sum(unnamed(b), unnamed(a))},
	} {
		var ids [2]map[string]string
		for i, entries := range files {
			ids[i] = map[string]string{}
			for _, m := range parse(t, statement(entries...)).Movements() {
				ids[i][m.Intent] = m.ID
			}
			if len(ids[i]) == 0 || ids[i][first] == "" {
				t.Errorf("%s: file %d books %v", name, i, ids[i])
			}
		}
		if fmt.Sprint(ids[0]) != fmt.Sprint(ids[1]) {
			t.Errorf("%s: %v, and then %v", name, ids[0], ids[1])
		}
	}
}

// TestReferenceIsFoundWhereverAPayerWritesIt, in any case, spaced, cut into lines.
func TestReferenceIsFoundWhereverAPayerWritesIt(t *testing.T) {
	intent := newIntent()
	r := reference(t, intent)
	spaced := strings.ToLower(r[:4] + " " + r[4:8] + " " + r[8:12] + " " + r[12:16] + " " + r[16:])
	for name, tr := range map[string]pretend.Transfer{
		"structured":           {Structured: r},
		"structured, spaced":   {Structured: spaced},
		"free text":            {Text: []string{"reading credit " + spaced + " thanks"}},
		"cut into two lines":   {Text: []string{"reading credit " + r[:9], r[9:] + " thanks"}},
		"end-to-end reference": {EndToEnd: r},
		"twice":                {EndToEnd: r, Structured: r, Text: []string{r}},
	} {
		tr.Amount = euros(t, "5")
		e := one(t, pretend.Entry{Reference: "E", Amount: euros(t, "5"), Booked: today, Transfers: []pretend.Transfer{tr}})
		if e.Intent != intent || e.Matter != bank.Sure {
			t.Errorf("%s: %+v", name, e)
		}
	}
	e := one(t, pretend.Entry{Reference: "E", Amount: euros(t, "5"), Booked: today, Info: "SEPA transfer " + r})
	if e.Intent != intent || e.Matter != bank.Sure {
		t.Errorf("words of the bank: %+v", e)
	}
}

// TestMoneyThatCameIsBookedAsItCame: twice is two payments, another amount is that
// amount, a reference that is mistyped or one of several is a payment of nobody yet.
func TestMoneyThatCameIsBookedAsItCame(t *testing.T) {
	intent := newIntent()
	r := reference(t, intent)
	wrong := "RF02" + r[4:]
	if r[2:4] == "02" {
		wrong = "RF03" + r[4:]
	}
	got := parse(t, statement(
		pretend.Transferred("1", euros(t, "5.00"), today, r),
		pretend.Transferred("2", euros(t, "5.00"), today, r),
		pretend.Transferred("3", euros(t, "4.99"), today, r),
		pretend.Transferred("4", euros(t, "5.00"), today, wrong),
		pretend.Entry{Reference: "5", Amount: euros(t, "10"), Booked: today, Transfers: []pretend.Transfer{{Text: []string{r, "and", reference(t, newIntent())}}}},
	))
	movements := got.Movements()
	if len(movements) != 5 {
		t.Fatalf("%d movements: %+v", len(movements), got.Entries)
	}
	for i, want := range []struct{ intent, amount string }{{intent, "5.00"}, {intent, "5.00"}, {intent, "4.99"}, {"", "5.00"}, {"", "10.00"}} {
		m := movements[i]
		if m.Kind != paywall.MovedPayment || m.ID != fmt.Sprint(i+1) || m.Payment != m.ID || m.Intent != want.intent || m.Amount.String() != want.amount {
			t.Errorf("movement %d: %+v, want %+v", i, m, want)
		}
	}
}

// TestAccountHasALifeOfItsOwn: what has no reference of ours is listed and never booked.
func TestAccountHasALifeOfItsOwn(t *testing.T) {
	got := parse(t, statement(
		pretend.Entry{Reference: "1", Amount: euros(t, "2500"), Booked: today, Debit: true, Transfers: []pretend.Transfer{{Text: []string{"Salary November"}}}},
		pretend.Entry{Reference: "2", Amount: euros(t, "900"), Booked: today, Debit: true, Transfers: []pretend.Transfer{{Text: []string{"Rent"}}}},
		pretend.Entry{Reference: "3", Amount: euros(t, "312.40"), Booked: today, Transfers: []pretend.Transfer{{Text: []string{"STRIPE PAYOUT"}}}},
		pretend.Entry{Reference: "4", Amount: euros(t, "119"), Booked: today, Transfers: []pretend.Transfer{{Structured: "RF18539007547034"}}},
		pretend.Entry{Reference: "5", Amount: euros(t, "0"), Booked: today},
		pretend.Entry{Amount: euros(t, "3.90"), Booked: today, Debit: true, Info: "Account fee"},
	))
	if len(got.Movements()) != 0 || len(got.Of(bank.NotOurs)) != 6 {
		t.Errorf("%+v", got.Entries)
	}
}

// TestMoneyThatWentBackIsARefund: a debit with a reference of ours is money sent back,
// and when that transfer comes back, it is in the account again.
func TestMoneyThatWentBackIsARefund(t *testing.T) {
	intent := newIntent()
	tr := pretend.Transfer{Amount: euros(t, "3.20"), Text: []string{"Money back " + reference(t, intent)}}
	sent := one(t, pretend.Entry{Reference: "OUT", Amount: euros(t, "3.20"), Booked: today, Debit: true, Transfers: []pretend.Transfer{tr}})
	want := paywall.Movement{Way: "bank", Kind: paywall.MovedRefund, ID: "OUT", Intent: intent, Amount: euros(t, "3.20"), At: today}
	if sent.Matter != bank.Sure || sent.Movement() != want {
		t.Errorf("sent: %+v, %+v", sent, sent.Movement())
	}
	reversed := one(t, pretend.Entry{Reference: "REV", Amount: euros(t, "3.20"), Booked: today, Debit: true, Reversal: true, Transfers: []pretend.Transfer{tr}})
	if m := reversed.Movement(); reversed.Matter != bank.Sure || m.Kind != paywall.MovedRefund || m.Intent != intent {
		t.Errorf("a credit that the bank took back: %+v", reversed)
	}
	tr.Returned = true
	back := one(t, pretend.Entry{Reference: "BACK", Amount: euros(t, "3.20"), Booked: today, Transfers: []pretend.Transfer{tr}})
	if m := back.Movement(); back.Matter != bank.Sure || m.Kind != paywall.MovedPayment || m.Intent != intent || m.Payment != "BACK" {
		t.Errorf("came back: %+v, %+v", back, m)
	}
}

// TestWhatIsNotSureNeedsAPerson, who is told why.
func TestWhatIsNotSureNeedsAPerson(t *testing.T) {
	r := reference(t, newIntent())
	tr := pretend.Transfer{Amount: euros(t, "5"), Structured: r}
	wrong := "RF02" + r[4:]
	if r[2:4] == "02" {
		wrong = "RF03" + r[4:]
	}
	five := func(change func(*pretend.Entry)) pretend.Entry {
		e := pretend.Entry{Reference: "E", Amount: euros(t, "5"), Booked: today, Transfers: []pretend.Transfer{tr}}
		change(&e)
		return e
	}
	for name, c := range map[string]struct {
		entry  pretend.Entry
		matter bank.Matter
		why    string
	}{
		"pending":                  {five(func(e *pretend.Entry) { e.Status = "PDNG" }), bank.Pending, "not booked it yet (PDNG)"},
		"information only":         {five(func(e *pretend.Entry) { e.Status = "INFO" }), bank.Pending, "INFO"},
		"no reference of the bank": {five(func(e *pretend.Entry) { e.Reference = "NOTPROVIDED" }), bank.NeedsPerson, "AcctSvcrRef"},
		"no day":                   {five(func(e *pretend.Entry) { e.Booked = time.Time{} }), bank.NeedsPerson, "which day"},
		"several as one":           {five(func(e *pretend.Entry) { e.Count = 3 }), bank.NeedsPerson, "lists 3 transfers as one"},
		"other currency":           {five(func(e *pretend.Entry) { e.Amount = money(t, "5", "CHF") }), bank.OtherCurrency, "it is in CHF, and the ledger keeps EUR"},
		"no amount":                {five(func(e *pretend.Entry) { e.Amount = euros(t, "0") }), bank.NeedsPerson, "how much"},
		"mistyped and sent back":   {five(func(e *pretend.Entry) { e.Debit, e.Transfers[0].Structured = true, wrong }), bank.NeedsPerson, "mistyped"},
		"returned, without a word": {five(func(e *pretend.Entry) {
			e.Transfers = []pretend.Transfer{{Returned: true}}
		}), bank.NeedsPerson, "came back"},
		"reversed, without a word": {five(func(e *pretend.Entry) { e.Reversal, e.Transfers = true, nil }), bank.NeedsPerson, "came back"},
	} {
		e := one(t, c.entry)
		if e.Matter != c.matter || !strings.Contains(e.Why, c.why) || e.ID == "" {
			t.Errorf("%s: %+v, want %s and %q", name, e, c.matter, c.why)
		}
		if m := parse(t, statement(c.entry)).Movements(); len(m) != 0 {
			t.Errorf("%s: booked: %+v", name, m)
		}
	}
	sum := parse(t, statement(pretend.Entry{Reference: "E", Amount: euros(t, "12"), Booked: today, Transfers: []pretend.Transfer{tr, tr}}))
	if len(sum.Movements()) != 0 || len(sum.Of(bank.NeedsPerson)) != 2 || !strings.Contains(sum.Entries[0].Why, "do not add up") {
		t.Errorf("a sum that is none: %+v", sum.Entries)
	}
}

// TestEntryDecidesWhichWayItsTransfersWent: some banks give them the direction that they
// had for the other side.
func TestEntryDecidesWhichWayItsTransfersWent(t *testing.T) {
	first, second := newIntent(), newIntent()
	a := pretend.Transfer{Reference: "A", Amount: euros(t, "10"), Structured: reference(t, first)}
	b := pretend.Transfer{Reference: "B", Amount: euros(t, "4"), Structured: reference(t, second)}
	sum := pretend.Entry{Reference: "S", Amount: euros(t, "14"), Debit: true, Booked: today, Transfers: []pretend.Transfer{a, b}}
	file := string(statement(sum).XML())
	opposite := strings.ReplaceAll(file, `</Amt><CdtDbtInd>DBIT</CdtDbtInd><RltdPties>`, `</Amt><CdtDbtInd>CRDT</CdtDbtInd><RltdPties>`)
	sum.Amount, sum.Debit = euros(t, "6"), false
	file = string(statement(sum).XML())
	taken := `>4.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>`
	mixed := strings.Replace(file, taken, strings.Replace(taken, "CRDT", "DBIT", 1), 1)
	for name, c := range map[string]struct{ file, a, b string }{
		"opposite": {opposite, "refund", "refund"},
		"mixed":    {mixed, "payment", "refund"},
	} {
		got, err := newWay(t).Parse(strings.NewReader(c.file))
		if err != nil {
			t.Fatal(err)
		}
		m := got.Movements()
		if len(m) != 2 || string(m[0].Kind) != c.a || string(m[1].Kind) != c.b || m[0].Intent != first || m[1].Intent != second {
			t.Errorf("%s: %+v", name, got.Entries)
		}
	}
}

// TestBankThatNamesTransfersTwiceIsNotTrusted: neither of them is booked by itself, and
// a person can book both.
func TestBankThatNamesTransfersTwiceIsNotTrusted(t *testing.T) {
	r := reference(t, newIntent())
	got := parse(t, statement(
		pretend.Transferred("E", euros(t, "5"), today, r),
		pretend.Transferred("E", euros(t, "5"), today, r),
		pretend.Transferred("E", euros(t, "5"), today, reference(t, newIntent())),
		pretend.Transferred("", euros(t, "5"), today, r),
		pretend.Transferred("", euros(t, "5"), today, r),
	))
	ids := map[string]bool{}
	for _, e := range got.Entries {
		if e.Matter != bank.NeedsPerson {
			t.Errorf("%+v", e)
		}
		ids[e.ID] = true
	}
	if len(ids) != 5 {
		t.Errorf("names for five transfers: %v", ids)
	}
	again := parse(t, statement(pretend.Transferred("", euros(t, "5"), today, r)))
	if !ids[again.Entries[0].ID] {
		t.Errorf("a name that was made is %q in another file: %v", again.Entries[0].ID, ids)
	}
}

// TestReportsThatRepeatEachOtherCountOnce: banks send all of a day again every hour.
func TestReportsThatRepeatEachOtherCountOnce(t *testing.T) {
	first, second := reference(t, newIntent()), reference(t, newIntent())
	s := statement(pretend.Transferred("1", euros(t, "5"), today, first), pretend.Transferred("2", euros(t, "5"), today, second))
	file := string(s.XML())
	report := file[strings.Index(file, "<Stmt>") : strings.Index(file, "</Stmt>")+len("</Stmt>")]
	got, err := newWay(t).Parse(strings.NewReader(strings.Replace(file, report, report+report, 1)))
	if err != nil || len(got.Movements()) != 2 || len(got.Entries) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	changed := strings.Replace(report, "5.00", "6.00", 2) // entry 1 and its transfer
	got, err = newWay(t).Parse(strings.NewReader(strings.Replace(file, report, report+changed, 1)))
	if err != nil || len(got.Movements()) != 1 || len(got.Of(bank.NeedsPerson)) != 2 {
		t.Errorf("a transfer that changed: %+v, %v", got, err)
	}
}

// TestNothingOfAPayerIsKept: neither name nor account nor words.
func TestNothingOfAPayerIsKept(t *testing.T) {
	e := pretend.Transferred("1", euros(t, "5"), today, reference(t, newIntent()))
	e.Transfers[0].Text = []string{"Greetings from Erika"}
	e.Info = "Credit from Erika Mustermann"
	unnamed := e
	unnamed.Reference = ""
	kept := fmt.Sprintf("%+v", parse(t, statement(e, unnamed)))
	for _, word := range []string{"Erika", "Mustermann", "Greetings", "DE02120300000000202051", "202051"} {
		if strings.Contains(kept, word) {
			t.Errorf("%q is kept: %s", word, kept)
		}
	}
}

// FuzzParse: whatever the file, what is sure is well-formed, and reading it twice is the same.
func FuzzParse(f *testing.F) {
	w := newWay(f)
	r := reference(f, "ABCDEFGHIJKLMNOP")
	five := euros(f, "5")
	batch := pretend.Entry{Reference: "S", Amount: euros(f, "10"), Booked: today, Transfers: []pretend.Transfer{
		{Reference: "A", Amount: five, Structured: r}, {Amount: five, Text: []string{"x " + r}, Returned: true},
	}}
	for version := 2; version <= 13; version += 3 {
		s := statement(pretend.Transferred("1", five, today, r), batch)
		s.Version = version
		f.Add(s.XML())
		s.Message = "camt.054"
		f.Add(s.XML())
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := w.Parse(bytes.NewReader(file))
		if err != nil {
			if _, refused := errors.AsType[*paywall.Error](err); !refused {
				t.Errorf("without a code: %v", err)
			}
			return
		}
		again, err := w.Parse(bytes.NewReader(file))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(again) {
			t.Errorf("read again: %v, %v, %v", got, again, err)
		}
		ids := map[string]bool{}
		for _, m := range got.Movements() {
			key := string(m.Kind) + m.ID
			if m.ID == "" || ids[key] || m.Amount.Micros <= 0 || m.Amount.Currency != "EUR" || m.At.IsZero() || m.Way != "bank" {
				t.Errorf("movement %+v", m)
			}
			ids[key] = true
		}
	})
}
