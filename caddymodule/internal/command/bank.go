package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
)

func bankCommand() *cobra.Command {
	bank := &cobra.Command{Use: "bank", Short: "Bank transfers: statements, money that nobody placed, and money to send back"}

	imports := subcommand("import FILE...", "Books statements of the bank (camt.052, .053, .054); - is standard input", cmdImport)
	imports.Args = cobra.MinimumNArgs(1)
	imports.Long = `
Books what the files say, each transfer once, however many files have it. Exit
status 1: a file could not be read or booked, or transfers need a person.`

	book := subcommand("book FILE ID", "Books one transfer of a statement that you looked at", cmdBook)
	book.Args = cobra.ExactArgs(2)
	book.Flags().String("intent", "", "Reference (RF…) that it pays for, if it names none or a wrong one")

	assign := subcommand("assign ID REFERENCE", "Gives unclaimed money to the reader who began the top-up with that reference", cmdAssign)
	assign.Args = cobra.ExactArgs(2)
	back := subcommand("return ID", "Says that you sent unclaimed money back, at the bank or the provider", cmdReturn)
	back.Args = cobra.ExactArgs(1)
	for _, command := range []*cobra.Command{assign, back} {
		command.Flags().String("way", "bank", "Way that the money came in by, as the list has it")
	}

	sent := subcommand("sent PART", "Says that you sent a cash-out back at the bank; the statement would say so, too", cmdSent)
	sent.Args = cobra.ExactArgs(1)

	bank.AddCommand(imports, book,
		subcommand("unclaimed", "Money that came and that nobody placed yet", cmdUnclaimed), assign, back,
		subcommand("cashouts", "Money that readers want back, for you to send at the bank", cmdCashOuts), sent)
	return bank
}

// openStatement opens a file, or standard input for -, which nobody closes.
func openStatement(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	return os.Open(name)
}

func cmdImport(fl caddycmd.Flags) (int, error) {
	var failed []error
	open := 0
	rows := [][]string{{"TRANSFER", "BOOKED", "AMOUNT", "WHAT", "WHY"}}
	answers := make([]json.RawMessage, 0, fl.NArg())
	for _, name := range fl.Args() {
		var answer wire.Import
		raw, err := importFile(fl, name, &answer)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", name, err))
			continue
		}
		answers = append(answers, raw)
		open += answer.Open
		for _, t := range answer.Transfers {
			rows = append(rows, []string{t.ID, t.Booked, signed(t.In, t.Amount) + " " + t.Currency, t.Outcome, t.Why})
		}
		if answer.NotOurs > 0 {
			rows = append(rows, []string{fmt.Sprintf("%d of %s have nothing to do with readers", answer.NotOurs, name)})
		}
		if answer.OtherAccounts > 0 {
			rows = append(rows, []string{fmt.Sprintf("%d statements of other accounts in %s are left out", answer.OtherAccounts, name)})
		}
	}
	raw, err := json.Marshal(answers)
	if err != nil {
		return caddy.ExitCodeFailedQuit, err
	}
	if code, err := printColumns(fl, raw, rows); err != nil {
		return code, err
	}
	if open > 0 {
		failed = append(failed, fmt.Errorf("%d transfers need a person: book them with paywall bank book, or see paywall bank unclaimed", open))
	}
	if len(failed) > 0 {
		return caddy.ExitCodeFailedStartup, errors.Join(failed...)
	}
	return caddy.ExitCodeSuccess, nil
}

func importFile(fl caddycmd.Flags, name string, answer *wire.Import) ([]byte, error) {
	file, err := openStatement(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return adminCallLong(fl, http.MethodPost, "/paywall/bank", file, "booking "+name, answer)
}

func signed(in bool, amount string) string {
	if in {
		return "+" + amount
	}
	return "-" + amount
}

func cmdBook(fl caddycmd.Flags) (int, error) {
	file, err := openStatement(fl.Arg(0))
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	defer file.Close()
	query := url.Values{"book": {fl.Arg(1)}, "intent": {fl.String("intent")}}
	var t wire.Transfer
	raw, err := adminCallJSON(fl, http.MethodPost, "/paywall/bank?"+query.Encode(), file, &t)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	return printTable(fl, raw, [][2]string{{t.ID, signed(t.In, t.Amount) + " " + t.Currency + ", " + t.Outcome}})
}

func cmdUnclaimed(fl caddycmd.Flags) (int, error) {
	var list []wire.Unclaimed
	raw, err := adminCallJSON(fl, http.MethodGet, "/paywall/bank/unclaimed", nil, &list)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	rows := [][]string{{"WAY", "ID", "AMOUNT", "SINCE"}}
	for _, u := range list {
		rows = append(rows, []string{u.Way, u.ID, u.Amount + " " + u.Currency, u.At.Format(time.DateOnly)})
	}
	if len(list) == 0 {
		rows = [][]string{{"all money that came is placed"}}
	}
	return printColumns(fl, raw, rows)
}

func cmdAssign(fl caddycmd.Flags) (int, error) {
	var placed wire.Placed
	order := wire.Placing{Way: fl.String("way"), ID: fl.Arg(0), Intent: fl.Arg(1)}
	raw, err := adminCallJSON(fl, http.MethodPost, "/paywall/bank/assign", order, &placed)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	return printTable(fl, raw, [][2]string{{"credited", placed.Credited + " " + placed.Currency}})
}

func cmdReturn(fl caddycmd.Flags) (int, error) {
	var placed wire.Placed
	raw, err := adminCallJSON(fl, http.MethodPost, "/paywall/bank/return", wire.Placing{Way: fl.String("way"), ID: fl.Arg(0)}, &placed)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	return printTable(fl, raw, [][2]string{{"sent back", fl.Arg(0)}})
}

func cmdCashOuts(fl caddycmd.Flags) (int, error) {
	var list []wire.CashOut
	raw, err := adminCallJSON(fl, http.MethodGet, "/paywall/bank/cashouts", nil, &list)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	rows := [][]string{{"PART", "AMOUNT", "REFERENCE", "CAME WITH", "SINCE"}}
	for _, c := range list {
		rows = append(rows, []string{c.Part, c.Amount + " " + c.Currency, c.Reference, c.Payment, c.At.Format(time.DateOnly)})
	}
	if len(list) == 0 {
		rows = [][]string{{"nobody waits for money"}}
	}
	return printColumns(fl, raw, rows)
}

func cmdSent(fl caddycmd.Flags) (int, error) {
	var c wire.CashOut
	raw, err := adminCallJSON(fl, http.MethodPost, "/paywall/bank/sent", wire.Sent{Part: fl.Arg(0)}, &c)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	return printTable(fl, raw, [][2]string{{c.Part, c.Amount + " " + c.Currency + ", " + c.State}})
}
