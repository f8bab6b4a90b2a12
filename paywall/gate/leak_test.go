package gate

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pathtest"
	"github.com/tuppence/tuppence/paywall/pricing"
	"github.com/tuppence/tuppence/paywall/token"
)

// The whole gate against a site that believes everything: it reads a request in
// all the ways of package pathtest at once, obeys the headers that frameworks
// obey, and delivers every page that any of that leads to.

// leakSite is such a site behind a gate.
type leakSite struct {
	*site
	credentials *strings.Replacer
	secrets     []string // of the credentials that pay

	// Of the request that is under way.
	faults []string
	priced bool // the reader's own request was for something with a price, in some reading
}

// leakSites differ in what surrounds the articles: a gate with a matcher, free
// pages inside the gate, single priced pages.
func leakSites(tb testing.TB) []*leakSite {
	tb.Helper()
	prices := []pricing.Rule{
		{Match: pricing.Paths{"/articles/welcome*"}, Free: true},
		{Match: pricing.Paths{"/articles/cheap*"}, Price: price("0.10")},
		{Match: pricing.Paths{"/articles/dear*"}, Price: price("5.00")},
		{Match: pricing.Paths{"/albums/*"}, Price: price("3.00"), Per: []string{"/albums/*"}},
	}
	var all []*leakSite
	for _, config := range []struct {
		match pricing.Matcher
		rules []pricing.Rule
	}{
		{pricing.Paths{"/articles/*", "/albums/*", "/unpriced/*"}, append(prices, pricing.Rule{Match: pricing.Paths{"/articles/*"}, Price: price("0.50")})},
		{nil, append(prices, pricing.Rule{Match: pricing.Paths{"/articles/*"}, Price: price("0.50")},
			pricing.Rule{Match: pricing.Paths{"/free/*", "/articles", "/albums", "/", "/x/*"}, Free: true})},
		{nil, []pricing.Rule{
			{Match: pricing.Paths{"/articles/dear"}, Price: price("5.00")},
			{Match: pricing.Paths{pagePath, "/albums/*/1.mp3"}, Price: price("0.50")},
			{Free: true},
		}},
	} {
		table, err := pricing.NewTable(config.match, slices.Clone(config.rules))
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, newLeakSite(tb, table))
	}
	return all
}

func newLeakSite(tb testing.TB, table *pricing.Table) *leakSite {
	s := &leakSite{site: newSiteWith(tb, table)}
	s.upstream = s.believe
	rich, poor := paywall.NewWalletKey(), paywall.NewWalletKey()
	s.ledger.give(rich, testOrigin, paywall.Unlock{ID: "u", Resource: pagePath})
	s.ledger.give(poor, testOrigin, paywall.Unlock{ID: "v", Resource: "/articles/other"})
	s.ledger.revoke("undone")
	p1, album := s.access(pagePath, nil), s.access("/albums/x", nil)
	offer, err := s.ring.SignOffer(&paywall.Offer{
		ID: paywall.NewID(), Site: testOrigin, Checkout: testOrigin, Resource: pagePath, URL: pagePath,
		Price: price("0.50"), IssuedAt: testNow, ExpiresAt: testNow.Add(paywall.OfferTTL),
	})
	if err != nil {
		tb.Fatal(err)
	}
	s.secrets = []string{p1, album, string(rich), string(poor)}
	s.credentials = strings.NewReplacer("{p1}", p1, "{album}", album, "{wallet}", string(rich), "{poor}", string(poor), "{offer}", offer,
		"{revoked}", s.access(pagePath, func(a *token.Access) { a.ID = "undone" }),
		"{dead}", s.access(pagePath, func(a *token.Access) {
			a.IssuedAt, a.NotBefore, a.ExpiresAt = testNow.Add(-2*time.Hour), testNow.Add(-2*time.Hour), testNow.Add(-time.Hour)
		}),
		"{stranger}", s.access(pagePath, func(a *token.Access) { a.Audience = "https://other.test" }),
		"{forged}", p1[:len(p1)-4]+"AAAA")
	return s
}

// opened are the resources that a request may have paid for.
func opened(raw string) map[string]bool {
	all := map[string]bool{}
	if strings.Contains(raw, "{p1}") || strings.Contains(raw, "{wallet}") {
		all[pagePath] = true
	}
	if strings.Contains(raw, "{album}") {
		all["/albums/x"] = true
	}
	return all
}

// obeyed are headers by which frameworks take another target for the request's,
// as a CGI site sees their names.
var obeyed = map[string]bool{
	"X_ORIGINAL_URL": true, "X_ORIGINAL_URI": true, "X_REWRITE_URL": true, "X_FORWARDED_URI": true, "X_FORWARDED_PATH": true,
	"X_REQUEST_URI": true, "X_ENVOY_ORIGINAL_PATH": true,
}

// readings are the pages with a price that a request leads to.
func (s *leakSite) readings(r *http.Request) []string {
	targets := map[string]bool{r.RequestURI: true, r.URL.RequestURI(): true} // servers read the first, proxies the second
	for name, values := range r.Header {
		for _, value := range values {
			switch cgi := cgiName(name); {
			case obeyed[cgi]:
				targets[value] = true
			case cgi == "X_FORWARDED_PREFIX":
				targets[value+r.URL.RequestURI()] = true
			}
		}
	}
	found := map[string]bool{}
	for target := range targets {
		for _, flavour := range pathtest.Flavours() {
			read := flavour.Read(target)
			if !strings.Contains(read, "/..") {
				read = path.Clean("/" + read)
			}
			read = norm.NFC.String(read)
			if name, err := url.PathUnescape(read); flavour.Undecoded && err == nil && paywall.EscapePath(name) != read {
				continue // no page of this site has such a name
			}
			if status, _ := s.gate.Table.Lookup(r, read); status == pricing.Priced {
				found[read] = true
			}
			if lower := strings.ToLower(read); lower == "/.paywall" || strings.HasPrefix(lower, "/.paywall/") {
				s.faults = append(s.faults, flavour.Name+" reads "+read+": a reserved path reached the site")
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// believe is the site.
func (s *leakSite) believe(w http.ResponseWriter, r *http.Request) error {
	pages := s.readings(r)
	status := r.Header.Get("Paywall-Status")
	if status != "probe" && len(pages) > 0 {
		s.priced = true
	}
	s.inspect(r, status, len(pages) > 0)
	h := w.Header()
	h.Add("Set-Cookie", "__Host-paywall_wallet=evil; Path=/; Secure")
	h.Set("Paywall-Status", "evil")
	h.Set("Content-Type", "text/html")
	h.Set("Cache-Control", "public, max-age=60")
	content := "<title>A page</title><p>free"
	if len(pages) > 0 {
		marks := "CANARY[" + strings.Join(pages, "]CANARY[") + "]"
		h.Set("Etag", `"CANARY"`)
		h.Set("X-Page", marks)
		content = "<title>A page</title><p>" + marks
	}
	mood := r.Header.Get("X-Mood")
	if c, err := r.Cookie("mood"); err == nil { // a probe does not carry it
		mood = c.Value
	}
	return deliver(w, r, mood, content)
}

// deliver answers as the mood of the site is.
func deliver(w http.ResponseWriter, r *http.Request, mood, content string) error {
	h := w.Header()
	plainly := func(status int) error {
		h.Del("Etag")
		h.Del("X-Page")
		w.WriteHeader(status)
		_, err := io.WriteString(w, "nothing to sell")
		return err
	}
	switch mood {
	case "404":
		return plainly(http.StatusNotFound)
	case "500":
		return plainly(http.StatusInternalServerError)
	case "302":
		h.Set("Location", "/elsewhere")
		return plainly(http.StatusFound)
	case "204", "206", "304":
		w.WriteHeader(map[string]int{"204": 204, "206": 206, "304": 304}[mood])
	case "nothing":
		return nil
	case "panic":
		_, _ = io.WriteString(w, content)
		panic(http.ErrAbortHandler)
	case "error":
		h.Del("Etag")
		h.Del("X-Page")
		return errSite
	case "flush":
		_ = http.NewResponseController(w).Flush()
	case "hints":
		h.Set("Link", "<"+content+">; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
	case "trailers":
		h.Set("Trailer", "X-Digest")
		_, _ = io.WriteString(w, content)
		h.Set("X-Digest", content)
		h.Set(http.TrailerPrefix+"X-Late", content)
		return nil
	case "101":
		_ = switchTo(w, content)
		return nil
	}
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return switchTo(w, content)
	}
	http.ServeContent(w, r, "", testNow.Add(-2*time.Hour), strings.NewReader(content))
	return nil
}

func switchTo(w http.ResponseWriter, content string) error {
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil
	}
	defer conn.Close()
	_, err = io.WriteString(conn, content)
	return err
}

// inspect looks for what must never reach a site.
func (s *leakSite) inspect(r *http.Request, status string, priced bool) {
	fault := func(format string, args ...any) { s.faults = append(s.faults, fmt.Sprintf(format, args...)) }
	for _, h := range []http.Header{r.Header, r.Trailer} {
		for name, values := range h {
			cgi := cgiName(name)
			switch {
			case name == "Paywall-Status", name == "Paywall-Resource":
			case strings.HasPrefix(cgi, "PAYWALL_"), cgi == "PAYWALL", obeyed[cgi], cgi == "X_FORWARDED_PREFIX",
				cgi == "X_HTTP_METHOD_OVERRIDE", cgi == "X_HTTP_METHOD", cgi == "X_METHOD_OVERRIDE":
				fault("%s: %q reached the site", name, values)
			case name == "Upgrade" && !strings.EqualFold(strings.Join(values, ","), "websocket"):
				fault("Upgrade: %q reached the site", values)
			}
		}
	}
	for _, cookie := range r.Cookies() {
		if paywall.AccessCookie.Is(cookie.Name) || paywall.WalletCookie.Is(cookie.Name) {
			fault("the cookie %s reached the site", cookie.Name)
		}
	}
	for _, value := range r.Header["Authorization"] {
		if raw, _ := bearer(value); raw != "" && slices.Contains(s.secrets, raw) {
			fault("the bearer %s reached the site", value)
		}
	}
	if status == "pass" && priced {
		fault("a page with a price was passed on as none of the gate's business")
	}
	if status != "paid" && status != "free" && status != "pass" && r.Method != http.MethodGet && r.Method != http.MethodHead {
		fault("%s reached the site unpaid", r.Method)
	}
}

// tape is what a client sees of an answer.
type tape struct {
	header http.Header // trailers included
	status int
	body   strings.Builder
	hints  []http.Header
}

func (w *tape) Header() http.Header { return w.header }

func (w *tape) WriteHeader(status int) {
	switch {
	case w.status != 0:
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.hints = append(w.hints, w.header.Clone())
	default:
		w.status = status
	}
}

func (w *tape) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *tape) FlushError() error {
	w.WriteHeader(http.StatusOK)
	return nil
}

func (w *tape) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return tapeConn{w: w}, nil, nil
}

// tapeConn is what a hijacked connection writes to.
type tapeConn struct {
	net.Conn
	w *tape
}

func (c tapeConn) Write(p []byte) (int, error) { return c.w.body.Write(p) }
func (tapeConn) Close() error                  { return nil }

var errRefusedByServer = errors.New("the server refuses this itself")

// parse reads a request as net/http's server does before it calls a handler.
func parse(raw string) (*http.Request, error) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		return nil, err
	}
	if !httpguts.ValidHostHeader(r.Host) || r.ProtoMajor != 1 {
		return nil, errRefusedByServer
	}
	for name, values := range r.Header {
		if !httpguts.ValidHeaderFieldName(name) || slices.ContainsFunc(values, func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }) {
			return nil, errRefusedByServer
		}
	}
	return r, nil
}

// try sends a request and answers with its status, 0 if the server would not
// take it, and what leaked, if anything did.
func (s *leakSite) try(raw string) (status int, leaks []string) {
	r, err := parse(s.credentials.Replace(raw))
	if err != nil {
		return 0, nil
	}
	s.faults, s.priced, s.check = nil, false, nil
	s.logs.Reset()
	w := &tape{header: make(http.Header)}
	s.serveTape(w, r)
	leaks = s.faults
	paid := opened(raw)
	for _, name := range w.canaries() {
		if len(paid) == 0 || others[name] && !paid[albumOf(name)] {
			leaks = append(leaks, fmt.Sprintf("%d: %s was given away", w.status, name))
		}
	}
	return w.status, append(leaks, s.judge(w, len(paid) > 0)...)
}

// serveTape lets the gate answer; a site that breaks off is the server's business.
func (s *leakSite) serveTape(w *tape, r *http.Request) {
	defer func() {
		if cause := recover(); cause != nil && cause != any(http.ErrAbortHandler) {
			panic(cause)
		}
	}()
	err := s.gate.ServeHTTP(w, r, siteOnly{s.site})
	switch {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case errors.Is(err, errSite):
		w.WriteHeader(http.StatusBadGateway)
	default:
		s.faults = append(s.faults, fmt.Sprintf("an error of the gate's own: %v", err))
	}
}

// judge looks at the rest of an answer.
func (s *leakSite) judge(w *tape, paid bool) (leaks []string) {
	fault := func(format string, args ...any) {
		leaks = append(leaks, fmt.Sprintf("%d: ", w.status)+fmt.Sprintf(format, args...))
	}
	control := strings.Join(w.header["Cache-Control"], ", ")
	switch {
	case s.priced && !paid && slices.Contains([]int{101, 206, 304, 412, 416}, w.status):
		fault("to somebody who has not paid")
	case s.priced && w.status == http.StatusOK && w.body.Len() == 0 && control == "no-store": // the site wrote nothing
	case s.priced && w.status/100 == 2 && control != "private, no-store":
		fault("Cache-Control %q on what was paid for", control)
	case w.status == http.StatusPaymentRequired || strings.HasPrefix(w.header.Get("Location"), unlockPath):
		if vary := w.header.Get("Vary"); control != "no-store" || !listed(vary, "Cookie") || !listed(vary, "Authorization") {
			fault("an offer with Cache-Control %q, Vary %q", control, vary)
		}
	}
	for _, cookie := range w.header["Set-Cookie"] {
		if strings.Contains(cookie, "evil") {
			fault("the site set %q", cookie)
		}
	}
	for name, values := range w.header {
		if strings.HasPrefix(cgiName(name), "PAYWALL") {
			fault("the site says %s: %q", name, values)
		}
	}
	if location := w.header.Get("Location"); location != "" && (location[0] != '/' || strings.HasPrefix(location, "//") || strings.Contains(location, `\`)) {
		fault("leads to %q", location)
	}
	return leaks
}

var (
	canaryPattern  = regexp.MustCompile(`CANARY(\[[^\]]*\])?`)
	segmentPattern = regexp.MustCompile(`[A-Za-z0-9_-]{16,}`)
)

// canaries are the pages that an answer tells of, wherever in it: an offer is
// base64, too.
func (w *tape) canaries() []string {
	all := w.body.String() + fmt.Sprint(w.header, w.hints)
	for _, segment := range segmentPattern.FindAllString(all, -1) {
		if decoded, err := base64.RawURLEncoding.DecodeString(segment); err == nil {
			all += string(decoded)
		}
	}
	found := map[string]bool{}
	for _, match := range canaryPattern.FindAllStringSubmatch(all, -1) {
		found[strings.Trim(match[1], "[]")] = true
	}
	return slices.Sorted(maps.Keys(found))
}

func albumOf(page string) string {
	if rest, ok := strings.CutPrefix(page, "/albums/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		return "/albums/" + name
	}
	return page
}

// twice sends a request to a site that knows nothing yet and, when it was asked
// about the page once, again.
func (s *leakSite) twice(t *testing.T, raw string) (status int) {
	t.Helper()
	s.gate.pages.cache.InvalidateAll()
	for range 2 {
		var leaks []string
		if status, leaks = s.try(raw); len(leaks) > 0 {
			t.Errorf("%q:\n%s", raw, strings.Join(leaks, "\n"))
		}
	}
	return status
}

// FuzzGate looks for a request that gets something out of the gate that was not
// paid for: pages, parts of pages, their validators, or a credential that
// reaches the site. tricks bends the request by the grammar, which changes it in
// more than one place at a time.
func FuzzGate(f *testing.F) {
	rng := rand.New(rand.NewPCG(4, 1))
	for range 300 {
		f.Add(strangeRequest(rng), rng.Uint64N(2)*rng.Uint64(), uint8(rng.UintN(3)))
	}
	sites := leakSites(f)
	f.Fuzz(func(t *testing.T, raw string, tricks uint64, site uint8) {
		if tricks != 0 {
			raw = bend(raw, tricks)
		}
		sites[int(site)%len(sites)].twice(t, raw)
	})
}

// TestA31NoGeneratedRequestLeaks is the fuzzer's grammar, run for a moment
// everywhere. It also sees to it that the grammar reaches every answer.
func TestA31NoGeneratedRequestLeaks(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 4))
	sites := leakSites(t)
	answers := map[int]int{}
	for i := range 10_000 {
		answers[sites[i%len(sites)].twice(t, strangeRequest(rng))]++
	}
	t.Logf("answers: %v", answers)
	for _, status := range []int{0, 101, 200, 204, 206, 302, 303, 304, 308, 400, 401, 402, 403, 404, 405, 412, 416, 500} {
		if answers[status] == 0 {
			t.Errorf("no answer is %d", status)
		}
	}
}
