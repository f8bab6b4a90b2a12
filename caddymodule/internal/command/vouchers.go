package command

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
)

func voucherCommand() *cobra.Command {
	voucher := subcommand("voucher", "Makes vouchers and prints their codes, which are shown only once", cmdVoucher)
	voucher.Aliases = []string{"vouchers"}
	voucher.Long = `
Makes vouchers and prints their codes, which are shown only once. With --cards they
go into a page to print, a card for each, with a QR code that leads to the site:

	paywall voucher --amount 5.00 --count 100 --cards cards.html --site https://news.example`
	voucher.Flags().String("amount", "", "What each voucher is worth, such as 5.00")
	voucher.Flags().Int("count", 1, "How many, at most 100000")
	voucher.Flags().String("expires", "", "Until when they can be redeemed, such as 2027-01-31 or an RFC 3339 time")
	voucher.Flags().String("campaign", "", "Your own label for them")
	voucher.Flags().String("cards", "", "File for a page of cards to print; it must not exist")
	voucher.Flags().String("site", "", "Address of the site that the cards lead to, such as https://news.example")

	revoke := subcommand("revoke BATCH", "Ends the vouchers of a batch that nobody redeemed", cmdRevoke)
	revoke.Args = cobra.ExactArgs(1)
	voucher.AddCommand(subcommand("list", "Which vouchers were made together, and how many are redeemed", cmdBatches), revoke)
	return voucher
}

func cmdVoucher(fl caddycmd.Flags) (int, error) {
	order := wire.VoucherOrder{Count: fl.Int("count"), Amount: fl.String("amount"), Campaign: fl.String("campaign")}
	if order.Amount == "" {
		return caddy.ExitCodeFailedStartup, errors.New("write what a voucher is worth, such as --amount 5.00")
	}
	var err error
	if order.Expires, err = parseExpiry(fl.String("expires")); err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	// The file comes first: codes that were made are not shown again.
	cards, err := openCards(fl.String("cards"), fl.String("site"))
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	var made wire.Vouchers
	raw, err := adminCallLong(fl, http.MethodPost, "/paywall/vouchers", order, "making vouchers", &made)
	if err != nil {
		return caddy.ExitCodeFailedQuit, errors.Join(err, cards.discard())
	}
	if cards != nil {
		err := cards.write(order, made)
		if err == nil {
			fmt.Fprintf(os.Stderr, "%d cards are in %s: print it, and then delete it. Whoever has the file has the money.\n", len(made.Codes), fl.String("cards"))
			return caddy.ExitCodeSuccess, nil
		}
		fmt.Fprintf(os.Stderr, "the cards could not be written, here are the codes: %v\n", err)
	}
	rows := make([][2]string, len(made.Codes))
	for i, code := range made.Codes {
		rows[i][0] = code
	}
	return printTable(fl, raw, rows)
}

func cmdBatches(fl caddycmd.Flags) (int, error) {
	var batches []wire.Batch
	raw, err := adminCallJSON(fl, http.MethodGet, "/paywall/vouchers", nil, &batches)
	if err != nil {
		return caddy.ExitCodeFailedQuit, err
	}
	rows := [][]string{{"BATCH", "MADE", "COUNT", "TOGETHER", "REDEEMED", "REVOKED", "EXPIRES", "CAMPAIGN"}}
	for _, b := range batches {
		expires := "never"
		if !b.Expires.IsZero() {
			expires = b.Expires.Format(time.DateOnly)
		}
		rows = append(rows, []string{
			strconv.FormatUint(b.Number, 10), b.Made.Format(time.DateOnly), strconv.Itoa(b.Count), b.Amount,
			strconv.Itoa(b.Redeemed), strconv.Itoa(b.Revoked), expires, b.Campaign,
		})
	}
	return printColumns(fl, raw, rows)
}

func cmdRevoke(fl caddycmd.Flags) (int, error) {
	batch, err := strconv.ParseUint(fl.Arg(0), 10, 64)
	if err != nil {
		return caddy.ExitCodeFailedStartup, fmt.Errorf("%q is no batch; write its number, as paywall voucher list has it", fl.Arg(0))
	}
	var revoked wire.Revoked
	raw, err := adminCallJSON(fl, http.MethodPost, "/paywall/vouchers/revoke", wire.Revoke{Batch: batch}, &revoked)
	if err != nil {
		return caddy.ExitCodeFailedQuit, err
	}
	return printTable(fl, raw, [][2]string{{"vouchers revoked", strconv.Itoa(revoked.Revoked)}})
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
