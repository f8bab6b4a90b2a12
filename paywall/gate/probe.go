package gate

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/tuppence/tuppence/paywall/teaser"
)

const (
	probeTimeout = 10 * time.Second
	// pageTTL is how long the answer to a probe is believed. That something is
	// not there is believed for shorter: articles get published.
	pageTTL   = 60 * time.Second
	absentTTL = 5 * time.Second
	// maxPages bounds what is remembered: so many pages, or fewer when parts of
	// them are shown. One weighs pageWeight bytes.
	maxPages   = 8192
	pageWeight = 4 << 10
)

// page is what the site said about one target when the gate asked for it.
type page struct {
	sellable bool // it delivers something (2xx)
	head     teaser.Head
	cut      *cutPage // nil: there is nothing to show of it
	until    time.Time
	quotes   quotes
}

// pageKey stands for one target. Clients choose targets, of up to 8 KB, and a
// key must not hold what they chose in memory.
type pageKey [sha256.Size]byte

// keyOf makes the key of its parts, none of which holds a NUL.
func keyOf(parts ...string) pageKey {
	all := make([]byte, 0, 512) // on the stack, mostly
	for _, part := range parts {
		all = append(append(all, part...), 0)
	}
	return sha256.Sum256(all)
}

// keyOfPage is the key of what a request asks for. Many addresses may be
// rewritten to one; and whatever a site may take for its own name belongs to it,
// since a title that repeats it is for those who sent the same.
func keyOfPage(r *http.Request, t *ticket) pageKey {
	line := func(name string) string { return strings.Join(r.Header[name], "\n") } // which one counts depends on the site
	return keyOf(t.origin, t.raw, r.RequestURI, r.Host,
		line("X-Forwarded-Host"), line("X-Forwarded-Proto"), line("X-Forwarded-Port"))
}

// pages remembers. Entries carry their own time to live, so that the gate needs
// no goroutine of its own, and nothing to close when a server drops it.
type pages struct{ cache *otter.Cache[pageKey, *page] }

func newPages() (*pages, error) {
	cache, err := otter.New(&otter.Options[pageKey, *page]{
		MaximumWeight: maxPages,
		Weigher:       func(_ pageKey, p *page) uint32 { return uint32(1 + p.cut.size()/pageWeight) },
	})
	if err != nil {
		return nil, err
	}
	return &pages{cache}, nil
}

// get answers the page under a key, asking the site if need be, one request at
// a time per key: the others wait. The error is the context's, or that of ask.
// When the reader who asks gives up before he has a place, another one asks.
func (p *pages) get(ctx context.Context, key pageKey, now time.Time, ask func() (*page, error)) (*page, error) {
	if known, ok := p.cache.GetIfPresent(key); ok {
		if now.Before(known.until) {
			return known, nil
		}
		p.forget(key, known)
	}
	return p.cache.Get(ctx, key, otter.LoaderFunc[pageKey, *page](func(context.Context, pageKey) (*page, error) { return ask() }))
}

// forget drops a page, unless it has been replaced by now.
func (p *pages) forget(key pageKey, old *page) {
	p.cache.ComputeIfPresent(key, func(current *page) (*page, otter.ComputeOp) {
		if current == old {
			return nil, otter.InvalidateOp
		}
		return current, otter.CancelOp
	})
}

// ask makes the probe: a GET of its own through next, as nobody in particular.
// Once it runs it outlives the reader who caused it, because others may be
// waiting for it. The error says that it did not come to that. With cut it is
// asked in a way that does not depend on who caused it, since part of the answer
// will be shown to others.
func (g *Gate) ask(r *http.Request, next Handler, origin, resource string, cut bool) (*page, error) {
	leave, err := g.lanes.enter(r.Context(), resource)
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), probeTimeout)
	defer cancel()
	rec := &recorder{header: make(http.Header), sniffer: sniffer{abort: cancel}}
	probe := stranger(r, ctx)
	if cut {
		plainRequest(probe.Header, origin)
		rec.sniffer.cut = func(page []byte, title string) (*teaser.Page, error) { return g.cut(page, title, origin) }
	}
	whole := g.run(rec, g.Detach(rec, probe), next)
	read := rec.sniffer.finish()
	found := &page{head: read.head, until: g.Now().Add(absentTTL)}
	if rec.status/100 == 2 && (whole || rec.sniffer.aborted.Load()) {
		found.sellable, found.until = true, g.Now().Add(pageTTL)
		found.cut = g.showable(r.Context(), rec, read, origin, resource)
	}
	return found, nil
}

// run calls next and says whether it came to its end. A proxy ends an answer
// that it could not finish with a panic, as net/http wants it; here that is an
// answer like another. So is every other panic: the reader's own request, which
// follows, meets it where the server reports it.
func (g *Gate) run(w http.ResponseWriter, r *http.Request, next Handler) (whole bool) {
	defer func() {
		if cause := recover(); cause != nil && cause != any(http.ErrAbortHandler) {
			g.Logger.LogAttrs(r.Context(), slog.LevelError, "the site panicked when the gate asked for a page")
		}
	}()
	return next.ServeHTTP(w, r) == nil
}

// stranger is the request that the gate makes in a reader's stead: nothing of
// it says who reads, what he has already, or which part he wants.
func stranger(r *http.Request, ctx context.Context) *http.Request {
	probe := r.Clone(ctx)
	probe.Method = http.MethodGet
	dropBody(probe)
	dropConditions(probe.Header)
	for name := range probe.Header {
		if name == "Cookie" || name == "Authorization" || name == "Proxy-Authorization" || name == "Accept-Encoding" ||
			name == "Origin" || name == "Referer" || name == "Forwarded" || name == "X-Requested-With" || name == "Cache-Control" ||
			name == "Pragma" || name == "Early-Data" || strings.HasPrefix(name, "Sec-") {
			delete(probe.Header, name)
		}
	}
	probe.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	probe.Header.Set("Accept-Encoding", "identity") // none would mean any (RFC 9110, 12.5.3)
	probe.Header.Set("Paywall-Status", "probe")
	return probe
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
