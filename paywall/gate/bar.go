package gate

import (
	"bytes"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// barSearch is how much of a page is looked through for its <body> tag, in bytes.
const barSearch = 64 << 10

// withBar wraps w so that the page gets a bar if it was bought within the refund window.
// It asks the ledger only when the token is younger than that window.
func (g *Gate) withBar(w http.ResponseWriter, r *http.Request, t *ticket, c *credentials, issued time.Time) http.ResponseWriter {
	if g.o.Bar == nil {
		return w
	}
	now := g.o.Now()
	if now.Sub(issued) >= g.o.Refund || c.wallet == "" || c.twins || !barable(r) {
		return w
	}
	key, ok := paywall.WalletKey(c.wallet).Hash()
	if !ok {
		return w
	}
	unlock, err := g.owned(r.Context(), key, t)
	if err != nil || !unlock.Refundable(now) {
		return w
	}
	bar, err := g.o.Bar(withLanguage(r, t, c), &unlock)
	if err != nil {
		g.o.Logger.LogAttrs(r.Context(), slog.LevelError, "writing a bar into a page failed",
			slog.String("site", t.origin), slog.Any("error", err))
		return w
	}
	r.Header["Accept-Encoding"] = []string{"identity"}
	return &barWriter{ResponseWriter: w, bar: bar, left: barSearch, origin: t.origin}
}

// barable reports whether a request asks for a whole page, to be looked at in a
// window of its own.
func barable(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || !navigation(r) {
		return false
	}
	for _, name := range [...]string{"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if r.Header[name] != nil {
			return false
		}
	}
	dest := r.Header["Sec-Fetch-Dest"]
	return len(dest) == 0 || dest[0] == "document"
}

// barWriter puts a bar after a page's <body> tag. It holds nothing of the page
// back, and leaves alone what is no page.
type barWriter struct {
	http.ResponseWriter
	bar    []byte // nil: there is none to put in (any more)
	begun  bool   // it is known what the answer is
	left   int    // how much of the page is still looked through
	tag    bodyTag
	origin string
}

// wholePage are headers about the bytes of a page, which will be others.
var wholePage = []string{"Content-Length", "Etag", "Accept-Ranges", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest"}

// begin is called with the status just before the headers go out.
func (w *barWriter) begin(status int) {
	if w.begun {
		return
	}
	w.begun = true
	h := w.Header()
	if status != http.StatusOK || !htmlPage(h) {
		w.bar = nil
		return
	}
	for _, name := range wholePage {
		delete(h, name)
	}
}

// htmlPage reports whether an answer is HTML that can be read as it goes by.
func htmlPage(h http.Header) bool {
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	coding := h.Get("Content-Encoding")
	if err != nil || media != "text/html" || coding != "" && !strings.EqualFold(coding, "identity") || attachment(h) {
		return false
	}
	// In these, a byte that looks like "<" may be a part of something else.
	return !strings.HasPrefix(charset, "utf-16") && !strings.HasPrefix(charset, "utf-32") && !strings.HasPrefix(charset, "iso-2022")
}

// attachment reports whether an answer is to be saved, and not shown (RFC 6266).
func attachment(h http.Header) bool {
	disposition, _, _ := strings.Cut(h.Get("Content-Disposition"), ";")
	return strings.EqualFold(strings.TrimSpace(disposition), "attachment")
}

func (w *barWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.begin(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *barWriter) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	if w.bar == nil {
		return w.ResponseWriter.Write(p)
	}
	look := p[:min(len(p), w.left)]
	at, found := w.tag.find(look)
	if w.left -= len(look); !found {
		if w.left == 0 {
			w.bar = nil
		}
		return w.ResponseWriter.Write(p)
	}
	bar := w.bar
	if w.bar = nil; w.tag.based { // the page says where else its addresses begin
		bar = bytes.ReplaceAll(bar, []byte(`"/.paywall/`), []byte(`"`+w.origin+reservedPrefix+`/`))
	}
	// In one piece: whether a page is compressed may go by the length of the first
	// one, as with Caddy's encode.
	n, err := w.ResponseWriter.Write(append(p[:at:at], bar...))
	if err != nil {
		return min(n, at), err
	}
	n, err = w.ResponseWriter.Write(p[at:])
	return at + n, err
}

// ReadFrom keeps the way to sendfile open for what gets no bar.
func (w *barWriter) ReadFrom(r io.Reader) (int64, error) {
	w.begin(http.StatusOK)
	if to, ok := w.ResponseWriter.(io.ReaderFrom); ok && w.bar == nil {
		return to.ReadFrom(r)
	}
	return io.Copy(writerOnly{w}, r)
}

// FlushError is what [http.ResponseController] calls. The first flush sends the headers.
func (w *barWriter) FlushError() error {
	w.begin(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap gives [http.ResponseController] the rest.
func (w *barWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
