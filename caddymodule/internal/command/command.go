// Package command is "tuppence paywall": prices, vouchers, sales and the ledger of a
// running server, through its admin API, or of a stopped server's data folder.
package command

import (
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
)

// Paywall is the command "paywall" with all that is below it.
var Paywall = caddycmd.Command{
	Name:  "paywall",
	Usage: "price|voucher|bank|reconcile|stats|verify|export|backup|restore|compress|keys",
	Short: "Prices, vouchers, sales and the ledger of a running paywall",
	Long: `
Talks to the paywall of a running server through its admin API, because the
server holds the ledger's lock. The address is found as other commands find it:
--address, or the environment variable CADDY_ADMIN, or the default.

	paywall price https://news.example/articles/a
	paywall voucher --amount 5.00 --count 20 --campaign spring
	paywall bank import statement.xml
	paywall reconcile --since 2026-11-01
	paywall stats
	paywall verify
	paywall export --format csv > transfers.csv
	paywall backup ledger.tar
	paywall restore ledger.tar --dir /var/lib/tuppence
	paywall compress
	paywall keys rotate

Commands print tables; with --json they print what the admin API answered. The
exit status is 0 when all went well, and 1 when it did not, or something is found
that a person has to look at: verify, reconcile, bank import.`,
	CobraFunc: setUp,
}

func setUp(root *cobra.Command) {
	root.Args = cobra.NoArgs // a word that is no command is an error, not a call for help
	root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	root.PersistentFlags().String("address", "", "Address of the administration API listener")
	root.PersistentFlags().Bool("json", false, "Print JSON instead of a table")

	price := subcommand("price <url>", "Which rule decides about a URL, what it costs, and why", cmdPrice)
	price.Args = cobra.ExactArgs(1)

	verify := subcommand("verify", "Proves the ledger; exit status 1 when something is wrong", cmdVerify)
	verify.Flags().String("dir", "", "Verify the data folder of a stopped server instead")

	keys := &cobra.Command{Use: "keys", Short: "The signing keys"}
	keys.AddCommand(subcommand("rotate", "Makes a new signing key; old tokens stay valid until they expire", cmdRotate))

	root.AddCommand(price, voucherCommand(), bankCommand(), reconcileCommand(), subcommand("stats", "What was paid in and given, sales, refunds, tips, gifts and what is owed", cmdStats), verify, exportCommand(),
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
	var answer wire.Price
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
