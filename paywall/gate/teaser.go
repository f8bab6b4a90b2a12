package gate

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/teaser"
)

// cutPage is what is shown of a page to those who have not paid.
type cutPage struct {
	*teaser.Page
	header http.Header // of the site's answer, what of it is shown
}

// size is how much of it is remembered, in bytes; a nil page has none.
func (c *cutPage) size() int {
	if c == nil {
		return 0
	}
	return c.Size()
}

// shownHeaders are what the site says about how its page is to be handled. All
// else is about the whole page (its length, age, digest, preloads), or about the
// one reader whom it was made for.
var shownHeaders = []string{
	"Content-Language", "Content-Security-Policy", "Content-Security-Policy-Report-Only", "Permissions-Policy", "X-Frame-Options",
	"X-Content-Type-Options", "X-Robots-Tag", "Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy", "Cross-Origin-Resource-Policy",
}

// ourPolicy comes on top of the site's. No script of the page is left, so none
// runs, whatever somebody on the way puts in; and a page with a button that pays
// is in nobody's frame.
const ourPolicy = "script-src 'none'; object-src 'none'; frame-ancestors 'none'"

// plainRequest leaves of a probe's headers nothing that a client chose: what
// the site makes of it is shown to others (web cache poisoning).
func plainRequest(h http.Header, origin string) {
	accept, coding := h["Accept"], h["Accept-Encoding"]
	clear(h)
	h["Accept"], h["Accept-Encoding"] = accept, coding
	h.Set("User-Agent", "Mozilla/5.0 (compatible; Tuppence)") // some sites refuse those who have none
	scheme, _, _ := strings.Cut(origin, ":")
	h.Set("X-Forwarded-Proto", scheme)
	h.Set("Paywall-Status", "probe")
}

// cut cuts a page, as many at a time as there are processors: each takes memory
// of some times its own size.
func (g *Gate) cut(page []byte, title, origin string) (*teaser.Page, error) {
	g.cutting <- struct{}{}
	defer func() { <-g.cutting }()
	return g.Teaser.Cut(page, title, origin)
}

// errNegotiated: one page is remembered, and shown to all.
var errNegotiated = errors.New("the site has several pages for this address (Vary)")

// showable answers what may be shown of a page that was delivered whole, and
// tells the operator, once for each resource, why nothing is.
func (g *Gate) showable(ctx context.Context, rec *recorder, read gleaning, origin, resource string) *cutPage {
	media, _, _ := mime.ParseMediaType(rec.header.Get("Content-Type"))
	if rec.status != http.StatusOK || media != "text/html" || attachment(rec.header) {
		return nil
	}
	vary := strings.Join(rec.header["Vary"], ", ")
	if read.err == nil && (listed(vary, "*") || listed(vary, "Accept-Language")) {
		read.cut, read.err = nil, errNegotiated
	}
	if read.err != nil && g.uncut.first(origin+resource) {
		g.Logger.LogAttrs(ctx, slog.LevelWarn, "there is no teaser of a page; readers are sent to the purchase page",
			slog.String("site", origin), slog.String("resource", resource), slog.Any("error", read.err))
	}
	if read.cut == nil {
		return nil
	}
	shown := &cutPage{Page: read.cut, header: make(http.Header)}
	for _, name := range shownHeaders {
		if values := rec.header[name]; len(values) > 0 {
			shown.header[name] = values
		}
	}
	return shown
}

// ownPage reports whether a request is for the page that bears the resource's
// name, whatever else it has in the query. Others may be later parts of it, and
// the beginning of each is not free.
func (t *ticket) ownPage() bool { return t.resource == t.asked.Resource }

// teaserOf answers what to show in the place of a redirect, nil if nothing: for
// a browser that is about to show a page, of which there is a teaser.
func (g *Gate) teaserOf(r *http.Request, next Handler, t *ticket, found *page) *cutPage {
	switch {
	case g.Teaser == nil || !navigation(r) || r.Method != http.MethodGet && r.Method != http.MethodHead || !t.ownPage():
		return nil
	case found.cut != nil:
		return found.cut
	case t.asked.Location() == t.asked.Bare(), r.RequestURI != t.raw:
		return nil // of an address that the server made up nothing is known without its query
	}
	// A campaign's parameters change nothing; a page's number would show later
	// pages. Both are shown the page without.
	bare, url, of := *r, *r.URL, *t
	of.raw = t.asked.Bare()
	_, url.RawQuery, _ = strings.Cut(of.raw, "?")
	bare.RequestURI, bare.URL = of.raw, &url
	own, err := g.page(&bare, next, &of, true)
	if err != nil {
		return nil // the reader has gone
	}
	return own.cut
}

// tease shows a page that was cut, with an offer in the place of the rest. The
// price stands on its button. Who has a wallet buys with it; who has none is
// led to the purchase page, whose form carries the key of a new one.
func (g *Gate) tease(w http.ResponseWriter, r *http.Request, t *ticket, c *credentials, head *teaser.Head, cut *cutPage, q *quote) error {
	o := paywall.Offer{
		Site: t.origin, Checkout: t.origin, Resource: t.resource, URL: t.asked.Location(),
		Title: head.Title, Words: head.Words, Price: t.rule.Price, Access: t.rule.Access,
	}
	box, err := g.Box(speaking(r, t, c), &o, strings.TrimPrefix(q.unlock, unlockPath), cut.Form && c.wallet != "" && !c.twins)
	if err != nil {
		g.Logger.LogAttrs(r.Context(), slog.LevelError, "writing an offer into a page failed",
			slog.String("site", t.origin), slog.Any("error", err))
		return offer(w, r, t, q)
	}
	h := begin(w)
	for name, values := range cut.header {
		h[name] = append(h[name][:len(h[name]):len(h[name])], values...)
	}
	h.Add("Content-Security-Policy", ourPolicy)
	// Not "no-referrer": that makes browsers send "Origin: null" with our form.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", privately)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(cut.Size()+len(box)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	for _, part := range [...][]byte{cut.Before, box, cut.After} {
		if _, err := w.Write(part); err != nil {
			return nil // a reader who has gone does not need it
		}
	}
	return nil
}

// speaking is a request with the cookie of the language that its reader chose:
// the site does not see it, but the offer follows it.
func speaking(r *http.Request, t *ticket, c *credentials) *http.Request {
	if c.language == "" {
		return r
	}
	spoken := *r
	spoken.Header = r.Header.Clone()
	spoken.Header["Cookie"] = []string{paywall.LanguageCookie.On(t.tls) + "=" + c.language}
	return &spoken
}

// reported are the things that were told to the operator already.
type reported struct {
	mu   sync.Mutex
	seen map[string]bool
}

// maxReported bounds them. After that many there is nothing new to learn.
const maxReported = 1000

// first reports whether something was not told yet, and counts it as told.
func (m *reported) first(what string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen[what] || len(m.seen) >= maxReported {
		return false
	}
	if m.seen == nil {
		m.seen = make(map[string]bool)
	}
	m.seen[strings.Clone(what)] = true // not a slice of a long address
	return true
}
