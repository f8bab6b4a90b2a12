package gate

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pathtest"
	"github.com/tuppence/tuppence/paywall/pricing"
	"github.com/tuppence/tuppence/paywall/target"
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
// pages inside the gate, single priced pages, pages that a query names.
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
			{Match: pricing.Paths{pagePath, "/articles/script.php", "/albums/*/1.mp3", "/index"}, Price: price("0.50")},
			{Free: true},
		}},
	} {
		table, err := pricing.NewTable(config.match, slices.Clone(config.rules))
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, newLeakSite(tb, table))
	}
	named := newLeakSite(tb, all[2].gate.o.Table)
	named.gate.o.Canonicalizer = &target.Canonicalizer{NFC: norm.NFC.String, NFKC: norm.NFKC.String, QueryKeys: []string{"p"}}
	return append(all, named)
}

func newLeakSite(tb testing.TB, table *pricing.Table) *leakSite {
	s := &leakSite{site: newSiteWith(tb, table)}
	s.upstream = s.believe
	s.gate.o.Refund = time.Hour
	s.gate.o.Bar = func(_ *http.Request, u *paywall.Unlock) ([]byte, error) { // tells of the page as well
		return []byte("CANARY[" + u.Resource + "]"), nil
	}
	rich, poor := paywall.NewWalletKey(), paywall.NewWalletKey()
	s.ledger.give(rich, testOrigin, paywall.Unlock{ID: "u", Resource: pagePath, RefundableUntil: testNow.Add(time.Hour)})
	s.ledger.give(poor, testOrigin, paywall.Unlock{ID: "v", Resource: "/articles/other"})
	s.ledger.revoke("undone")
	p1, album, query := s.access(pagePath, nil), s.access("/albums/x", nil), s.access("/index?p=1", nil)
	offer, err := s.ring.SignOffer(&paywall.Offer{
		ID: paywall.NewID(), Site: testOrigin, Checkout: testOrigin, Resource: pagePath, URL: pagePath,
		Price: price("0.50"), IssuedAt: testNow, ExpiresAt: testNow.Add(paywall.OfferTTL),
	})
	if err != nil {
		tb.Fatal(err)
	}
	s.secrets = []string{p1, album, query, string(rich), string(poor)}
	s.credentials = strings.NewReplacer("{p1}", p1, "{album}", album, "{query}", query, "{wallet}", string(rich), "{poor}", string(poor), "{offer}", offer,
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
	if strings.Contains(raw, "{query}") {
		all["/index?p=1"] = true
	}
	return all
}

// obeyed are headers by which frameworks take another target for the request's,
// as a CGI site sees their names.
var obeyed = map[string]bool{
	"X_ORIGINAL_URL": true, "X_ORIGINAL_URI": true, "X_REWRITE_URL": true, "X_FORWARDED_URI": true, "X_FORWARDED_PATH": true,
	"X_REQUEST_URI": true, "X_ENVOY_ORIGINAL_PATH": true, "PATH_INFO": true,
}

// mounting are headers that name a path which the request's own lies below.
var mounting = map[string]bool{"X_FORWARDED_PREFIX": true, "X_SCRIPT_NAME": true, "X_FORWARDED_SCRIPT_NAME": true, "SCRIPT_NAME": true}

// readings are the pages with a price that a request leads to.
func (s *leakSite) readings(r *http.Request) []string {
	targets := map[string]bool{r.RequestURI: true, r.URL.RequestURI(): true} // servers read the first, proxies the second
	for name, values := range r.Header {
		for _, value := range values {
			switch cgi := cgiName(name); {
			case obeyed[cgi]:
				targets[value] = true
			case mounting[cgi]:
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
			if status, _ := s.gate.o.Table.Lookup(r, read); status == pricing.Priced {
				for _, query := range s.queries(target) {
					found[read+query] = true
				}
			}
			if lower := strings.ToLower(read); lower == "/.paywall" || strings.HasPrefix(lower, "/.paywall/") {
				s.faults = append(s.faults, flavour.Name+" reads "+read+": a reserved path reached the site")
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// queries are what sites make of the key in a query that names a page: the first
// or the last of several, whatever the separator, in any spelling, decoded twice.
func (s *leakSite) queries(target string) []string {
	_, query, _ := strings.Cut(target, "?")
	if len(s.gate.o.Canonicalizer.QueryKeys) == 0 || query == "" {
		return []string{""}
	}
	found := map[string]bool{}
	for _, separators := range []string{"&", "&;"} {
		for _, same := range []func(key string) bool{
			func(key string) bool { return key == "p" },
			func(key string) bool { return strings.EqualFold(strings.TrimSpace(key), "p") },
			func(key string) bool { name, _, _ := strings.Cut(key, "["); return strings.TrimLeft(name, " ") == "p" },
		} {
			var values []string
			for _, pair := range strings.FieldsFunc(query, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
				key, value, _ := strings.Cut(pair, "=")
				if key, _ = url.QueryUnescape(key); same(key) {
					value, _ = url.QueryUnescape(value)
					values = append(values, value)
				}
			}
			if len(values) == 0 {
				found[""] = true
				continue
			}
			for _, value := range []string{values[0], values[len(values)-1]} {
				found["?p="+value] = true
				if again, err := url.QueryUnescape(value); err == nil {
					found["?p="+again] = true
				}
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
	content := "<title>A page</title><body><p>free"
	if len(pages) > 0 {
		marks := "CANARY[" + strings.Join(pages, "]CANARY[") + "]"
		h.Set("Etag", `"CANARY"`)
		h.Set("X-Page", marks)
		content = "<title>A page</title><body><p>" + marks
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
			case strings.HasPrefix(cgi, "PAYWALL_"), cgi == "PAYWALL", obeyed[cgi], mounting[cgi],
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
