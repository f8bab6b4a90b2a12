package command

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
)

func cmdStats(fl caddycmd.Flags) (int, error) {
	var stats wire.Stats
	raw, err := adminCallJSON(fl, http.MethodGet, "/paywall/stats", nil, &stats)
	if err != nil {
		return caddy.ExitCodeFailedQuit, err
	}
	of := func(paid, free string) string { return fmt.Sprintf(" (%s paid, %s free)", paid, free) }
	rows := [][2]string{
		{"paid in", stats.PaidIn.String(stats.Currency)},
		{"free credit given", stats.FreeGiven.String(stats.Currency)},
		{"sales", stats.Sales.String(stats.Currency) + of(stats.SalesPaid, stats.SalesFree)},
		{"refunds", stats.Refunds.String(stats.Currency) + of(stats.RefundsPaid, stats.RefundsFree)},
		{"tips", stats.Tips.String(stats.Currency) + of(stats.TipsPaid, stats.TipsFree)},
		{"gifts opened", strconv.Itoa(stats.Gifts)},
		{"wallets", fmt.Sprintf("%d, owed %s %s%s", stats.Wallets, stats.Owed, stats.Currency, of(stats.OwedPaid, stats.OwedFree))},
	}
	rows = append(rows, fundingRows(stats.Funding, stats.Currency)...)
	for _, c := range stats.Creators {
		rows = append(rows, [2]string{"owed to " + c.Creator, c.Amount + " " + stats.Currency})
	}
	for _, r := range stats.Resources {
		rows = append(rows, [2]string{r.Site + r.Resource, r.Sales.String(stats.Currency)})
	}
	return printTable(fl, raw, rows)
}

// fundingRows are the sums of money that came in other than by vouchers alone.
func fundingRows(f *wire.Funding, currency string) (rows [][2]string) {
	if f == nil {
		return nil
	}
	rows = append(rows, [2]string{"by vouchers", f.Vouchers.String(currency)})
	for _, way := range f.Ways {
		rows = append(rows,
			[2]string{"by " + way.Way, way.PaidIn.String(currency)},
			[2]string{"  cashed out", way.CashedOut.String(currency)},
			[2]string{"  refunded there", way.Reversed.String(currency)},
			[2]string{"  disputed", way.Disputed.String(currency)},
			[2]string{"  fees", way.Fees + " " + currency},
			[2]string{"  balance there", way.Balance + " " + currency})
	}
	return append(rows,
		[2]string{"fees", f.Fees + " " + currency},
		[2]string{"on its way back to readers", f.Transit + " " + currency},
		[2]string{"owed by readers", f.Receivable + " " + currency},
		[2]string{"lost in disputes", f.Losses + " " + currency},
		[2]string{"unclaimed", f.Unclaimed + " " + currency},
		[2]string{"unexplained", f.Suspense + " " + currency})
}
