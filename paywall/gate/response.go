package gate

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/paywall/pricing"
)

const (
	privately = "private, no-store"
	varyOn    = "Cookie, Authorization"
)

// openerPolicy is on every answer for what has a price, bought or not, as on the
// purchase page: a page that opens the article in a window learns nothing from
// whether it can still reach that window (XS-Leaks, "Window References").
const openerPolicy = "same-origin"

// response is the writer that the site answers through. It changes headers, in
// the moment they go out, and nothing else: nothing is buffered, and flushing,
// hijacking and sendfile pass (coraza-caddy#78 and its successors, caddy#7016).
type response struct {
	http.ResponseWriter
	paid    bool // or read by a crawler: not for everybody
	crawler bool
	late    bool         // the site asked for the headers after they went out, as for trailers
	sealed  bool         // the final headers were changed already
	fields  int32        // how many they were
	cookie  *http.Cookie // set with the answer, may be nil
	lead    lead         // where an unpriced request goes after the gate
	denied  http.Header  // not nil: the answer was withheld, and this is the site's to write into

	// Room for the header values that every paid request gets, so that they
	// come with the one allocation of this struct. Not shared between requests:
	// handlers change values in place.
	values [5]string
}

// label tells the site what was decided.
func (w *response) label(h http.Header, t *ticket) {
	switch {
	case t.status == pricing.Unpriced: // and nothing is said about what it is
		w.values[0] = "pass"
		h["Paywall-Status"] = w.values[0:1:1]
		return
	case t.crawler:
		w.values[0] = toldCrawler
	case t.status == pricing.Priced:
		w.values[0] = toldPaid
	default:
		w.values[0] = "free"
	}
	w.values[1] = headerText(t.resource)
	h["Paywall-Status"], h["Paywall-Resource"] = w.values[0:1:1], w.values[1:2:2]
}

// Header keeps what a site says after its answer was withheld, as trailers do,
// from the answer that went out instead.
func (w *response) Header() http.Header {
	if w.denied != nil {
		return w.denied
	}
	w.late = w.sealed
	return w.ResponseWriter.Header()
}

func (w *response) WriteHeader(status int) {
	switch {
	case status < 200 && status != http.StatusSwitchingProtocols:
		if w.denied != nil || !w.sealed && w.lead.reachesPriced() {
			return // hints tell of the page as well
		}
		scrub(w.Header(), false) // 103 goes out now, with the headers as they are
	case !w.open(status):
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	if !w.open(http.StatusOK) {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// ReadFrom keeps the way to sendfile open.
func (w *response) ReadFrom(r io.Reader) (int64, error) {
	if !w.open(http.StatusOK) {
		return io.Copy(io.Discard, r)
	}
	if to, ok := w.ResponseWriter.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(writerOnly{w.ResponseWriter}, r)
}

type writerOnly struct{ io.Writer }

// FlushError is what [http.ResponseController] calls. The first flush sends the headers.
func (w *response) FlushError() error {
	if !w.open(http.StatusOK) {
		return nil
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush is for handlers that still ask for an [http.Flusher].
func (w *response) Flush() { _ = w.FlushError() }

// Hijack is for handlers that still ask for an [http.Hijacker]. The connection
// is theirs then, with all that goes over it. Where there is none to be had, as
// in HTTP/2, they will answer in the ordinary way.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.denied != nil || !w.sealed && w.lead.reachesPriced() {
		return nil, nil, http.ErrNotSupported
	}
	conn, buffer, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.sealed = true
	}
	return conn, buffer, err
}

// Unwrap gives [http.ResponseController] the rest: deadlines and full duplex.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// open is called with the status just before the headers go out, and reports
// whether the site's answer goes with them.
func (w *response) open(status int) bool {
	if !w.sealed && delivers(status) && w.lead.reachesPriced() {
		w.deny(w.lead.refuse)
	}
	w.seal()
	return w.denied == nil
}

// deny answers in the site's place, as long as nothing went out.
func (w *response) deny(instead func(http.ResponseWriter)) {
	if !w.sealed {
		w.sealed, w.denied = true, make(http.Header)
		instead(w.ResponseWriter)
	}
}

// seal changes the headers once.
func (w *response) seal() {
	if w.sealed {
		return
	}
	h := w.Header()
	w.sealed = true
	w.settle(h)
	w.fields = int32(len(h))
}

func (w *response) settle(h http.Header) {
	if scrub(h, w.paid) {
		noteClearSiteData(w.lead.gate)
	}
	if !w.paid {
		return
	}
	w.values[2], w.values[3] = privately, merge(h["Vary"], varyOn)
	h["Cache-Control"], h["Vary"] = w.values[2:3:3], w.values[3:4:4]
	if !sandboxed(h) {
		w.values[4] = keptOpener(h)
		h["Cross-Origin-Opener-Policy"] = w.values[4:5:5]
	}
	if w.crawler && !listed(strings.Join(h["X-Robots-Tag"], ","), noArchive) {
		// An engine that shows its copy of a page gives the article away. Bing asks
		// publishers for this (blogs.bing.com, "SEO best practice for subscription-based
		// and paywall content", May 2022); where the site says more, both hold.
		h.Add("X-Robots-Tag", noArchive)
	}
	if w.cookie != nil {
		h.Add("Set-Cookie", w.cookie.String()) // scrub took it out, had it been there
	}
}

const noArchive = "noarchive"

// finish takes our names from what the site says after the body.
func (w *response) finish() {
	if w.late && w.denied == nil {
		cleanLate(w.ResponseWriter.Header(), int(w.fields))
	}
}

// cleanLate takes our names from the trailers of an answer that went out with so
// many headers. There are none where their number is the same and none was announced.
func cleanLate(h http.Header, fields int) {
	if len(h) != fields || h["Trailer"] != nil {
		scrub(h, false)
	}
}

// merge adds what our answers depend on to what the site says its own do.
func merge(vary []string, ours string) string {
	if len(vary) == 0 {
		return ours
	}
	joined := strings.Join(vary, ", ")
	for name := range strings.SplitSeq(ours, ", ") {
		if !listed(joined, name) {
			joined += ", " + name
		}
	}
	return joined
}

func listed(list, name string) bool {
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.Trim(entry, " \t"); entry == "*" || strings.EqualFold(entry, name) {
			return true
		}
	}
	return false
}

// headerText spells a resource so that it is one header value for everybody:
// visible ASCII stays, all else, and "%", becomes %XX.
func headerText(resource string) string {
	const hex = "0123456789ABCDEF"
	for i := range len(resource) {
		if visible(resource[i]) {
			continue
		}
		out := append(make([]byte, 0, len(resource)+16), resource[:i]...)
		for ; i < len(resource); i++ {
			if c := resource[i]; visible(c) {
				out = append(out, c)
			} else {
				out = append(out, '%', hex[c>>4], hex[c&15])
			}
		}
		return string(out)
	}
	return resource
}

func visible(c byte) bool { return c > ' ' && c < 0x7f && c != '%' }
