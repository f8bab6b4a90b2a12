package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/badgerstore"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "paywall",
		Usage: "price|voucher|stats|verify|export|backup|restore|compress|keys",
		Short: "Prices, vouchers, sales and the ledger of a running paywall",
		Long: `
Talks to the paywall of a running server through its admin API, because the
server holds the ledger's lock. The address is found as other commands find it:
--address, or the environment variable CADDY_ADMIN, or the default.

	paywall price https://news.example/articles/a
	paywall voucher --amount 5.00 --count 20 --campaign spring
	paywall stats
	paywall verify
	paywall export --format csv > transfers.csv
	paywall backup ledger.tar
	paywall restore ledger.tar --dir /var/lib/tuppence
	paywall compress
	paywall keys rotate

Commands print tables; with --json they print what the admin API answered.`,
		CobraFunc: setUpCommand,
	})
}

func setUpCommand(root *cobra.Command) {
	root.Args = cobra.NoArgs // a word that is no command is an error, not a call for help
	root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	root.PersistentFlags().String("address", "", "Address of the administration API listener")
	root.PersistentFlags().Bool("json", false, "Print JSON instead of a table")

	price := subcommand("price <url>", "Which rule decides about a URL, what it costs, and why", cmdPrice)
	price.Args = cobra.ExactArgs(1)

	voucher := subcommand("voucher", "Makes vouchers and prints their codes, which are shown only once", cmdVoucher)
	voucher.Aliases = []string{"vouchers"}
	voucher.Flags().String("amount", "", "What each voucher is worth, such as 5.00")
	voucher.Flags().Int("count", 1, "How many")
	voucher.Flags().String("expires", "", "Until when they can be redeemed, such as 2027-01-31 or an RFC 3339 time")
	voucher.Flags().String("campaign", "", "Your own label for them")

	verify := subcommand("verify", "Proves the ledger; exit status 1 when something is wrong", cmdVerify)
	verify.Flags().String("dir", "", "Verify the data folder of a stopped server instead")

	keys := &cobra.Command{Use: "keys", Short: "The signing keys"}
	keys.AddCommand(subcommand("rotate", "Makes a new signing key; old tokens stay valid until they expire", cmdRotate))

	root.AddCommand(price, voucher, subcommand("stats", "What was paid in and given, sales, refunds, tips, gifts and what is owed", cmdStats), verify, exportCommand(),
		backupCommand(), restoreCommand(), compressCommand(), keys)
}

func subcommand(use, short string, run caddycmd.CommandFunc) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			flags := caddycmd.Flags{FlagSet: cmd.Flags()}
			return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return run(flags) })(cmd, args)
		},
	}
}

func cmdPrice(fl caddycmd.Flags) (int, error) {
	var answer priceAnswer
	raw, err := adminCallJSON(fl, http.MethodGet, "/paywall/price?url="+url.QueryEscape(fl.Arg(0)), nil, &answer)
	if err != nil {
		return caddy.ExitCodeFailedQuit, err
	}
	rows := [][2]string{{"URL", answer.URL}}
	if answer.Resource != "" {
		rows = append(rows, [2]string{"resource", answer.Site + answer.Resource})
	}
	rows = append(rows, [2]string{"status", answer.Status})
	if answer.Price != "" {
		rows = append(rows, [2]string{"price", answer.Price + " " + answer.Currency}, [2]string{"access", answer.Access})
	}
	for _, s := range answer.Shares {
		rows = append(rows, [2]string{"share", s.Creator + " " + s.Percent + " %"})
	}
	if answer.Rule != "" {
		rows = append(rows, [2]string{"rule", answer.Rule})
	}
	return printTable(fl, raw, append(rows, [2]string{"why", answer.Why}))
}

func cmdVoucher(fl caddycmd.Flags) (int, error) {
	order := voucherOrder{Count: fl.Int("count"), Amount: fl.String("amount"), Campaign: fl.String("campaign")}
	if order.Amount == "" {
		return caddy.ExitCodeFailedStartup, errors.New("write what a voucher is worth, such as --amount 5.00")
	}
	var err error
	if order.Expires, err = parseExpiry(fl.String("expires")); err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	var made struct {
		Codes []string `json:"codes"`
	}
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

func cmdStats(fl caddycmd.Flags) (int, error) {
	var stats wireStats
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

// wireStats is [paywall.Stats] as it comes over the wire, amounts as decimals.
type wireStats struct {
	Currency string    `json:"currency"`
	Wallets  int       `json:"wallets"`
	Sales    wireTally `json:"sales"`
	Refunds  wireTally `json:"refunds"`
	Tips     wireTally `json:"tips"`
	Gifts    int       `json:"gifts"`
	Owed     string    `json:"wallets_owed"`

	PaidIn      wireTally `json:"paid_in"`
	FreeGiven   wireTally `json:"free_given"`
	SalesPaid   string    `json:"sales_paid"`
	SalesFree   string    `json:"sales_free"`
	RefundsPaid string    `json:"refunds_paid"`
	RefundsFree string    `json:"refunds_free"`
	TipsPaid    string    `json:"tips_paid"`
	TipsFree    string    `json:"tips_free"`
	OwedPaid    string    `json:"wallets_owed_paid"`
	OwedFree    string    `json:"wallets_owed_free"`
	Creators    []struct {
		Creator string `json:"creator"`
		Amount  string `json:"amount"`
	} `json:"creators_owed"`

	Resources []struct {
		Site     string    `json:"site"`
		Resource string    `json:"resource"`
		Sales    wireTally `json:"sales"`
	} `json:"resources"`
}

type wireTally struct {
	Count  int    `json:"count"`
	Amount string `json:"amount"`
}

func (t wireTally) String(currency string) string {
	return fmt.Sprintf("%d, %s %s", t.Count, t.Amount, currency)
}

func cmdVerify(fl caddycmd.Flags) (int, error) {
	var report paywall.Report
	var raw []byte
	var err error
	done := waiting("verifying")
	if dir := fl.String("dir"); dir != "" {
		if report, err = badgerstore.VerifyDir(context.Background(), dir); err == nil {
			raw, err = json.Marshal(report)
		}
	} else {
		raw, err = adminCallJSON(fl, http.MethodGet, "/paywall/verify", nil, &report)
	}
	done()
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	rows := [][2]string{
		{"ok", fmt.Sprint(report.OK)},
		{"transfers", fmt.Sprint(report.Transfers)},
		{"seq", fmt.Sprint(report.Seq)},
		{"head", report.Head},
	}
	for _, problem := range report.Problems {
		rows = append(rows, [2]string{"problem", problem})
	}
	for _, note := range report.Notes {
		rows = append(rows, [2]string{"note", note})
	}
	if code, err := printTable(fl, raw, rows); err != nil {
		return code, err
	}
	if !report.OK {
		return caddy.ExitCodeFailedStartup, errors.New("the ledger does not add up")
	}
	return caddy.ExitCodeSuccess, nil
}

func cmdRotate(fl caddycmd.Flags) (int, error) {
	var rotated struct {
		KeyID string `json:"kid"`
	}
	raw, err := adminCallJSON(fl, http.MethodPost, "/paywall/keys/rotate", nil, &rotated)
	if err != nil {
		return caddy.ExitCodeFailedQuit, err
	}
	return printTable(fl, raw, [][2]string{{"new signing key", rotated.KeyID}})
}
