package revenue

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// table writes CSV (RFC 4180): seq, time, kind, cause, account, amount, currency,
// resource, title. Amounts are above zero where money comes into the account; all
// rows of one seq sum to zero.
type table struct {
	w        *csv.Writer
	currency string
}

func newTable(w io.Writer) *table { return &table{w: csv.NewWriter(w)} }

func (b *table) begin(currency paywall.Currency) error {
	b.currency = string(currency)
	return b.w.Write([]string{"seq", "time", "kind", "cause", "account", "amount", "currency", "resource", "title"})
}

func (b *table) add(t *transfer) error {
	row := []string{
		strconv.FormatUint(t.Seq, 10), t.Time.UTC().Format(time.RFC3339Nano), string(t.Kind), unformula(t.Cause),
		"", "", b.currency, unformula(t.Resource), unformula(t.Title),
	}
	for _, leg := range t.Legs {
		row[4], row[5] = unformula(leg[0]), leg[1]
		if err := b.w.Write(row); err != nil {
			return err
		}
	}
	return nil
}

func (b *table) end() error {
	b.w.Flush()
	return b.w.Error()
}

// unformula keeps a spreadsheet from running a cell: titles come from the site,
// and "=HYPERLINK(…)" in one of them would act with the rights of the accountant
// (OWASP, CSV injection). Amounts are decimals of our own making and stay numbers.
func unformula(cell string) string {
	if strings.IndexAny(cell, "=+-@\t\r\n") == 0 {
		return "'" + cell
	}
	return cell
}
