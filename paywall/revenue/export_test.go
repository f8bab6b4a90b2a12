package revenue

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

const ledger = `{"seq":1,"time":"2026-11-22T18:03:15.120Z","kind":"genesis","cause":"genesis","currency":"EUR","ledger":"x","prev":"a","hash":"b"}
{"seq":2,"time":"2026-11-22T18:03:16.000Z","kind":"open","cause":"open/W","legs":[["wallet/W","0.60"],["promo","-0.60"]],"key":"k","code":"c"}
{"seq":3,"time":"2026-11-22T18:03:17.000Z","kind":"voucher","cause":"voucher/V","vouchers":[["V","5.00"]]}
{"seq":4,"time":"2026-11-22T18:03:18.000Z","kind":"redeem","cause":"redeem/V","legs":[["wallet/W","5.00"],["voucher","-5.00"]]}
{"seq":5,"time":"2026-11-21T18:03:19.000Z","kind":"unlock","cause":"-offer","legs":[["wallet/W","-0.20"],["creator/=alice \"a\"","0.133333"],["site/https://news.example","0.066667"]],"resource":"/articles/a","title":"=HYPERLINK(\"x\")\nnew\\"}
{"seq":6,"time":"2026-11-23T18:03:20.000Z","kind":"refund","cause":"refund/-offer","legs":[["wallet/W","0.20"],["creator/=alice \"a\"","-0.133333"],["site/https://news.example","-0.066667"]],"resource":"/articles/a"}
{"seq":7,"time":"2026-11-23T18:03:20.000Z","kind":"erase","cause":"erase/W"}
`

// exported writes in pieces of so many bytes.
func exported(t *testing.T, f Format, text string, piece int) (string, error) {
	t.Helper()
	var out strings.Builder
	w := f.Writer(&out)
	for rest := text; rest != ""; {
		n := min(piece, len(rest))
		if _, err := io.WriteString(w, rest[:n]); err != nil {
			return out.String(), err
		}
		rest = rest[n:]
	}
	err := w.Close()
	return out.String(), err
}

func mustExport(t *testing.T, f Format, text string) string {
	t.Helper()
	whole, err := exported(t, f, text, len(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, piece := range []int{1, 7, 200} {
		if again, err := exported(t, f, text, piece); err != nil || again != whole {
			t.Errorf("%s in pieces of %d bytes is different: %v", f, piece, err)
		}
	}
	return whole
}

func TestNDJSONIsTheLedgerItself(t *testing.T) {
	if got := mustExport(t, NDJSON, ledger); got != ledger {
		t.Error(got)
	}
}

func TestCSVHasARowForEachLeg(t *testing.T) {
	got := mustExport(t, CSV, ledger)
	want := `seq,time,kind,cause,account,amount,currency,resource,title
2,2026-11-22T18:03:16Z,open,open/W,wallet/W,0.60,EUR,,
2,2026-11-22T18:03:16Z,open,open/W,promo,-0.60,EUR,,
4,2026-11-22T18:03:18Z,redeem,redeem/V,wallet/W,5.00,EUR,,
4,2026-11-22T18:03:18Z,redeem,redeem/V,voucher,-5.00,EUR,,
5,2026-11-21T18:03:19Z,unlock,'-offer,wallet/W,-0.20,EUR,/articles/a,"'=HYPERLINK(""x"")
new\"
5,2026-11-21T18:03:19Z,unlock,'-offer,"creator/=alice ""a""",0.133333,EUR,/articles/a,"'=HYPERLINK(""x"")
new\"
5,2026-11-21T18:03:19Z,unlock,'-offer,site/https://news.example,0.066667,EUR,/articles/a,"'=HYPERLINK(""x"")
new\"
6,2026-11-23T18:03:20Z,refund,refund/-offer,wallet/W,0.20,EUR,/articles/a,
6,2026-11-23T18:03:20Z,refund,refund/-offer,"creator/=alice ""a""",-0.133333,EUR,/articles/a,
6,2026-11-23T18:03:20Z,refund,refund/-offer,site/https://news.example,-0.066667,EUR,/articles/a,
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestNoCellIsAFormula gives every cell that others can fill each beginning that a
// spreadsheet takes for a formula.
func TestNoCellIsAFormula(t *testing.T) {
	for _, start := range []string{"=", "+", "-", "@", "\\t", "\\r", "\\n"} {
		evil := start + `cmd|' /C calc'!A0`
		line := fmt.Sprintf(`{"seq":2,"time":"2026-11-22T18:03:16Z","kind":"unlock","cause":"%s","legs":[["%s","-0.20"],["x","0.20"]],"resource":"%s","title":"%s"}`+"\n", evil, evil, evil, evil)
		text := strings.SplitAfter(ledger, "\n")[0] + line
		rows, err := csv.NewReader(strings.NewReader(mustExport(t, CSV, text))).ReadAll()
		if err != nil || len(rows) != 3 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for i, cell := range rows[1] {
			if i != 5 && strings.IndexAny(cell, "=+-@\t\r\n") == 0 {
				t.Errorf("column %s is %q", rows[0][i], cell)
			}
		}
		if rows[1][5] != "-0.20" {
			t.Errorf("the amount %q is no number", rows[1][5])
		}
	}
}

func TestBeancountIsDoubleEntry(t *testing.T) {
	got := mustExport(t, Beancount, ledger)
	want := `option "title" "Tuppence"
option "operating_currency" "EUR"

1970-01-01 open Liabilities:Wallets EUR

1970-01-01 open Equity:Promo EUR

2026-11-22 * "open" ""
  seq: 2
  time: "18:03:16.000"
  cause: "open/W"
  Liabilities:Wallets  -0.60 EUR
  Equity:Promo  0.60 EUR

1970-01-01 open Assets:Vouchers EUR

2026-11-22 * "redeem" ""
  seq: 4
  time: "18:03:18.000"
  cause: "redeem/V"
  Liabilities:Wallets  -5.00 EUR
  Assets:Vouchers  5.00 EUR

1970-01-01 open Income:Creators:Alice-a EUR
  name: "=alice \"a\""

1970-01-01 open Income:Site:News-example EUR
  name: "https://news.example"

2026-11-21 * "unlock" "=HYPERLINK(\"x\") new\\"
  seq: 5
  time: "18:03:19.000"
  cause: "-offer"
  resource: "/articles/a"
  Liabilities:Wallets  0.20 EUR
  Income:Creators:Alice-a  -0.133333 EUR
  Income:Site:News-example  -0.066667 EUR

2026-11-23 * "refund" ""
  seq: 6
  time: "18:03:20.000"
  cause: "refund/-offer"
  resource: "/articles/a"
  Liabilities:Wallets  -0.20 EUR
  Income:Creators:Alice-a  0.133333 EUR
  Income:Site:News-example  0.066667 EUR
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestEveryAccountHasANameOfItsOwn: names that differ in what Beancount does not
// allow stay apart, and all are names that it takes.
func TestEveryAccountHasANameOfItsOwn(t *testing.T) {
	accounts := []string{
		"creator/alice", "creator/Alice", "creator/ali.ce", "creator/ali-ce", "creator/ali--ce-", "creator/Zoë", "creator/日本", "creator/東京",
		"creator/3 Boys", "creator/-", "creator/" + strings.Repeat("long", 50), "site/https://news.example", "site/http://news.example",
		"site/https://news-example", "site/https://news.example:8443", "site/https://[::1]", "fees", "payout/alice", "stripe", "promo", "voucher",
	}
	var text strings.Builder
	text.WriteString(strings.SplitAfter(ledger, "\n")[0])
	for i, account := range append(accounts, accounts...) {
		fmt.Fprintf(&text, `{"seq":%d,"time":"2026-11-22T18:03:16Z","kind":"unlock","cause":"u%d","legs":[["wallet/W%d","-0.20"],["%s","0.20"]]}`+"\n", i+2, i, i, account)
	}
	got := mustExport(t, Beancount, text.String())
	opened := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^1970-01-01 open (\S+) EUR$`).FindAllStringSubmatch(got, -1) {
		if opened[found[1]] || !regexp.MustCompile(`^[A-Z][A-Za-z0-9-]*(:[A-Z0-9][A-Za-z0-9-]*)+$`).MatchString(found[1]) {
			t.Errorf("account %s", found[1])
		}
		opened[found[1]] = true
	}
	if len(opened) != len(accounts)+1 {
		t.Errorf("%d accounts became %d", len(accounts)+1, len(opened))
	}
	if !strings.Contains(got, "open Income:Creators:Alice-2 EUR") || !strings.Contains(got, "open Income:Site:News-example-2 EUR") {
		t.Error(got)
	}
}

func TestWhatIsNoLedgerIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":      "hello\n",
		"cut":          ledger[:len(ledger)-9],
		"no beginning": strings.SplitAfterN(ledger, "\n", 2)[1],
		"no amount":    strings.Replace(ledger, `"5.00"],["v`, `"5,00"],["v`, 1),
	} {
		if _, err := exported(t, Beancount, text, len(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, f := range []Format{CSV, Beancount} {
		w := f.Writer(brokenPipe{})
		_, err := io.WriteString(w, strings.Repeat(ledger, 200))
		if err := errors.Join(err, w.Close()); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s into a broken pipe: %v", f, err)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestFormatsAreKnownByName(t *testing.T) {
	for name, want := range map[string]Format{"": NDJSON, "ndjson": NDJSON, "csv": CSV, "beancount": Beancount} {
		if f, err := ParseFormat(name); err != nil || f != want || f.ContentType() == "" {
			t.Errorf("%q is %q, %v", name, f, err)
		}
	}
	if _, err := ParseFormat("pdf"); paywall.ErrorCode(err) != paywall.CodeMalformed {
		t.Error(err)
	}
}
