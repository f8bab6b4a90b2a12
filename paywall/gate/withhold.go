package gate

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// passUnpaid hands a request that nobody paid for to the site, because the site
// has nothing to sell there: it answers 404, redirects, is out of order. If it
// delivers something after all, that is thrown away, and sellable is the page
// that it turned out to be.
//
// Only GET and HEAD are passed as they are. Other methods become a GET: who has
// not paid gets the site's answer, but does nothing there.
func (g *Gate) passUnpaid(w http.ResponseWriter, r *http.Request, next Handler, t *ticket) (sellable *page, err error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	passed := r.Clone(ctx)
	if passed.Method != http.MethodGet && passed.Method != http.MethodHead {
		passed.Method = http.MethodGet
	}
	dropBody(passed)
	dropConditions(passed.Header)
	tell(passed.Header, toldUnpaid, t.resource)

	held := &withholder{gate: g, request: r, origin: t.origin, inner: w, header: w.Header().Clone(), sniffer: sniffer{abort: cancel}}
	defer func() {
		cause := recover()
		held.stop()
		head := held.sniffer.finish().head
		// What breaks off by itself is not sold here either (see Gate.ask).
		if held.shut && (err == nil && cause == nil || held.sniffer.aborted.Load()) {
			sellable, err = &page{sellable: true, head: head, opener: keptOpener(held.header)}, nil
			return
		}
		if cause != nil {
			panic(cause) // an answer cut short, or a bug of the site's: the server's business
		}
	}()
	err = next.ServeHTTP(held, passed)
	if held.status == 0 && err == nil {
		// Nothing was written, and the server will say 200 to it: nothing to
		// sell, nor to give away, as headers may ("X-Accel-Redirect").
		held.header = http.Header{}
	}
	held.open()
	return nil, err
}

// withholder is the writer of a request that was not paid for. What the site
// delivers does not get through, nor a redirect to where it may be had; of an error,
// the status does, and a page of ours takes the place of the site's. Of its headers
// only those do that passesUnpaid names, and no trailer.
type withholder struct {
	gate    *Gate
	request *http.Request
	origin  string // of the site
	inner   http.ResponseWriter
	header  http.Header // the site's, and never those of the answer: it may hold on to them, and set trailers there later
	status  int
	shut    bool // nothing gets through any more
	opened  bool // an answer does
	timer   *time.Timer
	sniffer sniffer
}

// Header keeps what a site says of a page from the answer that goes out in its
// place: an ETag or a length, and a digest in a trailer all the more, is of no
// use there, and of some to a thief.
func (w *withholder) Header() http.Header { return w.header }

func (w *withholder) WriteHeader(status int) {
	switch {
	case w.status != 0:
		return
	case status < 200 && status != http.StatusSwitchingProtocols:
		return // early hints tell of the page that was not paid for
	}
	w.status = status
	if delivers(status) || w.gate.leadsAway(w.request, w.origin, status, w.header) {
		w.close()
		return
	}
	w.writeInstead()
}

// delivers reports whether an answer with this status has, or stands for,
// something that is sold.
func delivers(status int) bool {
	return status/100 == 2 || status == http.StatusSwitchingProtocols || status == http.StatusNotModified
}

// open lets the headers through: of an answer, or of the error that the server
// is about to report; own are ours, names and values in turn. What handlers in front
// of the gate have set stays. No cache keeps the answer: it is about one reader who
// has not paid, and a 404 or a redirect that a cache kept would meet those who have,
// when the article is there at last (404, 301, 308 and 410 may be kept unasked:
// RFC 9110, 15.1).
func (w *withholder) open(own ...string) {
	if w.shut || w.opened {
		return
	}
	w.opened = true
	h := w.inner.Header()
	for name, values := range w.header {
		if passesUnpaid(name) {
			h[name] = values
		}
	}
	for i := 0; i < len(own); i += 2 {
		h[own[i]] = []string{own[i+1]}
	}
	w.settle(h)
	w.gate.settleLast(w.inner, w)
}

func (w *withholder) settle(h http.Header) {
	scrub(h, true)
	for name := range h {
		if pointsAway(name) && (name != "Location" || w.status/100 != 3) { // of those, what leadsAway let through
			delete(h, name)
		}
	}
	h["Cache-Control"] = []string{privately}
	h["Vary"] = []string{merge(h["Vary"], varyOn)}
	h[openerHeader] = []string{keptOpener(h)}
}

// writeInstead answers with the site's status, and words of ours.
func (w *withholder) writeInstead() {
	h := w.inner.Header()
	for name := range h {
		if ofTheBody(name) {
			delete(h, name)
		}
	}
	var body []byte
	var own []string
	switch {
	case w.status/100 == 3:
	case navigation(w.request):
		var page bytes.Buffer
		p := problem{Status: w.status, Title: http.StatusText(w.status)}
		_ = refusalPage.Execute(&page, siteRefusal(p)) // strings into a buffer: cannot fail
		body, own = page.Bytes(), refusalHeaders
	default:
		body = encode(problem{Type: "about:blank", Title: http.StatusText(w.status), Status: w.status, Detail: "The site answered so. What it said with it is for those who paid."})
		own = []string{"Content-Type", problemJSON}
	}
	w.open(append([]string{"Content-Length", strconv.Itoa(len(body))}, own...)...)
	w.inner.WriteHeader(w.status)
	if w.request.Method != http.MethodHead {
		_, _ = w.inner.Write(body) // a reader who has gone does not need it
	}
}

// ofTheBody reports whether a header describes or accompanies the body of an answer,
// which another one takes the place of.
func ofTheBody(name string) bool {
	switch name {
	case "Etag", "Last-Modified", "Accept-Ranges", "Digest", "Repr-Digest", "Want-Digest", "Trailer", "Transfer-Encoding", "Sourcemap",
		"X-Sourcemap":
		return true
	}
	return strings.HasPrefix(name, "Content-")
}

// passesUnpaid reports whether a header of the site's gets to who has not paid: what
// a client needs to act on a redirect or an error, and what is said of every page
// alike. All others may be the way to the article: a signed address under a name of
// the site's own, and a cookie by which a CDN hands it out.
func passesUnpaid(name string) bool {
	switch name {
	case "Location", "Retry-After", "Allow", "Www-Authenticate", "Vary", "Date", "Server", "Via", "Alt-Svc", "Strict-Transport-Security",
		"X-Content-Type-Options", "X-Frame-Options", "X-Robots-Tag", "Referrer-Policy", "Permissions-Policy", "Origin-Agent-Cluster":
		return true
	}
	return isCORS(name) || strings.HasPrefix(name, "Cross-Origin-")
}

// pointsAway reports whether a header says where something else is to be had.
func pointsAway(name string) bool {
	switch name {
	case "Location", "Refresh", "Link", "Content-Location":
		return true
	}
	return handsOver(name) || strings.HasPrefix(name, "X-Accel-")
}

// handsOver reports whether a header tells a server in front of us to deliver something
// else.
func handsOver(name string) bool {
	switch name {
	case "X-Accel-Redirect", "X-Sendfile", "X-Sendfile-Temporary", "X-Lighttpd-Send-File", "X-Lighttpd-Sendfile",
		"X-Litespeed-Location", "X-Reproxy-Url":
		return true
	}
	return false
}

// close keeps the site's answer from the reader.
func (w *withholder) close() {
	w.shut = true
	w.timer = time.AfterFunc(probeTimeout, w.sniffer.abort) // nobody waits for the rest
	if w.status/100 == 2 {
		w.sniffer.begin(w.header)
	}
}

// stop ends the wait for an answer that has ended.
func (w *withholder) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

func (w *withholder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.opened { // ours went out
		return len(p), nil
	}
	if err := w.sniffer.write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// FlushError is for [http.ResponseController]. There is no Unwrap: a hijacked
// connection could not be withheld.
func (w *withholder) FlushError() error {
	w.WriteHeader(http.StatusOK)
	return nil
}

// Flush is for handlers that stream only to an [http.Flusher].
func (w *withholder) Flush() { _ = w.FlushError() }

// noteRedirect tells the operator, once for each resource, that a redirect is sold.
func noteRedirect(g *Gate, ctx context.Context, site, resource string) {
	if g.told.first("redirect " + site + resource) {
		g.o.Logger.LogAttrs(ctx, slog.LevelInfo,
			"a page behind the paywall redirects out of the site's pages; it is sold as a page is, and the redirect goes to whoever paid",
			slog.String("site", site), slog.String("resource", resource))
	}
}
