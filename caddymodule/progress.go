package caddymodule

import (
	"log/slog"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// newProgress shows how a ledger gets ahead that applies its journal, once that
// takes longer than a moment: as a bar on a terminal, else in the log.
func newProgress(logger *slog.Logger) func(done, total uint64) {
	const moment, every = time.Second, 5 * time.Second
	began := time.Now()
	said := began
	var bar *progressbar.ProgressBar
	return func(done, total uint64) {
		switch now := time.Now(); {
		case bar != nil:
			_ = bar.Set64(int64(done)) // nothing depends on it
		case now.Sub(began) < moment:
		case term.IsTerminal(int(os.Stderr.Fd())):
			bar = progressbar.Default(int64(total), "applying the journal")
		case now.Sub(said) >= every:
			said = now
			logger.Info("applying the journal to Badger", "done", done, "total", total)
		}
	}
}
