package command

import (
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

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

// countProgress shows on a terminal how many things are done.
func countProgress(what string) progress {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return progress{}
	}
	return progress{progressbar.NewOptions(-1, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())}
}

// set shows how many of all are done. A total of 0 is not known.
func (b progress) set(done, total int) {
	if b.shown == nil {
		return
	}
	if total > 0 {
		b.shown.ChangeMax(total)
	}
	_ = b.shown.Set(done) // nothing depends on it
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
