package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

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

// progress shows how many bytes have passed, if people are looking.
type progress struct{ shown *progressbar.ProgressBar }

// showProgress shows on standard error when that is a terminal, and out, to which the
// bytes go, is not: there they would run into each other. total -1: not known.
func showProgress(total int64, what string, out *os.File) progress {
	if !term.IsTerminal(int(os.Stderr.Fd())) || term.IsTerminal(int(out.Fd())) {
		return progress{}
	}
	return progress{progressbar.DefaultBytes(total, what)}
}

// Write implements [io.Writer].
func (b progress) Write(p []byte) (int, error) {
	if b.shown == nil {
		return len(p), nil
	}
	return b.shown.Write(p)
}

// end ends the line, where it stands: what broke off is not shown as done.
func (b progress) end() {
	if b.shown != nil && !b.shown.IsFinished() {
		_ = b.shown.Exit()
	}
}

// waiting shows on a terminal that something is going on of which nobody knows
// how far it is, until done is called.
func waiting(what string) (done func()) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return func() {}
	}
	shown := progressbar.NewOptions(-1, progressbar.OptionSetDescription(what),
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionClearOnFinish()) // it turns by itself
	return func() { _ = shown.Finish() }
}
