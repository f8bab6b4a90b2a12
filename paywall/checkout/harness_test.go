package checkout

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/token"
)

const (
	testOrigin   = "https://news.example"
	walletCookie = "__Host-paywall_wallet"
	accessCookie = "__Secure-paywall_access"
)

// site is a checkout with everything around it.
type site struct {
	t      testing.TB
	c      *Checkout
	ledger *ledger.Ledger
	engine *engine
	ring   *token.Ring
	check  *token.Verifier
	clock  atomic.Int64 // nanoseconds after start
	start  time.Time
	logs   *bytes.Buffer
	quiet  bool     // pages are asked for as text browsers do
	pays   []string // origins of the pages of payment that allPages lead to
}

func (s *site) now() time.Time          { return s.start.Add(time.Duration(s.clock.Load())) }
func (s *site) advance(d time.Duration) { s.clock.Add(int64(d)) }

func euro(micros int64) paywall.Money { return paywall.Money{Micros: micros, Currency: "EUR"} }

// newSite is a site with a welcome credit of 0.60 unless change says otherwise.
func newSite(t testing.TB, change ...func(*Options)) *site {
	t.Helper()
	ring, err := token.OpenRing(t.TempDir(), true)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, ring: ring, start: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), logs: new(bytes.Buffer)}
	s.openLedger()
	s.check = token.NewVerifier(ring, s.now)
	o := Options{
		Ledger: func(context.Context) (Ledger, error) { return s.ledger, nil },
		Ring:   ring, Verifier: s.check,
		Origin:  func(*http.Request) string { return testOrigin },
		Welcome: euro(600_000), Currency: "EUR", Refund: 30 * time.Minute, Vouchers: true,
		GiftLinks: GiftLinks{Limit: 3, Readers: 2}, Tips: []paywall.Money{euro(200_000), euro(500_000), euro(1_000_000)},
		Now:    s.now,
		Logger: slog.New(slog.NewTextHandler(s.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&o)
	}
	if s.c, err = New(o); err != nil {
		t.Fatal(err)
	}
	return s
}

func noWelcome(o *Options) { o.Welcome = paywall.Money{} }

func (s *site) quote() *paywall.Offer {
	return &paywall.Offer{
		ID: paywall.NewID(), Site: testOrigin, Checkout: testOrigin, Resource: "/articles/tea",
		URL: "/articles/tea?ref=front", Title: "The last tea shop", Words: 1240, Price: euro(200_000),
		IssuedAt: s.now(), ExpiresAt: s.now().Add(paywall.OfferTTL),
	}
}

func (s *site) offer(change ...func(*paywall.Offer)) string {
	s.t.Helper()
	o := s.quote()
	for _, f := range change {
		f(o)
	}
	raw, err := s.ring.SignOffer(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

func price(micros int64) func(*paywall.Offer) {
	return func(o *paywall.Offer) { o.Price = euro(micros) }
}

func resource(path string) func(*paywall.Offer) {
	return func(o *paywall.Offer) { o.Resource, o.URL = path, paywall.EscapePath(path) }
}

func (s *site) voucher(micros int64, changes ...func(*paywall.Voucher)) string {
	code := paywall.NewVoucherCode()
	hash, _ := paywall.HashCode(code)
	v := paywall.Voucher{Code: hash, Amount: euro(micros)}
	for _, f := range changes {
		f(&v)
	}
	if err := s.ledger.AddVouchers(context.Background(), []paywall.Voucher{v}); err != nil {
		s.t.Fatal(err)
	}
	return code
}

// opened is a wallet with a balance, opened behind the checkout's back.
func (s *site) opened(micros int64) (paywall.WalletKey, paywall.Wallet) {
	key := paywall.NewWalletKey()
	hashes, _ := key.Hashes()
	w, err := s.ledger.OpenWallet(context.Background(), hashes, paywall.Welcome{Amount: euro(micros)})
	if err != nil {
		s.t.Fatal(err)
	}
	return key, w
}

func (s *site) balance(key paywall.WalletKey) string {
	s.t.Helper()
	hash, _ := key.Hash()
	w, err := s.ledger.Wallet(context.Background(), hash)
	if err != nil {
		s.t.Fatal(err)
	}
	return w.Balance.String()
}

// change alters a request before it is sent.
type change func(*http.Request)

func header(name, value string) change {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func without(name string) change { return func(r *http.Request) { r.Header.Del(name) } }

func cookie(key paywall.WalletKey) change {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: walletCookie, Value: string(key)}) }
}

// kept is what a browser that keeps cookies sends since it saw the form.
func kept(origin string) change {
	return func(r *http.Request) { r.AddCookie(paywall.NewTestCookie(strings.HasPrefix(origin, "https:"))) }
}

// cookiesOff is what a browser that keeps none sends.
var cookiesOff = without("Cookie")

func bearer(key paywall.WalletKey) change { return header("Authorization", "Bearer "+string(key)) }

// asJSON is how a program asks.
func asJSON(r *http.Request) {
	r.Header.Set("Accept", "application/json")
	r.Header.Del("Sec-Fetch-Site")
	r.Header.Del("Origin")
}

func (s *site) send(method, target, contentType, body string, changes ...change) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, testOrigin+target, strings.NewReader(body))
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if method == http.MethodPost || !s.quiet {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if method == http.MethodPost {
		r.Header.Set("Origin", testOrigin)
	}
	for _, f := range changes {
		f(r)
	}
	w := httptest.NewRecorder()
	s.c.ServeHTTP(w, r)
	return w
}

func (s *site) get(target string, changes ...change) *httptest.ResponseRecorder {
	return s.send(http.MethodGet, target, "", "", changes...)
}

// post sends a browser's form: name, value, name, value …
func (s *site) post(target string, fields []string, changes ...change) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return s.send(http.MethodPost, target, "application/x-www-form-urlencoded", form.Encode(), append([]change{kept(testOrigin)}, changes...)...)
}

// call sends a program's JSON.
func (s *site) call(target string, body any, changes ...change) *httptest.ResponseRecorder {
	raw, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.send(http.MethodPost, target, "application/json", string(raw), append([]change{asJSON}, changes...)...)
}

type object = map[string]any

func decode(t testing.TB, w *httptest.ResponseRecorder) object {
	t.Helper()
	var v object
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("status %d, not JSON: %v\n%s", w.Code, err, w.Body)
	}
	return v
}

func wantStatus(t testing.TB, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d\n%s\n%s", w.Code, status, w.Result().Header, w.Body)
	}
}

func wantMembers(t *testing.T, v object, names ...string) {
	t.Helper()
	slices.Sort(names)
	if got := slices.Sorted(maps.Keys(v)); !slices.Equal(got, names) {
		t.Errorf("members %q, want %q", got, names)
	}
}

func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, code string) object {
	t.Helper()
	wantStatus(t, w, status)
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q", got)
	}
	v := decode(t, w)
	if v["type"] != "urn:paywall:"+code || v["status"] != float64(status) || v["title"] == "" || v["detail"] == "" {
		t.Errorf("problem %v, want code %s", v, code)
	}
	if title, _ := v["title"].(string); strings.HasPrefix(title, "error.") {
		t.Errorf("the problem's title %q has no text", title)
	}
	return v
}

func wantText(t testing.TB, w *httptest.ResponseRecorder, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("the page lacks %q:\n%s", text, w.Body)
		}
	}
}

func cookieNamed(w *httptest.ResponseRecorder, name string) *http.Cookie {
	for _, c := range w.Result().Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func hidden(t testing.TB, page, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `name="`+name+`" value="`)
	if !ok {
		t.Fatalf("no field %s in\n%s", name, page)
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// catalogueOf is the catalogue of a language.
func catalogueOf(t testing.TB, tag string) *page.Catalogue {
	t.Helper()
	set, err := page.NewLanguageSet([]string{tag})
	if err != nil {
		t.Fatal(err)
	}
	return set.Named(tag)
}
