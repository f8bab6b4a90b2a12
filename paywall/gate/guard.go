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
	passed.Header.Set("Paywall-Status", "unpaid")

	guard := &guard{inner: w, header: w.Header().Clone(), sniffer: sniffer{abort: cancel}}
	defer func() {
		cause := recover()
		guard.stop()
		head := guard.sniffer.finish().head
		// What breaks off by itself is not sold here either (see Gate.ask).
		if guard.shut && (err == nil && cause == nil || guard.sniffer.aborted.Load()) {
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
		guard.header = w.Header().Clone()
	}
	guard.open()
	return nil, err
}

// guard is the writer of a request that was not paid for: everything gets
// through, except content.
type guard struct {
	inner   http.ResponseWriter
	header  http.Header // the site's until an answer gets through; it may hold on to it, and set trailers there later
	status  int
	shut    bool        // nothing gets through any more
	opened  bool        // an answer does
	timer   *time.Timer // ends one that does not
	sniffer sniffer
}

// Header keeps what a site says of a page from the offer that goes out in its
// place: an ETag or a length, and a digest in a trailer all the more, is of no
// use there, and of some to a thief.
func (w *guard) Header() http.Header {
	if w.opened {
		return w.inner.Header()
	}
	return w.header
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
	w.open()
	w.inner.WriteHeader(status)
}

// delivers reports whether an answer with this status has, or stands for,
// something that is sold.
func delivers(status int) bool {
	return status/100 == 2 || status == http.StatusSwitchingProtocols || status == http.StatusNotModified
}

// open lets the headers through: of an answer, or of the error that the server
// is about to report. No cache keeps it: it is about one reader who has not paid,
// and a 404 or a redirect that a cache kept would meet those who have, when the
// article is there at last (404, 301, 308 and 410 may be kept unasked: RFC 9110,
// 15.1).
func (w *guard) open() {
	if w.shut || w.opened {
		return
	}
	w.opened = true
	scrub(w.header, true)
	h := w.inner.Header()
	clear(h)
	for name, values := range w.header {
		h[name] = values
	}
	h.Set("Cache-Control", privately)
	h.Set("Vary", merge(h["Vary"]))
}

// close keeps the site's answer from the reader.
func (w *guard) close() {
	w.shut = true
	w.timer = time.AfterFunc(probeTimeout, w.sniffer.abort) // nobody waits for the rest
	if w.status/100 == 2 {
		w.sniffer.begin(w.header)
	}
}

// stop ends the wait for an answer that has ended.
func (w *guard) stop() {
	if w.timer != nil {
		w.timer.Stop()
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
