package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/revenue"
)

func adminStats(app *App, w http.ResponseWriter, r *http.Request) error {
	l, err := app.ledger(r.Context())
	if err != nil {
		return err
	}
	stats, err := l.Stats(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, stats)
}

func adminVerify(app *App, w http.ResponseWriter, r *http.Request) error {
	l, err := app.ledger(r.Context())
	if err != nil {
		return err
	}
	report, err := l.Verify(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, report)
}

func adminRotate(app *App, w http.ResponseWriter, r *http.Request) error {
	if err := app.await(r.Context()); err != nil {
		return err
	}
	kid, err := app.vault.RotateKey(time.Now())
	if err != nil {
		return fmt.Errorf("rotating the signing key: %w", err)
	}
	app.logger.Info("signing key rotated", "kid", kid)
	return writeJSON(w, http.StatusOK, wire.RotatedKey{KeyID: kid})
}

func adminExport(app *App, w http.ResponseWriter, r *http.Request) error {
	format, err := revenue.ParseFormat(r.URL.Query().Get("format"))
	if err != nil {
		return err
	}
	l, err := app.ledger(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", format.ContentType())
	w.Header().Set("Cache-Control", "no-store")
	out := format.Writer(w)
	err = l.Export(r.Context(), out)
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		app.breakOff("export", err)
	}
	return nil
}

// adminBackup streams a backup. It never holds the signing keys: the admin
// endpoint has no users, and a site that can be made to fetch addresses of this
// machine could fetch them.
func adminBackup(app *App, w http.ResponseWriter, r *http.Request) error {
	var since uint64
	if text := r.URL.Query().Get("since"); text != "" {
		var err error
		if since, err = strconv.ParseUint(text, 10, 64); err != nil {
			return paywall.Errorf(paywall.CodeMalformed, "since %q is not the number of a transfer", text)
		}
	}
	l, err := app.ledger(r.Context())
	if err != nil {
		return err
	}
	began := false
	err = l.Backup(r.Context(), w, paywall.BackupOptions{Since: since, Size: func(bytes int64) {
		began = true
		w.Header().Set("Content-Type", "application/x-tar")
		w.Header().Set("Content-Length", strconv.FormatInt(bytes, 10))
		w.Header().Set("Cache-Control", "no-store")
	}})
	if err != nil && began {
		app.breakOff("backup", err)
	}
	if err == nil {
		app.logger.Info("backup made", "since", since)
	}
	return err
}

// breakOff ends an answer whose status is out: only cutting the connection can
// say that what came before is not all.
func (a *App) breakOff(what string, err error) {
	a.logger.Error(what+" broken off", "error", err)
	panic(http.ErrAbortHandler)
}

func adminCompress(app *App, w http.ResponseWriter, r *http.Request) error {
	if n, err := io.Copy(io.Discard, io.LimitReader(r.Body, 1)); err != nil || n > 0 {
		return paywall.Errorf(paywall.CodeMalformed, "this call takes no body")
	}
	if err := app.await(r.Context()); err != nil {
		return err
	}
	done, err := app.vault.Compress(r.Context())
	if err != nil {
		return fmt.Errorf("compressing the journal: %w", err)
	}
	app.logger.Info("journal compressed", "segments", done.Segments, "bytes_before", done.Before, "bytes_after", done.After)
	return writeJSON(w, http.StatusOK, done)
}
