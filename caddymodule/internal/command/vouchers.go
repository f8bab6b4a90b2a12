package command

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
)

func cmdVoucher(fl caddycmd.Flags) (int, error) {
	order := wire.VoucherOrder{Count: fl.Int("count"), Amount: fl.String("amount"), Campaign: fl.String("campaign")}
	if order.Amount == "" {
		return caddy.ExitCodeFailedStartup, errors.New("write what a voucher is worth, such as --amount 5.00")
	}
	var err error
	if order.Expires, err = parseExpiry(fl.String("expires")); err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	var made wire.Vouchers
	raw, err := adminCallJSON(fl, http.MethodPost, "/paywall/vouchers", order, &made)
	if err != nil {
		return caddy.ExitCodeFailedQuit, err
	}
	rows := make([][2]string, len(made.Codes))
	for i, code := range made.Codes {
		rows[i][0] = code
	}
	return printTable(fl, raw, rows)
}

// parseExpiry reads a time, or a day, which then counts in full (UTC).
func parseExpiry(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err == nil {
		t = t.AddDate(0, 0, 1)
	} else if t, err = time.Parse(time.RFC3339, s); err != nil {
		return t, fmt.Errorf("expires %q: write a day such as 2027-01-31 or an RFC 3339 time", s)
	}
	if !t.After(time.Now()) {
		return t, fmt.Errorf("expires %q is in the past", s)
	}
	return t, nil
}
