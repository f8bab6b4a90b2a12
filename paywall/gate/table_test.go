package gate

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pricing"
	"github.com/tuppence/tuppence/paywall/token"
)

// The rows of the contract's table "Answers of the gate".

func TestFreeIsTheSitesOwnAnswer(t *testing.T) {
	s := newSite(t)
	res := s.do("GET", "/articles/welcome", "If-None-Match: \"x\"", "Range: bytes=0-9")
	wantStatus(t, res, 200)
	if got := res.Header.Get("Cache-Control"); got != "public, max-age=3600, s-maxage=9999" {
		t.Errorf("Cache-Control: %q", got)
	}
	h := s.last().Header
	if h.Get("Paywall-Status") != "free" || h.Get("Paywall-Resource") != "/articles/welcome" || h.Get("Range") == "" || h.Get("If-None-Match") == "" {
		t.Errorf("the site got %v", h)
	}
	if len(s.asked) != 1 {
		t.Errorf("the site was asked %d times", len(s.asked))
	}
}

func TestUnpricedIsPassedUntouched(t *testing.T) {
	s := newSite(t)
	for _, target := range []string{"/", "/free/page?a=%2F", "/free//x/../%7Ey;z", "/a%2fb", "/%61"} {
		res := s.do("GET", target)
		wantStatus(t, res, 200)
		if got := s.last(); got.RequestURI != target || got.Header["Paywall-Resource"] != nil {
			t.Errorf("the site got %s, %v", got.RequestURI, got.Header)
		}
	}
}

func TestA02PaidIsTheSitesAnswerAndPrivate(t *testing.T) {
	s := newSite(t)
	for name, credential := range map[string]string{
		"cookie":             accessCookie(s.access(pagePath, nil)),
		"cookie on http":     "Cookie: paywall_access=" + s.access(pagePath, nil),
		"bearer":             "Authorization: Bearer " + s.access(pagePath, nil),
		"bearer in any case": "Authorization: bEARER " + s.access(pagePath, nil),
		"pattern":            accessCookie(s.access("/articles/*", nil)),
	} {
		t.Run(name, func(t *testing.T) {
			s.asked = nil
			res := s.do("GET", pagePath, credential)
			wantPaid(t, res)
			if vary := res.Header["Vary"]; !slices.Equal(vary, []string{"Cookie, Authorization"}) {
				t.Errorf("Vary: %q", vary)
			}
			h := s.last().Header
			if h.Get("Paywall-Status") != "paid" || h.Get("Paywall-Resource") != pagePath || h["Cookie"] != nil || h["Authorization"] != nil {
				t.Errorf("the site got %v", h)
			}
			if len(s.asked) != 1 {
				t.Errorf("the site was asked %d times", len(s.asked))
			}
		})
	}
}

func TestNavigationIsLedToTheCheckout(t *testing.T) {
	for _, tc := range []struct {
		method string
		header []string
		status int
	}{
		{"GET", []string{"Sec-Fetch-Mode: navigate", "Accept: */*"}, 303},
		{"HEAD", []string{"Sec-Fetch-Mode: navigate"}, 303},
		{"GET", []string{"Accept: text/html,application/xhtml+xml,*/*;q=0.8"}, 303},
		{"HEAD", []string{"Accept: text/html"}, 303},
		{"GET", []string{"Sec-Fetch-Mode: cors", "Accept: text/html"}, 402},
		{"GET", []string{"Sec-Fetch-Mode: no-cors", "Accept: text/html"}, 402},
		{"GET", []string{"Accept: application/json"}, 402},
		{"GET", nil, 402},
		{"HEAD", nil, 402},
		{"POST", []string{"Sec-Fetch-Mode: navigate", "Accept: text/html"}, 303},
		{"GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Purpose: prefetch"}, 402},
	} {
		t.Run(tc.method+" "+strings.Join(tc.header, ", "), func(t *testing.T) {
			s := newSite(t)
			res := s.do(tc.method, pagePath, tc.header...)
			wantPaywall(t, res)
			if res.StatusCode != tc.status {
				t.Errorf("status %d, want %d", res.StatusCode, tc.status)
			}
		})
	}
}

func TestOfferSaysWhatIsSold(t *testing.T) {
	s := newSite(t)
	res := s.do("GET", "/articles/c%C3%A9?utm=1&b=%20")
	b := wantPaywall(t, res)
	members := decodeProblem(t, b)
	raw, _ := members["offer"].(string)
	want := map[string]any{
		"type": "urn:paywall:payment-required", "title": "Payment Required", "status": 402.0,
		"detail":   "This costs 0.20 EUR. POST the offer to /.paywall/unlock to buy it.",
		"resource": "/articles/cé", "price": "0.20", "currency": "EUR",
		"offer": raw, "unlock": "/.paywall/unlock?offer=" + raw,
	}
	for name, value := range want {
		if members[name] != value {
			t.Errorf("%s: %v, want %v", name, members[name], value)
		}
	}
	if len(members) != len(want) {
		t.Errorf("members %v", members)
	}
	if got := res.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type: %s", got)
	}
	if got := res.Header.Get("Link"); got != "</.paywall/unlock?offer="+raw+`>; rel="payment"` {
		t.Errorf("Link: %s", got)
	}
	offer, err := s.gate.o.Verifier.Offer(raw, testOrigin, testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	if offer.Resource != "/articles/cé" || offer.URL != "/articles/c%C3%A9?utm=1&b=%20" || offer.Title != "The Penny Post" ||
		offer.Words != 502 || offer.Price != price("0.20") || offer.Site != testOrigin || offer.Checkout != testOrigin ||
		!offer.IssuedAt.Equal(testNow) || !offer.ExpiresAt.Equal(testNow.Add(paywall.OfferTTL)) || len(offer.ID) != 22 {
		t.Errorf("%+v", offer)
	}
}

func TestOffersCarryAccessTimeSharesAndGroup(t *testing.T) {
	s := newSite(t, pricing.Rule{
		Match: pricing.Paths{"/albums/*"}, Price: price("3.00"), Per: []string{"/albums/*"},
		Access: 720 * time.Hour, Shares: []paywall.Share{{Creator: "alice", PPM: 700_000}},
	})
	members := decodeProblem(t, wantPaywall(t, s.do("GET", "/albums/tides/1.mp3")))
	if members["resource"] != "/albums/tides" {
		t.Errorf("%v", members)
	}
	offer, err := s.gate.o.Verifier.Offer(members["offer"].(string), testOrigin, testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	if offer.Resource != "/albums/tides" || offer.URL != "/albums/tides/1.mp3" || offer.Access != 720*time.Hour ||
		len(offer.Shares) != 1 || offer.Shares[0] != (paywall.Share{Creator: "alice", PPM: 700_000}) {
		t.Errorf("%+v", offer)
	}
	wantPaid(t, s.do("GET", "/albums/tides/2.mp3", accessCookie(s.access("/albums/tides", nil))))
	wantPaywall(t, s.do("GET", "/albums/bells", accessCookie(s.access("/albums/tides", nil))))
}

func TestBadBearerIs401(t *testing.T) {
	s := newSite(t)
	good := s.access(pagePath, nil)
	revoked := s.access(pagePath, func(a *token.Access) { a.ID = "undone" })
	s.ledger.revoke("undone")
	for name, raw := range map[string]string{
		"expired": s.access(pagePath, func(a *token.Access) {
			a.IssuedAt = testNow.Add(-3 * time.Hour)
			a.NotBefore = a.IssuedAt
			a.ExpiresAt = testNow.Add(-2 * time.Hour)
		}),
		"tampered":      good[:len(good)-6] + "AAAAAA",
		"other origin":  s.access(pagePath, func(a *token.Access) { a.Audience = "https://other.test" }),
		"other issuer":  s.access(pagePath, func(a *token.Access) { a.Issuer = "https://other.test" }),
		"revoked":       revoked,
		"other's key":   newSite(t).access(pagePath, nil),
		"revoked other": s.access("/articles/dear", func(a *token.Access) { a.ID = "undone" }),
	} {
		t.Run(name, func(t *testing.T) {
			s.asked = nil
			res := s.do("GET", pagePath, "Authorization: Bearer "+raw)
			b := wantStatus(t, res, 401)
			if got := res.Header.Get("WWW-Authenticate"); got != `Bearer error="invalid_token"` {
				t.Errorf("WWW-Authenticate: %s", got)
			}
			if decodeProblem(t, b)["type"] != "urn:paywall:invalid-token" || res.Header.Get("Cache-Control") != "no-store" || len(s.asked) != 0 {
				t.Errorf("%s, %v, %d requests", b, res.Header, len(s.asked))
			}
		})
	}
}

func TestBearerForAnotherResourceIs403(t *testing.T) {
	s := newSite(t)
	for _, resource := range []string{"/articles/p10", "/articles/p", "/articles", "/articles/p1/x", "/articles/p1/x/*", "/Articles/p1", "/albums/*", "/"} {
		res := s.do("GET", pagePath, "Authorization: Bearer "+s.access(resource, nil))
		wantStatus(t, res, 403)
		if got := res.Header.Get("WWW-Authenticate"); got != `Bearer error="insufficient_scope"` {
			t.Errorf("%s: WWW-Authenticate: %s", resource, got)
		}
	}
}

func TestForeignBearerIsLeftForTheSiteAndOpensNothing(t *testing.T) {
	s := newSite(t)
	const foreign = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
	for _, value := range []string{"Bearer " + foreign, "Bearer opaque", "Basic QTpC", "Digest username=\"a\", realm=\"b\""} {
		wantPaywall(t, s.do("GET", pagePath, "Authorization: "+value))
		wantStatus(t, s.do("GET", "/free/page", "Authorization: "+value), 200)
		if got := s.last().Header["Authorization"]; !slices.Equal(got, []string{value}) {
			t.Errorf("the site got %q", got)
		}
		wantPaid(t, s.do("GET", pagePath, "Authorization: "+value, accessCookie(s.access(pagePath, nil))))
		if got := s.last().Header["Authorization"]; !slices.Equal(got, []string{value}) {
			t.Errorf("the site got %q", got)
		}
	}
}

func TestAmbiguousSpellingsAre400(t *testing.T) {
	s := newSite(t)
	token := accessCookie(s.access(pagePath, nil))
	for _, target := range []string{
		"/articles%2fp1", "/articles%2Fp1", "/free/..%2farticles/p1", "/free/%2e%2e/articles/p1", "/articles/p1;x", "/free/..;/articles/p1",
		"/articles%5cp1", "/articles\\p1", "/articles./p1", "/articles/p1%20", "/articles/p1::$DATA", "/free#/articles/p1", "/articles/%2570%31",
		"/articles/p1%00", "/articles/p1%0a", "/articles/x%0d%0aA:1", "/arti%E9cles/p1", "/%c0%afarticles/p1", "/articles%ef%bc%8fp1", "/%zz", "*", "nonsense",
	} {
		for _, header := range [][]string{nil, {token}} {
			s.asked = nil
			res := s.do("GET", target, header...)
			b := wantStatus(t, res, 400)
			if len(s.asked) != 0 {
				t.Errorf("%s reached the site", target)
			}
			if res.Header.Get("Cache-Control") != "no-store" || decodeProblem(t, b)["type"] != "urn:paywall:malformed" {
				t.Errorf("%s: %v %s", target, res.Header, b)
			}
		}
	}
}

func TestHarmlessSpellingsAreLedToTheCanonicalOne(t *testing.T) {
	s := newSite(t)
	token := accessCookie(s.access(pagePath, nil))
	for _, target := range []string{
		"/%61rticles/p1", "/articles/%70%31", "//articles/p1", "/articles//p1", "/./articles/p1", "/free/../articles/p1", "/articles/x/../p1", "///articles/p1",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT"} {
			for _, header := range [][]string{nil, {token}} {
				s.asked = nil
				res := s.do(method, target+"?a=1", header...)
				if method == "GET" || method == "HEAD" {
					wantStatus(t, res, 308)
					if got := res.Header.Get("Location"); got != "/articles/p1?a=1" {
						t.Errorf("%s: Location: %s", target, got)
					}
				} else {
					wantStatus(t, res, 400)
				}
				if len(s.asked) != 0 {
					t.Errorf("%s %s reached the site", method, target)
				}
			}
		}
	}
}

func TestH08RedirectsStayOnTheSite(t *testing.T) {
	s := newSite(t)
	for _, target := range []string{"//evil.test/../articles/p1", "/\\evil.test/articles/p1", "//evil.test/%2e%2e/articles/p1", "/.//evil.test/.././articles/p1", "http://evil.test//articles/p1"} {
		res := s.do("GET", target)
		if location := res.Header.Get("Location"); location != "" && location != "/articles/p1" && location != "/evil.test/articles/p1" {
			t.Errorf("%s: Location: %s", target, location)
		}
		wantNoCanary(t, res, body(t, res))
	}
}

func TestMisconfiguredIsRefusedAndLogged(t *testing.T) {
	s := newSite(t)
	for _, header := range [][]string{nil, {accessCookie(s.access("/unpriced/x", nil))}} {
		s.logs.Reset()
		res := s.do("GET", "/unpriced/x", header...)
		b := wantStatus(t, res, 403)
		if decodeProblem(t, b)["type"] != "urn:paywall:misconfigured" || len(s.asked) != 0 {
			t.Errorf("%s", b)
		}
		if strings.Count(s.logs.String(), "\n") != 1 || !strings.Contains(s.logs.String(), "/unpriced/x") {
			t.Errorf("log: %s", &s.logs)
		}
	}
}

func TestTraceAndConnectAre405(t *testing.T) {
	s := newSite(t)
	for _, method := range []string{"TRACE", "CONNECT"} {
		for _, target := range []string{pagePath, "/free/page", "/.paywall/wallet"} {
			res := s.do(method, target, accessCookie(s.access(pagePath, nil)))
			wantStatus(t, res, 405)
			if res.Header.Get("Allow") == "" || len(s.asked) != 0 || len(s.check) != 0 {
				t.Errorf("%s %s: %v", method, target, res.Header)
			}
		}
	}
}

func TestWhileTheStoreIsAwayTokensOpenAndOffersAreShown(t *testing.T) {
	for name, broken := range map[string]func(*site){
		"closed":  func(s *site) { s.down = paywall.ErrUnavailable },
		"failing": func(s *site) { s.ledger.fails = paywall.ErrUnavailable },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			broken(s)
			wallet := "Cookie: __Host-paywall_wallet=" + string(paywall.NewWalletKey())
			wantPaid(t, s.do("GET", pagePath, accessCookie(s.access(pagePath, nil)), wallet))
			wantStatus(t, s.do("GET", "/articles/welcome"), 200)
			wantPaywall(t, s.do("GET", pagePath, wallet))
			wantPaywall(t, s.do("GET", pagePath))
		})
	}
}

func TestS05ReservedPrefixNeverReachesTheSite(t *testing.T) {
	s := newSite(t)
	for _, tc := range []struct {
		method, target string
		status         int
		location       string
	}{
		{"GET", "/.paywall/wallet", 200, ""},
		{"POST", "/.paywall/unlock?offer=x", 200, ""},
		{"GET", "/.paywall/", 200, ""},
		{"GET", "/.paywall", 200, ""},
		{"GET", "//.paywall/wallet?a=1", 308, "/.paywall/wallet?a=1"},
		{"GET", "/%2epaywall/wallet", 0, ""},
		{"GET", "/.%70aywall/wallet", 308, "/.paywall/wallet"},
		{"HEAD", "/x/../.paywall/wallet", 308, "/.paywall/wallet"},
		{"POST", "//.paywall/unlock", 400, ""},
		{"GET", "/.PAYWALL/wallet", 404, ""},
		{"GET", "/.paywall%2fwallet", 404, ""},
		{"GET", "/.paywall;x/wallet", 404, ""},
		{"GET", "/.paywall./wallet", 404, ""},
		{"GET", "/%252epaywall/wallet", 404, ""},
		{"GET", "/\\.paywall\\wallet", 404, ""},
	} {
		s.check = nil
		res := s.do(tc.method, tc.target, "Cookie: __Host-paywall_wallet=k; a=b", "Authorization: Bearer k")
		if res.StatusCode != tc.status && tc.status != 0 || res.Header.Get("Location") != tc.location && tc.status != 0 {
			t.Errorf("%s %s: %d %s", tc.method, tc.target, res.StatusCode, res.Header.Get("Location"))
		}
		if (len(s.check) == 1) != (tc.status == 200) {
			t.Errorf("%s: the checkout was asked %d times", tc.target, len(s.check))
		}
		if len(s.check) == 1 && (s.check[0].Header.Get("Cookie") == "" || s.check[0].Header.Get("Authorization") == "") {
			t.Errorf("%s: the checkout does not see who asks", tc.target)
		}
	}
	if len(s.asked) != 0 {
		t.Errorf("%s reached the site", s.asked[0].RequestURI)
	}
}

func TestErrorsOfTheSiteAreTheServersBusiness(t *testing.T) {
	s := newSite(t)
	s.upstream = func(http.ResponseWriter, *http.Request) error { return errSite }
	for _, r := range []*http.Request{
		request(t, "GET", "/free/page"), request(t, "GET", "/articles/welcome"), request(t, "GET", pagePath),
		request(t, "GET", pagePath, accessCookie(s.access(pagePath, nil))),
	} {
		w := newRecorder()
		if err := s.gate.ServeHTTP(w, r, s); err != errSite {
			t.Errorf("%v", err)
		}
		if w.Code != 0 {
			t.Errorf("an error came back, and %d was written", w.Code)
		}
	}
}
