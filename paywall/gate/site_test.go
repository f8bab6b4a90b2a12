package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pricing"
	"github.com/tuppence/tuppence/paywall/target"
	"github.com/tuppence/tuppence/paywall/token"
)

const (
	testOrigin = "https://site.test"
	pagePath   = "/articles/p1"
	canary     = "CANARY-p1"
)

var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// site is a gate with everything around it: a site that writes down what it was
// asked, a ledger in memory, and keys of its own.
type site struct {
	t        testing.TB
	gate     *Gate
	ring     *token.Ring
	ledger   *ledger
	upstream func(http.ResponseWriter, *http.Request) error
	origin   string
	original func(*http.Request) string
	logs     strings.Builder
	down     error // of the store

	mu    sync.Mutex
	now   time.Time
	asked []*http.Request // what reached the site, probes included
	check []*http.Request // what reached the checkout
}

func newSite(t testing.TB, rules ...pricing.Rule) *site {
	t.Helper()
	if rules == nil {
		rules = []pricing.Rule{
			{Match: pricing.Paths{"/articles/welcome"}, Free: true},
			{Match: pricing.Paths{"/articles/dear*"}, Price: price("5.00")},
			{Match: pricing.Paths{"/articles/*"}, Price: price("0.20")},
			{Match: pricing.Paths{"/albums/*"}, Price: price("3.00"), Per: []string{"/albums/*"}},
		}
	}
	table, err := pricing.NewTable(pricing.Paths{"/articles/*", "/albums/*", "/unpriced/*"}, rules)
	if err != nil {
		t.Fatal(err)
	}
	return newSiteWith(t, table)
}

func newSiteWith(t testing.TB, table *pricing.Table) *site {
	t.Helper()
	ring, err := token.OpenRing(t.TempDir(), true)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, ring: ring, origin: testOrigin, now: testNow, ledger: &ledger{}, upstream: article}
	s.gate, err = New(Options{
		Table: table, Ring: ring, Verifier: token.NewVerifier(ring, s.clock),
		Canonicalizer: &target.Canonicalizer{NFC: norm.NFC.String, NFKC: norm.NFKC.String},
		Ledger: func(context.Context) (Ledger, error) {
			if s.down != nil {
				return nil, s.down
			}
			return s.ledger, nil
		},
		Checkout: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.check = append(s.check, r)
			fmt.Fprint(w, "checkout")
		}),
		Origin: func(*http.Request) string { return s.origin },
		Original: func(r *http.Request) string {
			if s.original != nil {
				return s.original(r)
			}
			return r.RequestURI
		},
		Logger: slog.New(slog.NewTextHandler(&s.logs, nil)),
		Now:    s.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func price(s string) paywall.Money {
	m, err := paywall.ParsePrice(s, "EUR")
	if err != nil {
		panic(err)
	}
	return m
}

func (s *site) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *site) wait(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// ServeHTTP is the site as Handler: it writes down and answers.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	s.asked = append(s.asked, r.Clone(context.Background()))
	s.mu.Unlock()
	return s.upstream(w, r)
}

// article delivers a page for every path, marked with canaries all over.
func article(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Etag", `"`+canary+`"`)
	h.Set("Last-Modified", "Sun, 22 Nov 2026 10:00:00 GMT")
	h.Set("Cache-Control", "public, max-age=3600, s-maxage=9999")
	h.Set("X-Page", canary)
	_, err := io.WriteString(w, "<title>The Penny Post</title><article>"+strings.Repeat("word ", 500)+canary+" "+r.URL.Path+"</article>")
	return err
}

// status answers with a status and a body that says so.
func status(code int) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("X-Site", "own")
		w.WriteHeader(code)
		_, err := fmt.Fprintf(w, "the site's own %d", code)
		return err
	}
}

// do sends a request through the gate. Header lines are "Name: value".
func (s *site) do(method, target string, header ...string) *http.Response {
	s.t.Helper()
	return s.send(request(s.t, method, target, header...))
}

func request(t testing.TB, method, target string, header ...string) *http.Request {
	t.Helper()
	r := &http.Request{
		Method: method, RequestURI: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: http.NoBody, Host: "site.test", RemoteAddr: "192.0.2.1:1234",
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		u = &url.URL{Path: target} // the gate refuses it before anybody looks
	}
	r.URL = u
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header[name] = append(r.Header[name], value)
	}
	return r
}

func (s *site) send(r *http.Request) *http.Response {
	s.t.Helper()
	rec := httptest.NewRecorder()
	if err := s.gate.ServeHTTP(rec, r, s); err != nil {
		s.t.Fatalf("the gate failed: %v", err)
	}
	return rec.Result()
}

// last is the request that reached the site last.
func (s *site) last() *http.Request {
	s.t.Helper()
	if len(s.asked) == 0 {
		s.t.Fatal("nothing reached the site")
	}
	return s.asked[len(s.asked)-1]
}

// access makes an access token; change may be nil.
func (s *site) access(resource string, change func(*token.Access)) string {
	s.t.Helper()
	now := s.clock()
	a := &token.Access{
		ID: paywall.NewID(), Issuer: s.origin, Audience: s.origin, Resource: resource,
		IssuedAt: now, NotBefore: now, ExpiresAt: now.Add(time.Hour),
	}
	if change != nil {
		change(a)
	}
	raw, err := s.ring.SignAccess(a)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

func accessCookie(raw string) string { return "Cookie: __Secure-paywall_access=" + raw }

// ledger is a store in memory, as far as the gate asks.
type ledger struct {
	mu      sync.Mutex
	wallets map[paywall.Hash]bool
	owned   map[string]paywall.Unlock // by key hash, site and resource
	revoked map[string]bool
	fails   error
	asked   int
}

func ownerKey(key paywall.Hash, site, resource string) string {
	return string(key[:]) + site + resource
}

func (l *ledger) give(key paywall.WalletKey, site string, u paywall.Unlock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	hash, ok := key.Hash()
	if !ok {
		panic("no key")
	}
	if l.owned == nil {
		l.owned, l.wallets = map[string]paywall.Unlock{}, map[paywall.Hash]bool{}
	}
	l.wallets[hash] = true
	l.owned[ownerKey(hash, site, u.Resource)] = u
}

func (l *ledger) revoke(unlock string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.revoked == nil {
		l.revoked = map[string]bool{}
	}
	l.revoked[unlock] = true
}

func (l *ledger) Owned(_ context.Context, key paywall.Hash, site, resource string) (paywall.Unlock, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if l.fails != nil {
		return paywall.Unlock{}, l.fails
	}
	if !l.wallets[key] {
		return paywall.Unlock{}, paywall.ErrNoWallet
	}
	u, ok := l.owned[ownerKey(key, site, resource)]
	if !ok {
		return paywall.Unlock{}, paywall.ErrNotFound
	}
	return u, nil
}

func (l *ledger) Revoked(unlock string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.revoked[unlock]
}

// body reads an answer.
func body(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantStatus checks the status and answers the body.
func wantStatus(t testing.TB, res *http.Response, status int) string {
	t.Helper()
	b := body(t, res)
	if res.StatusCode != status {
		t.Errorf("status %d, want %d: %.200s", res.StatusCode, status, b)
	}
	return b
}

// wantPaywall is the oracle PW: an offer, and nothing of the page.
func wantPaywall(t testing.TB, res *http.Response) string {
	t.Helper()
	b := body(t, res)
	switch {
	case res.StatusCode == http.StatusSeeOther && strings.HasPrefix(res.Header.Get("Location"), "/.paywall/unlock?offer="):
	case res.StatusCode == http.StatusPaymentRequired:
	default:
		t.Errorf("status %d, want 303 or 402: %.200s", res.StatusCode, b)
	}
	if got := res.Header["Cache-Control"]; len(got) != 1 || got[0] != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	if vary := res.Header.Get("Vary"); !strings.Contains(vary, "Cookie") || !strings.Contains(vary, "Authorization") {
		t.Errorf("Vary: %q", vary)
	}
	if cookies := res.Header["Set-Cookie"]; cookies != nil {
		t.Errorf("Set-Cookie: %q", cookies)
	}
	wantNoCanary(t, res, b)
	return b
}

func wantNoCanary(t testing.TB, res *http.Response, b string) {
	t.Helper()
	if strings.Contains(b, "CANARY") {
		t.Error("the page leaked")
	}
	for name, values := range res.Header {
		if strings.Contains(fmt.Sprint(values), "CANARY") {
			t.Errorf("the page leaked in %s", name)
		}
	}
	for _, name := range []string{"Etag", "Last-Modified", "Accept-Ranges", "X-Page"} {
		if got := res.Header[name]; got != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// wantPaid is the oracle of a paid answer.
func wantPaid(t testing.TB, res *http.Response) {
	t.Helper()
	if b := wantStatus(t, res, http.StatusOK); !strings.Contains(b, "CANARY") {
		t.Errorf("no page: %.200s", b)
	}
	if got := res.Header["Cache-Control"]; len(got) != 1 || got[0] != "private, no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
}

func decodeProblem(t testing.TB, b string) map[string]any {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(b), &members); err != nil {
		t.Fatalf("%v: %.200s", err, b)
	}
	return members
}

var errSite = errors.New("the site has failed")
