package gate

import (
	"context"
	"errors"
	"fmt"
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
	"X-Content-Type-Options", "X-Robots-Tag", "Cross-Origin-Embedder-Policy", "Cross-Origin-Resource-Policy",
}

// plainRequest leaves of a probe's headers nothing that a client chose: what
// the site makes of it is shown to others (web cache poisoning).
func plainRequest(h http.Header, origin string) {
	accept, coding := h["Accept"], h["Accept-Encoding"]
	clear(h)
	h["Accept"], h["Accept-Encoding"] = accept, coding
	h.Set("User-Agent", "Mozilla/5.0 (compatible; Tuppence)") // some sites refuse those who have none
	scheme, _, _ := strings.Cut(origin, ":")
	h.Set("X-Forwarded-Proto", scheme)
}

// cut cuts a page, as many at a time as there are processors: each takes memory
// of some times its own size.
func (g *Gate) cut(page []byte, title, address string) (*teaser.Page, error) {
	g.cutting <- struct{}{}
	defer func() { <-g.cutting }()
	return g.o.Teaser.Cut(page, title, address)
}

// errNegotiated: one page is remembered, and shown to all.
var errNegotiated = errors.New("the site has several pages for this address (Vary)")

// errNotForStrangers: the gate asks without a reader's cookies.
var errNotForStrangers = errors.New("the site delivers it to this reader only, and not to a stranger")

// showable answers what may be shown of a page that was delivered whole, and
// tells the operator, once for each resource, why nothing is.
func showable(g *Gate, ctx context.Context, rec *recorder, read sniffed, origin, resource string) *cutPage {
	if rec.sniffer.cut == nil {
		return nil // nobody asked for one
	}
	media, _, _ := mime.ParseMediaType(rec.header.Get("Content-Type"))
	vary := strings.Join(rec.header["Vary"], ", ")
	switch {
	case rec.status != http.StatusOK:
		read.cut, read.err = nil, fmt.Errorf("the site answers with the status %d", rec.status)
	case media != "text/html" || attachment(rec.header):
		return nil // a file, which has none
	case read.err == nil && (listed(vary, "*") || listed(vary, "Accept-Language")):
		read.cut, read.err = nil, errNegotiated
	}
	if read.err != nil {
		noteNoTeaser(g, ctx, origin, resource, read.err)
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
// a browser that is about to show a page, of which there is a teaser. A campaign's
// parameters change nothing; a page's number would show later pages. Both are shown
// the page without (see bare).
func (g *Gate) teaserOf(r *http.Request, t *ticket, found *page) *cutPage {
	if g.o.Teaser == nil || prefetching(r) || r.Method != http.MethodGet && r.Method != http.MethodHead || !t.ownPage() {
		return nil
	}
	if who := clientOf(r); who != browser && who != preview {
		return nil
	}
	return found.cut
}

// tease shows a page that was cut, with an offer in the place of the rest. The
// price stands on its button. Who has a wallet buys with it; who has none is
// led to the purchase page, whose form carries the key of a new one. So is whoever
// another site has led here: its click, or the second half of a double one, may be
// meant for something else that stood there a moment before.
func (g *Gate) tease(w http.ResponseWriter, r *http.Request, t *ticket, c *credentials, found *page, cut *cutPage, q *signedOffer) error {
	o := paywall.Offer{
		Site: t.origin, Checkout: t.origin, Resource: t.resource, URL: t.asked.Location(),
		Title: found.head.Title, Words: found.head.Words, Price: t.rule.Price, Access: t.rule.Access,
	}
	form := cut.Form && c.wallet != "" && !c.twins && fromHere(r)
	box, err := g.o.Box(withLanguage(r, t, c), &o, strings.TrimPrefix(q.unlock, unlockPath), form)
	if err != nil {
		g.o.Logger.LogAttrs(r.Context(), slog.LevelError, "writing an offer into a page failed",
			slog.String("site", t.origin), slog.Any("error", err))
		return g.writeOffer(w, r, t, found, q)
	}
	h := w.Header()
	begin(h, []string{
		// Not "no-referrer": that makes browsers send "Origin: null" with our form.
		"Referrer-Policy", "same-origin", "Cache-Control", privately, openerHeader, found.opener,
		"Content-Type", "text/html; charset=utf-8", "Content-Length", strconv.Itoa(cut.Size() + len(box)),
	})
	for name, values := range cut.header {
		h[name] = values[:len(values):len(values)]
	}
	origin := t.origin // not t: it would have to leave the stack of every paid request
	policy := func(h http.Header) { teaserPolicy(h, origin) }
	policy(h)
	g.keep(w, &ownHeaders{policy: policy})
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

// fromHere reports whether a browser says that it came from a page of this site, or
// from nowhere: an address that was typed, a bookmark.
func fromHere(r *http.Request) bool {
	site := r.Header["Sec-Fetch-Site"]
	return len(site) == 1 && (site[0] == "same-origin" || site[0] == "none")
}

// noteUnshown tells the operator, once for each resource, why a page has no teaser
// that the site does not deliver to a stranger.
func noteUnshown(g *Gate, r *http.Request, t *ticket) {
	if g.o.Teaser != nil && t.ownPage() && navigation(r) {
		noteNoTeaser(g, r.Context(), t.origin, t.resource, errNotForStrangers)
	}
}

func noteNoTeaser(g *Gate, ctx context.Context, origin, resource string, cause error) {
	if g.told.first("teaser " + origin + resource) {
		g.o.Logger.LogAttrs(ctx, slog.LevelWarn, "there is no teaser of a page; readers are sent to the purchase page",
			slog.String("site", origin), slog.String("resource", resource), slog.Any("error", cause))
	}
}

// withLanguage returns a copy of r that has the language cookie again, which
// takeCredentials removed, so that the offer is written in the reader's language.
func withLanguage(r *http.Request, t *ticket, c *credentials) *http.Request {
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
