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
		offer, err := s.gate.Verifier.Offer(raw, testOrigin, testOrigin)
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
	for range 3 * freshQuotes {
		seen[s.offered(pagePath)]++
	}
	if len(seen) != freshQuotes {
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
		offer, err := s.gate.Verifier.Offer(raw, testOrigin, testOrigin)
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
		for range 2 * freshQuotes {
			seen[ask()] = true
			s.offered(pagePath) // people in the same crowd
		}
		// Half of the fresh ones, and the last, which was a person's: the crowd's.
		if want := (second + 1) * (freshQuotes/2 + 1); len(seen) != want {
			t.Errorf("second %d: %d offers, want %d", second, len(seen), want)
		}
		s.wait(time.Second)
	}
}

// TestACrowdsOfferIsNotSharedAcrossPrices: a rule may look at more than the
// path, so one page may have two prices.
func TestACrowdsOfferIsNotSharedAcrossPrices(t *testing.T) {
	s := newSite(t)
	target, err := s.gate.Canonicalizer.Parse(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	page := &page{sellable: true}
	for i := range 3 * freshQuotes {
		decision, err := s.gate.Table.Decide(nil, &target)
		if err != nil {
			t.Fatal(err)
		}
		rule := *decision.Rule
		want := price("0.20")
		if i%2 == 1 {
			want = price("0.40")
		}
		rule.Price = want
		quote, err := page.quotes.get(s.gate, &ticket{origin: testOrigin, rule: &rule, resource: pagePath, asked: &target}, page)
		if err != nil {
			t.Fatal(err)
		}
		if offer, err := s.gate.Verifier.Offer(strings.TrimPrefix(quote.unlock, unlockPath), testOrigin, testOrigin); err != nil || offer.Price != want {
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
			offer, err := s.gate.Verifier.Offer(raw, testOrigin, testOrigin)
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
	if seen[""] || len(seen) < freshQuotes-1 {
		t.Errorf("%d offers", len(seen))
	}
	for raw := range seen {
		if _, err := s.gate.Verifier.Offer(raw, testOrigin, testOrigin); err != nil {
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
	offer, err := s.gate.Verifier.Offer(s.offered(pagePath), testOrigin, testOrigin)
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
	s.gate.Ring = public
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
