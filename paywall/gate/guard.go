package gate

import (
	"context"
	"net/http"
	"time"
)

// passUnpaid hands a request that nobody paid for to the site, because the site
// has nothing to sell there: it answers 404, redirects, is out of order. If it
// delivers something after all, that is thrown away, and sellable is the page
// that it turned out to be.
//
// Only GET and HEAD are passed as they are. Other methods become a GET: who has
// not paid gets the site's answer, but does nothing there.
func (g *Gate) passUnpaid(w http.ResponseWriter, r *http.Request, next Handler) (sellable *page, err error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	passed := r.Clone(ctx)
	if passed.Method != http.MethodGet && passed.Method != http.MethodHead {
		passed.Method = http.MethodGet
	}
	dropBody(passed)
	dropConditions(passed.Header)
	passed.Header.Set("Paywall-Status", "pass")

	guard := &guard{inner: w, before: w.Header().Clone(), sniffer: sniffer{abort: cancel}}
	defer func() {
		cause := recover()
		guard.stop()
		head := guard.sniffer.finish()
		// What breaks off by itself is not sold here either (see Gate.ask).
		if guard.shut && (err == nil && cause == nil || guard.sniffer.aborted) {
			sellable, err = &page{sellable: true, head: head}, nil
			return
		}
		if cause != nil {
			panic(cause) // an answer cut short, or a bug of the site's: the server's business
		}
	}()
	err = next.ServeHTTP(guard, passed)
	if guard.status == 0 && err == nil {
		// Nothing was written, and the server will say 200 to it: nothing to
		// sell, nor to give away, as headers may ("X-Accel-Redirect").
		guard.restore()
	}
	guard.settle()
	return nil, err
}

// guard is the writer of a request that was not paid for: everything gets
// through, except content.
type guard struct {
	inner   http.ResponseWriter
	before  http.Header // what the server had set before the site was asked
	status  int
	shut    bool
	late    http.Header // what the site sets after that
	timer   *time.Timer // ends it then
	sniffer sniffer
}

// Header keeps trailers of an answer that was thrown away from the offer: they
// are set when it has been written, and may well be a digest of the page.
func (w *guard) Header() http.Header {
	if w.shut {
		return w.late
	}
	return w.inner.Header()
}

func (w *guard) WriteHeader(status int) {
	switch {
	case w.status != 0:
		return
	case status < 200 && status != http.StatusSwitchingProtocols:
		return // early hints tell of the page that was not paid for
	}
	w.status = status
	if delivers(status) {
		w.close()
		return
	}
	w.settle()
	w.inner.WriteHeader(status)
}

// delivers reports whether an answer with this status has, or stands for,
// something that is sold.
func delivers(status int) bool {
	return status/100 == 2 || status == http.StatusSwitchingProtocols || status == http.StatusNotModified
}

// settle changes the headers of what gets through, or would go out without
// anything having been written. No cache keeps it: it is about one reader who
// has not paid, and a 404 or a redirect that a cache kept would meet those who
// have, when the article is there at last (404, 301, 308 and 410 may be kept
// unasked: RFC 9110, 15.1).
func (w *guard) settle() {
	if w.shut {
		return
	}
	h := w.inner.Header()
	scrub(h, true)
	h.Set("Cache-Control", privately)
	h.Set("Vary", merge(h["Vary"]))
}

// close keeps the site's answer from the reader, its headers included: an ETag
// or a length of the page is of no use on the offer, and of some to a thief.
func (w *guard) close() {
	w.shut, w.late = true, make(http.Header)
	h := w.inner.Header()
	w.timer = time.AfterFunc(probeTimeout, w.sniffer.abort) // nobody waits for the rest
	if w.status/100 == 2 {
		w.sniffer.begin(h)
	}
	w.restore()
}

// stop ends the wait for an answer that has ended.
func (w *guard) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// restore leaves the headers that the site found.
func (w *guard) restore() {
	h := w.inner.Header()
	clear(h)
	for name, values := range w.before {
		h[name] = values
	}
}

func (w *guard) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if !w.shut {
		return w.inner.Write(p)
	}
	if err := w.sniffer.write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// FlushError is for [http.ResponseController]. There is no Unwrap: a hijacked
// connection could not be guarded.
func (w *guard) FlushError() error {
	w.WriteHeader(http.StatusOK)
	if w.shut {
		return nil
	}
	return http.NewResponseController(w.inner).Flush()
}

// Flush is for handlers that stream only to an [http.Flusher].
func (w *guard) Flush() { _ = w.FlushError() }
