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
	for _, c := range stats.Creators {
		rows = append(rows, [2]string{"owed to " + c.Creator, c.Amount + " " + stats.Currency})
	}
	for _, r := range stats.Resources {
		rows = append(rows, [2]string{r.Site + r.Resource, r.Sales.String(stats.Currency)})
	}
	return printTable(fl, raw, rows)
}
