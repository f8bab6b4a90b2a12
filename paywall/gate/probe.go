package gate

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall/teaser"
)

const probeTimeout = 10 * time.Second

// ask makes the probe: a GET of its own through next, as nobody in particular.
// Once it runs it outlives the reader who caused it, because others may be
// waiting for it. The error says that it did not come to that. With cut it is
// asked in a way that does not depend on who caused it, since part of the answer
// will be shown to others.
func (g *Gate) ask(set http.Header, r *http.Request, next Handler, origin, resource, kind string, cut bool) (*page, error) {
	release, err := g.semaphores.acquire(r.Context(), resource, kind)
	if err != nil {
		return nil, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), probeTimeout)
	defer cancel()
	rec := &recorder{header: set.Clone(), sniffer: sniffer{abort: cancel}}
	probe := anonymous(r, ctx)
	if cut {
		plainRequest(probe.Header, origin)
		rec.sniffer.cut = func(page []byte, title string) (*teaser.Page, error) { return g.cut(page, title, origin+resource) }
	}
	tell(probe.Header, toldProbe, resource)
	detached := g.o.Detach(rec, probe, r)
	restore := disguise(r.Header, probe.Header)
	whole := g.run(rec, detached, next)
	restore()
	read := rec.sniffer.finish()
	found := &page{head: read.head, opener: keptOpener(rec.header), until: g.o.Now().Add(absentTTL)}
	if !cut {
		found.dependsOn(rec.header["Vary"], r.Header)
	}
	switch away := g.leadsAway(r, origin, rec.status, rec.header); {
	case rec.status/100 == 2 && (whole || rec.sniffer.aborted.Load()):
		found.sellable, found.until = true, g.o.Now().Add(pageTTL)
		found.cut = showable(g, r.Context(), rec, read, origin, resource)
	case away && whole:
		found.sellable, found.until = true, g.o.Now().Add(pageTTL)
		noteRedirect(g, r.Context(), origin, resource)
	}
	return found, nil
}

// dependsOn notes which headers of its reader's a page was made for; vary is what
// the site says of it, and h the reader's. What the probe does not send, or always
// sends alike, does not count. Of a page that depends on too much, nothing is told.
func (p *page) dependsOn(vary []string, h http.Header) {
	for _, line := range vary {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(strings.Trim(name, " \t"))
			switch {
			case name == "" || name == "Accept" || aboutReader(name):
				continue
			case name == "*" || len(p.vary) == maxVary:
				p.head, p.vary = teaser.Head{}, nil
				return
			}
			p.vary = append(p.vary, name)
		}
	}
	if p.vary != nil {
		p.variant = variantOf(p.vary, h)
	}
}

// disguise gives a reader's request the headers of the probe, for as long as the
// probe runs and the reader's request waits. Handlers in front of the gate may have
// left something behind that looks at it when it is asked, as Caddy's map does.
func disguise(reader, probe http.Header) (restore func()) {
	own := maps.Clone(reader)
	clear(reader)
	maps.Copy(reader, probe)
	return func() {
		clear(reader)
		maps.Copy(reader, own)
	}
}

// run calls next and says whether it came to its end. A proxy ends an answer
// that it could not finish with a panic, as net/http wants it; here that is an
// answer like another. So is every other panic: the reader's own request, which
// follows, meets it where the server reports it.
func (g *Gate) run(w http.ResponseWriter, r *http.Request, next Handler) (whole bool) {
	defer func() {
		if cause := recover(); cause != nil && cause != any(http.ErrAbortHandler) {
			g.o.Logger.LogAttrs(r.Context(), slog.LevelError, "the site panicked when the gate asked for a page")
		}
	}()
	return next.ServeHTTP(w, r) == nil
}

// anonymous is the request that the gate makes in a reader's stead: nothing of
// it says who reads, what he has already, or which part he wants.
func anonymous(r *http.Request, ctx context.Context) *http.Request {
	probe := r.Clone(ctx)
	probe.Method = http.MethodGet
	dropBody(probe)
	dropConditions(probe.Header)
	for name := range probe.Header {
		if aboutReader(name) {
			delete(probe.Header, name)
		}
	}
	probe.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	probe.Header.Set("Accept-Encoding", "identity") // none would mean any (RFC 9110, 12.5.3)
	return probe
}

// aboutReader reports whether a header says who reads, or how this request came about.
func aboutReader(name string) bool {
	switch name {
	case "Cookie", "Authorization", "Proxy-Authorization", "Accept-Encoding", "Origin", "Referer", "Forwarded", "X-Requested-With",
		"Cache-Control", "Pragma", "Early-Data", "Purpose", "X-Moz", "X-Purpose":
		return true
	}
	return strings.HasPrefix(name, "Sec-") || strings.HasPrefix(name, "Hx-") || strings.HasPrefix(name, "Turbo-")
}

// dropBody leaves a request without content, and without the fields about it.
func dropBody(r *http.Request) {
	r.Body, r.GetBody, r.ContentLength = http.NoBody, nil, 0
	r.TransferEncoding, r.Trailer = nil, nil
	for name := range r.Header {
		if strings.HasPrefix(name, "Content-") || name == "Transfer-Encoding" || name == "Expect" ||
			name == "Trailer" || name == "Te" {
			delete(r.Header, name)
		}
	}
}

// dropConditions leaves a request for the whole, now, over plain HTTP: a 206, a
// 304 or a 101 would say nothing about whether there is something to sell.
func dropConditions(h http.Header) {
	for name := range h {
		if name == "Range" || name == "Connection" || name == "Upgrade" ||
			strings.HasPrefix(name, "If-") || strings.HasPrefix(name, "Sec-Websocket-") {
			delete(h, name)
		}
	}
}

// recorder is the writer of a probe.
type recorder struct {
	header  http.Header
	status  int
	sniffer sniffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status != 0 || status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.status = status
	if status/100 == 2 {
		w.sniffer.begin(w.header)
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.status/100 != 2 {
		return len(p), nil
	}
	if err := w.sniffer.write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// FlushError sends nothing anywhere, but it is how some sites say 200.
func (w *recorder) FlushError() error {
	w.WriteHeader(http.StatusOK)
	return nil
}

// Flush is for handlers that refuse to stream to what is no [http.Flusher].
func (w *recorder) Flush() { _ = w.FlushError() }
