package caddymodule

import (
	"net/http"
	"time"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup"
)

// adminReconcile compares what moved at the providers with the journal.
func adminReconcile(app *App, w http.ResponseWriter, r *http.Request) error {
	var since time.Time
	if text := r.URL.Query().Get("since"); text != "" {
		var err error
		if since, err = time.Parse(time.DateOnly, text); err != nil {
			return paywall.Errorf(paywall.CodeMalformed, "since %q is no day; write one such as 2026-11-01", text)
		}
	}
	call := newLongCall(w, r)
	out, err := app.topups.Reconcile(r.Context(), since, func(done int) { call.progress(done, 0) })
	return call.end(http.StatusOK, reconciledOf(out), err)
}

func reconciledOf(out topup.Reconciled) wire.Reconciled {
	answer := wire.Reconciled{
		OK: out.OK(), Since: out.Since, Asked: append([]string{}, out.Asked...), Manual: append([]string{}, out.Manual...),
		There: out.There, Earlier: out.Earlier, Here: out.Here, Mended: out.Mended, Open: out.Open, Differences: make([]wire.Difference, len(out.Differences)),
	}
	for i, d := range out.Differences {
		m := d.Movement
		answer.Differences[i] = wire.Difference{
			What: string(d.Kind), Way: m.Way, Kind: string(m.Kind), ID: m.ID, Amount: m.Amount.String(), Currency: string(m.Amount.Currency), At: m.At, Mended: d.Mended,
		}
		if d.Kind == topup.OtherAmount {
			answer.Differences[i].Here = d.Here.String()
		}
		if d.Err != nil {
			answer.Differences[i].Why = d.Err.Error()
		}
	}
	return answer
}
