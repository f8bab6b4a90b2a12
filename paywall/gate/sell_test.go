package gate

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/token"
)

// offered is the offer in a paywall answer to a program.
func (s *site) offered(target string, header ...string) string {
	s.t.Helper()
	offer, _ := decodeProblem(s.t, wantPaywall(s.t, s.do("GET", target, header...)))["offer"].(string)
	return offer
}

func TestThirtyReadersWithinASecondGetThirtyOffers(t *testing.T) {
	s := newSite(t)
	seen := map[string]bool{}
	for range 30 {
		raw := s.offered(pagePath)
		offer, err := s.gate.o.Verifier.Offer(raw, testOrigin, testOrigin)
		if err != nil {
			t.Fatal(err)
		}
		seen[offer.ID] = true
	}
	if len(seen) != 30 {
		t.Errorf("%d different offers", len(seen))
	}
}

func TestACrowdSharesItsOffersForOneSecond(t *testing.T) {
	s := newSite(t)
	seen := map[string]int{}
	for range 3 * freshOffers {
		seen[s.offered(pagePath)]++
	}
	if len(seen) != freshOffers {
		t.Errorf("%d offers were signed in one second", len(seen))
	}
	s.wait(time.Second)
	if raw := s.offered(pagePath); seen[raw] != 0 {
		t.Error("the crowd's offer outlived its second")
	}
}

// TestACrowdOfProgramsIsToldTheWholeOffer: what is put into words once is true
// for everybody who shares it, and for its second only.
func TestACrowdOfProgramsIsToldTheWholeOffer(t *testing.T) {
	s := newSite(t)
	seen := map[any]bool{}
	ask := func() any {
		t.Helper()
		res := s.do("GET", pagePath, "Accept: application/json")
		told := decodeProblem(t, wantPaywall(t, res))
		raw, _ := told["offer"].(string)
		offer, err := s.gate.o.Verifier.Offer(raw, testOrigin, testOrigin)
		if err != nil {
			t.Fatal(err)
		}
		unlock := unlockPath + raw
		if res.StatusCode != 402 || told["unlock"] != unlock || res.Header.Get("Link") != "<"+unlock+`>; rel="payment"` ||
			told["resource"] != offer.Resource || told["price"] != offer.Price.String() || told["status"] != 402.0 {
			t.Fatalf("%d %v %v", res.StatusCode, res.Header, told)
		}
		return told["offer"]
	}
	for second := range 2 {
		for range 2 * freshOffers {
			seen[ask()] = true
			s.offered(pagePath) // people in the same crowd
		}
		// Half of the fresh ones, and the last, which was a person's: the crowd's.
		if want := (second + 1) * (freshOffers/2 + 1); len(seen) != want {
			t.Errorf("second %d: %d offers, want %d", second, len(seen), want)
		}
		s.wait(time.Second)
	}
}

// TestACrowdsOfferIsNotSharedAcrossPrices: a rule may look at more than the
// path, so one page may have two prices.
func TestACrowdsOfferIsNotSharedAcrossPrices(t *testing.T) {
	s := newSite(t)
	target, err := s.gate.o.Canonicalizer.Parse(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	page := &page{sellable: true}
	for i := range 3 * freshOffers {
		decision, err := s.gate.o.Table.Decide(nil, &target)
		if err != nil {
			t.Fatal(err)
		}
		rule := *decision.Rule
		want := price("0.20")
		if i%2 == 1 {
			want = price("0.40")
		}
		rule.Price = want
		quote, err := page.signedOffers.get(s.gate, &ticket{origin: testOrigin, rule: &rule, resource: pagePath, asked: &target}, page)
		if err != nil {
			t.Fatal(err)
		}
		if offer, err := s.gate.o.Verifier.Offer(strings.TrimPrefix(quote.unlock, unlockPath), testOrigin, testOrigin); err != nil || offer.Price != want {
			t.Fatalf("%v, %v", offer, err)
		}
	}
}

func TestOffersFitIntoAnAddress(t *testing.T) {
	s := newSite(t)
	for name, tc := range map[string]struct{ target, url string }{
		"ordinary":      {"/articles/x?a=1", "/articles/x?a=1"},
		"a long query":  {"/articles/x?a=" + strings.Repeat("b", 3000), "/articles/x"},
		"a long name":   {"/articles/" + strings.Repeat("n", 300), "/articles/" + strings.Repeat("n", 300)},
		"a foreign one": {"/articles/" + strings.Repeat("%C3%A9", 60) + "?q=" + strings.Repeat("z", 400), ""},
	} {
		t.Run(name, func(t *testing.T) {
			raw := s.offered(tc.target)
			if len(raw) > token.MaxLength {
				t.Errorf("%d bytes", len(raw))
			}
			offer, err := s.gate.o.Verifier.Offer(raw, testOrigin, testOrigin)
			if err != nil || tc.url != "" && offer.URL != tc.url {
				t.Errorf("%+v, %v", offer, err)
			}
		})
	}
	res := s.do("GET", "/articles/"+strings.Repeat("n", 4000))
	b := wantStatus(t, res, 400)
	wantNoCanary(t, res, b)
	if got := decodeProblem(t, b)["detail"]; got != "the address of this page is too long for it to be sold" {
		t.Errorf("the reader is told: %s", got)
	}
	if s.logs.Len() > 0 {
		t.Errorf("strangers can fill the log: %s", s.logs.String())
	}
}

func TestConcurrentReadersGetGoodOffers(t *testing.T) {
	s := newSite(t)
	s.offered(pagePath)
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]bool{}
	for range 8 {
		wg.Go(func() {
			for range 25 {
				raw := s.offered(pagePath)
				mu.Lock()
				seen[raw] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if seen[""] || len(seen) < freshOffers-1 {
		t.Errorf("%d offers", len(seen))
	}
	for raw := range seen {
		if _, err := s.gate.o.Verifier.Offer(raw, testOrigin, testOrigin); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOffersAreDated: a page that is remembered for a minute does not make its
// offers a minute old.
func TestOffersAreDated(t *testing.T) {
	s := newSite(t)
	s.offered(pagePath)
	s.wait(30 * time.Second)
	offer, err := s.gate.o.Verifier.Offer(s.offered(pagePath), testOrigin, testOrigin)
	if err != nil || !offer.IssuedAt.Equal(testNow.Add(30*time.Second)) || !offer.ExpiresAt.Equal(offer.IssuedAt.Add(paywall.OfferTTL)) {
		t.Errorf("%+v, %v", offer, err)
	}
}

// TestOffersThatCannotBeSignedAreNotedOnceAMinute: while the ledger is away, every
// reader who has not paid is refused, and the log must not grow with them.
func TestOffersThatCannotBeSignedAreNotedOnceAMinute(t *testing.T) {
	s := newSite(t)
	public, err := token.NewPublicRing(s.ring.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	s.gate.o.Ring = public
	for minute := range 2 {
		for range 20 {
			wantStatus(t, s.do("GET", pagePath), 503)
		}
		if n := strings.Count(s.logs.String(), "cannot be signed"); n != minute+1 {
			t.Errorf("%d lines:\n%s", n, &s.logs)
		}
		s.wait(time.Minute)
	}
}

// TestEachClientGetsWhatItsReaderCanUse of something unpaid.
func TestEachClientGetsWhatItsReaderCanUse(t *testing.T) {
	html := "Accept: text/html,application/xhtml+xml"
	for _, tc := range []struct {
		name   string
		header []string
		status int
		has    string // in the body
	}{
		{"a browser", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", html}, 303, ""},
		{"an old browser", []string{html}, 303, ""},
		{"curl", []string{"Accept: */*", "User-Agent: curl/8.0"}, 402, `"offer"`},
		{"fetch", []string{"Accept: */*", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"}, 402, `"offer"`},
		{"a picture", []string{"Accept: image/avif,*/*", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}, 402, `"offer"`},
		{"htmx", []string{"Accept: */*", "Sec-Fetch-Mode: cors", "Hx-Request: true", "Hx-Boosted: true"}, 402, `"offer"`},
		{"htmx over plain HTTP", []string{"Accept: text/html", "Hx-Request: true"}, 402, `"offer"`},
		{"a frame of Turbo", []string{html, "Sec-Fetch-Mode: cors", "Turbo-Frame: main"}, 402, `name="turbo-visit-control" content="reload"`},
		{"Turbo over plain HTTP", []string{html, "X-Turbo-Request-Id: 1"}, 402, `http-equiv="refresh"`},
		{"a service worker", []string{html, "Sec-Fetch-Mode: same-origin", "Sec-Fetch-Dest: empty"}, 402, `http-equiv="refresh" content="0; url=/.paywall/unlock?offer=`},
		{"a service worker, cors", []string{html, "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: document"}, 402, `http-equiv="refresh"`},
		{"a download", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: empty"}, 402, `"offer"`},
		{"a preview", []string{"Accept: */*", "User-Agent: WhatsApp/2.23.20.0"}, 200, `<meta property="og:title" content="The Penny Post">`},
		{"Facebook's", []string{"Accept: */*", "User-Agent: facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"}, 200, `property="og:url" content="https://site.test/articles/p1"`},
		{"Telegram's", []string{"Accept: */*", "User-Agent: TelegramBot (like TwitterBot)"}, 200, "This costs 0.20 EUR."},
		{"prefetched", []string{"Sec-Fetch-Mode: navigate", html, "Sec-Purpose: prefetch;prerender"}, 402, `"offer"`},
		{"prefetched before there were names for it", []string{html, "Purpose: prefetch"}, 402, `"offer"`},
		{"by Firefox", []string{html, "X-Moz: prefetch"}, 402, `"offer"`},
	} {
		s := newSite(t)
		res := s.do("GET", pagePath, tc.header...)
		b := wantStatus(t, res, tc.status)
		wantNoCanary(t, res, b)
		if !strings.Contains(b, tc.has) || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Cross-Origin-Opener-Policy") != "same-origin" {
			t.Errorf("%s: %v: %s", tc.name, res.Header, b)
		}
		if goes := res.Header.Get("HX-Redirect"); strings.HasPrefix(goes, "/.paywall/unlock?offer=") != strings.HasPrefix(tc.name, "htmx") {
			t.Errorf("%s: HX-Redirect %q", tc.name, goes)
		}
		if res := s.do("GET", pagePath, append(tc.header, accessCookie(s.access(pagePath, nil)))...); res.StatusCode != 200 || !strings.Contains(body(t, res), canary) {
			t.Errorf("%s, paid: %d", tc.name, res.StatusCode)
		}
	}
}

// TestOurPagesAreNotFetchedAhead, but their style sheets may be.
func TestOurPagesAreNotFetchedAhead(t *testing.T) {
	for path, status := range map[string]int{"/.paywall/unlock?offer=x": 503, "/.paywall/wallet": 503, "/.paywall/static/a.css": 200} {
		if res := newSite(t).do("GET", path, "Sec-Purpose: prefetch", "Sec-Fetch-Mode: navigate"); res.StatusCode != status {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}
