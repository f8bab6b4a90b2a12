package gate

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pricing"
)

// file is the writer for what passes because it is a file and no page: a picture of
// the page that was bought, or what a rule leaves out by its ending. A page that comes
// there does not get through: some sites overlook what stands after a page's name.
type file struct {
	*response
	request *http.Request
	t       *ticket
	status  int // of an answer that has not said its type yet
}

// fileOf answers the writer for a request that passes as a file; nil for any other.
func fileOf(g *Gate, res *response, r *http.Request, t *ticket) *file {
	switch {
	case t.part:
	case t.status == pricing.Priced || t.asked == nil || !strings.Contains(t.asked.Path, "."):
		return nil
	}
	return &file{response: res, request: r, t: t}
}

func (w *file) WriteHeader(status int) {
	switch {
	case w.status != 0:
	case status < 200 && status != http.StatusSwitchingProtocols: // hints of a page would be out before its type
	case w.sealed || status == http.StatusSwitchingProtocols:
		w.response.WriteHeader(status)
	case !delivers(status):
		w.decide(status, w.lead.gate.leadsAway(w.request, w.t.origin, status, w.Header()))
	case handedOver(w.Header()):
		w.decide(status, true)
	case w.Header().Get("Content-Type") == "" && w.Header().Get("Content-Encoding") == "" && status != http.StatusPartialContent:
		w.status = status // the first bytes will tell
	default:
		kind := w.Header().Get("Content-Type")
		w.decide(status, pageType(kind) || w.t.part && strings.Contains(kind, "json") && !strings.HasSuffix(w.t.asked.Path, ".map"))
	}
}

// decide lets an answer through, or answers in the place of what may be a page.
func (w *file) decide(status int, page bool) {
	w.status = 0
	if page && (w.t.part || w.lead.gate.o.Table.FreeByEnding(w.request, w.t.asked.Path)) {
		w.deny(w.refuse)
		return
	}
	w.response.WriteHeader(status)
}

func handedOver(h http.Header) bool {
	for name := range h {
		if handsOver(name) {
			return true
		}
	}
	return false
}

// pageBytes reports whether the first bytes of an answer that says no type may be a page's.
func pageBytes(p []byte) bool {
	p = bytes.TrimSpace(bytes.TrimPrefix(p, []byte("\xef\xbb\xbf")))
	return len(p) == 0 || p[0] == '<' || pageType(http.DetectContentType(p))
}

// pageType reports whether a type is that of a page, or may hide one: several ranges
// of a page have the page's type inside.
func pageType(kind string) bool {
	kind = strings.ToLower(kind)
	return kind == "" || strings.Contains(kind, "html") || strings.HasPrefix(kind, "multipart/") || strings.Contains(kind, "markdown") || kind == "text/x-component"
}

func (w *file) Write(p []byte) (int, error) {
	if !w.sealed && w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.status != 0 {
		w.decide(w.status, pageBytes(p)) // the server would sniff next
	}
	return w.response.Write(p)
}

// ReadFrom keeps the way to sendfile open for whoever says what it is.
func (w *file) ReadFrom(r io.Reader) (int64, error) {
	if !w.sealed {
		return io.Copy(writerOnly{w}, r)
	}
	return w.response.ReadFrom(r)
}

// FlushError waits with an answer that has not said its type.
func (w *file) FlushError() error {
	if !w.sealed && w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.status != 0 {
		return nil
	}
	return w.response.FlushError()
}

// Flush is for handlers that still ask for an [http.Flusher].
func (w *file) Flush() { _ = w.FlushError() }

// finish lets an answer without a body through.
func (w *file) finish() {
	if w.status != 0 {
		w.response.WriteHeader(w.status)
	}
}

func (w *file) refuse(inner http.ResponseWriter) {
	g := w.lead.gate
	clear(inner.Header())
	if w.t.part {
		_ = g.refuse(inner, w.request, paywall.CodePaymentRequired, "this page does not belong to the one that was paid for")
		return
	}
	if g.told.first("file " + w.t.origin) {
		g.o.Logger.LogAttrs(w.request.Context(), slog.LevelWarn,
			"withheld a page that the site delivers under the name of a file, which only its ending leaves out of what is sold; where it is free, write free for its name",
			slog.String("site", w.t.origin), slog.String("resource", w.t.asked.Resource))
	}
	_ = g.refuse(inner, w.request, paywall.CodeMisconfigured, "this page is not set up for sale correctly")
}
