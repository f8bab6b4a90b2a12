package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/badgerstore"
)

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
	var rotated wire.RotatedKey
	raw, err := adminCallJSON(fl, http.MethodPost, "/paywall/keys/rotate", nil, &rotated)
	if err != nil {
		return caddy.ExitCodeFailedQuit, err
	}
	return printTable(fl, raw, [][2]string{{"new signing key", rotated.KeyID}})
}

func exportCommand() *cobra.Command {
	export := subcommand("export", "Prints every transfer, in order", cmdExport)
	export.Long = `
Prints every transfer, in order: as the journal has it, one JSON object a line
(ndjson), or what bookkeeping needs of those that move money, one row for each
leg (csv), or as a Beancount file (beancount). In csv a cell that a spreadsheet
would take for a formula begins with a '.`
	export.Flags().String("format", "ndjson", "ndjson, csv or beancount")
	return export
}

func cmdExport(fl caddycmd.Flags) (int, error) {
	resp, err := adminRequest(fl, http.MethodGet, "/paywall/export?format="+url.QueryEscape(fl.String("format")), nil)
	if err != nil {
		return caddy.ExitCodeFailedQuit, err
	}
	defer resp.Body.Close()
	bar := showProgress(-1, "exporting", os.Stdout)
	defer bar.end()
	if _, err := io.Copy(io.MultiWriter(os.Stdout, bar), resp.Body); err != nil {
		return caddy.ExitCodeFailedQuit, fmt.Errorf("export broken off, what was printed is not all: %w", err)
	}
	return caddy.ExitCodeSuccess, nil
}
