package command

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
)

func reconcileCommand() *cobra.Command {
	reconcile := subcommand("reconcile", "Compares every movement at the providers with the journal; exit status 1 when something is left to look at", cmdReconcile)
	reconcile.Long = `
Compares every movement at the providers with the journal, both ways. What the
journal lacks is booked; what is left is listed, with exit status 1. Statements of
a bank are compared when they are imported.`
	reconcile.Flags().String("since", "", "First day that is compared, such as 2026-11-01; without it all that can still be matched")
	return reconcile
}

func cmdReconcile(fl caddycmd.Flags) (int, error) {
	var answer wire.Reconciled
	raw, err := adminCallLong(fl, http.MethodGet, "/paywall/reconcile?since="+url.QueryEscape(fl.String("since")), nil, "comparing", &answer)
	if err != nil {
		return caddy.ExitCodeFailedStartup, err
	}
	rows := [][]string{
		{"ok", fmt.Sprint(answer.OK)},
		{"since", answer.Since.Format(time.DateOnly)},
		{"asked", strings.Join(answer.Asked, ", ")},
		{"by statements", strings.Join(answer.Manual, ", ")},
		{"movements there", fmt.Sprint(answer.There)},
		{"of them, before the first top-up", fmt.Sprint(answer.Earlier)},
		{"in the journal", fmt.Sprint(answer.Here)},
		{"booked now", fmt.Sprint(answer.Mended)},
		{"differences left", fmt.Sprint(answer.Open)},
	}
	for _, d := range answer.Differences {
		what, why := d.What, d.Why
		if d.Mended {
			what, why = "booked now", "the journal lacked it"
		}
		if d.Here != "" {
			why = "the journal has " + d.Here + " " + d.Currency
		}
		rows = append(rows, []string{what, d.Way + " " + d.Kind, d.ID, d.Amount + " " + d.Currency, d.At.Format(time.DateOnly), why})
	}
	if code, err := printColumns(fl, raw, rows); err != nil {
		return code, err
	}
	if !answer.OK {
		return caddy.ExitCodeFailedStartup, fmt.Errorf("%d movements differ; look them up at the provider", answer.Open)
	}
	return caddy.ExitCodeSuccess, nil
}
