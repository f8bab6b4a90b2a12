package gate

import (
	"io"
	"net/http"
	"strings"
)

// A site block may change headers in the moment an answer goes out: Caddy's header
// directive does so when it deletes, or is told to wait ("defer", ">"). Such writers
// stand around the gate and have the last word. So the gate puts a writer of its own
// underneath all of them, which sets once more what the gate has set. It stands there
// only where something may change headers (see Options.Below).

// settler knows what an answer's headers must be. It is asked once, when all others
// have had their say, and may be asked before as well: asking twice changes nothing.
type settler interface{ settle(h http.Header) }

// settleLast has s asked when the headers of an answer through w go out, and reports
// whether anything stands there that makes it necessary.
func (g *Gate) settleLast(w http.ResponseWriter, s settler) bool {
	below := g.o.Below(w) //nolint:bodyclose // a writer has no body
	if below == nil {
		return false
	}
	*below = &final{ResponseWriter: *below, settler: s}
	return true
}

// final is the writer underneath all that a site block has put around the gate.
type final struct {
	http.ResponseWriter
	settler settler
	flushed bool
}

func (w *final) settle() {
	if !w.flushed {
		w.flushed = true
		w.settler.settle(w.Header())
	}
}

func (w *final) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.settle()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *final) Write(p []byte) (int, error) {
	w.settle()
	return w.ResponseWriter.Write(p)
}

// ReadFrom keeps the way to sendfile open.
func (w *final) ReadFrom(r io.Reader) (int64, error) {
	w.settle()
	if to, ok := w.ResponseWriter.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(writerOnly{w.ResponseWriter}, r)
}

// FlushError is what [http.ResponseController] calls. The first flush sends the headers.
func (w *final) FlushError() error {
	w.settle()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap gives [http.ResponseController] the rest.
func (w *final) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ownHeaders are those of an answer of our own. Nothing of the site's stays beside
// them: its policies are made for its pages, and a page of ours works with its own.
type ownHeaders struct {
	header http.Header // as they must be
	cors   bool        // whoever may read the site from elsewhere may read this
	// A page of the site that was cut keeps the site's policy, whoever set it. Nil: ours alone.
	policy func(h http.Header)
}

func (o *ownHeaders) settle(h http.Header) {
	policies := h["Content-Security-Policy"]
	for name := range h {
		if o.header[name] != nil || name == "Content-Encoding" || ofTheConnection(name) || o.cors && isCORS(name) {
			continue
		}
		delete(h, name)
	}
	for name, values := range o.header {
		switch name {
		case "Content-Length", "Content-Encoding": // an answer may be compressed on its way
		case openerHeader:
			if !o.cors || keptOpener(h) == openerPolicy {
				h[name] = values
			}
		case "Vary":
			h["Vary"] = []string{merge(h["Vary"], values[0])}
		default:
			h[name] = values
		}
	}
	if o.policy != nil {
		h["Content-Security-Policy"] = policies
		o.policy(h)
	}
}

// ofTheConnection reports whether a header is about the connection or the server,
// and not about the page.
func ofTheConnection(name string) bool {
	switch name {
	case "Server", "Date", "Alt-Svc", "Strict-Transport-Security", "Connection":
		return true
	}
	return false
}

// isCORS reports whether a header says who may read an answer from elsewhere.
func isCORS(name string) bool { return strings.HasPrefix(name, "Access-Control-") }

// checkoutWriter is the writer of the checkout, whose pages are ours alone: nothing
// that the site says of its own pages is about them, least of all who may read them.
func (g *Gate) checkoutWriter(w http.ResponseWriter) http.ResponseWriter {
	h := w.Header()
	for name := range h {
		if !ofTheConnection(name) {
			delete(h, name)
		}
	}
	return &keeper{ResponseWriter: w, gate: g}
}

// keeper makes the headers hold that an answer has when it goes out.
type keeper struct {
	http.ResponseWriter
	gate *Gate
	kept bool
}

func (k *keeper) WriteHeader(status int) {
	if !k.kept && status >= 200 {
		k.kept = true
		k.gate.keep(k.ResponseWriter, &ownHeaders{})
	}
	k.ResponseWriter.WriteHeader(status)
}

func (k *keeper) Write(p []byte) (int, error) {
	if !k.kept {
		k.WriteHeader(http.StatusOK)
	}
	return k.ResponseWriter.Write(p)
}

// Unwrap gives [http.ResponseController] the rest.
func (k *keeper) Unwrap() http.ResponseWriter { return k.ResponseWriter }
