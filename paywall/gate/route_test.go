package gate

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Two addresses: a server rewrote the request before the gate saw it.

// rewritten is a request that the client sent as one target and the server made another of.
func (s *site) rewritten(method, original, now string, header ...string) *http.Response {
	s.t.Helper()
	s.original = func(*http.Request) string { return original }
	defer func() { s.original = nil }()
	s.asked, s.check = nil, nil
	s.logs.Reset()
	return s.do(method, now, header...)
}

func TestRewrittenRequestsCostWhatEitherAddressCosts(t *testing.T) {
	s := newSite(t)
	for _, tc := range []struct{ original, now, resource, url string }{
		{"/articles/p1", "/index.php?q=1", "/articles/p1", "/articles/p1"},
		{"/articles/p1?a=1", "/articles/p1.html", "/articles/p1", "/articles/p1?a=1"}, // one rule, one article
		{"/articles/p1", "/articles/welcome", "/articles/p1", "/articles/p1"},
		{"/free/x?a=1", "/articles/p1", "/articles/p1", "/free/x?a=1"}, // and the reader comes back to where he was
		{"/articles/welcome", "/articles/p1", "/articles/p1", "/articles/welcome"},
		{"/free//x", "/articles/p1", "/articles/p1", "/free/x"},
		{"/x", "//articles//p1", "/articles/p1", "/x"},
		{"/play/1", "/albums/x/1.mp3", "/albums/x", "/play/1"},
	} {
		t.Run(tc.original+" to "+tc.now, func(t *testing.T) {
			res := s.rewritten("GET", tc.original, tc.now)
			members := decodeProblem(t, wantPaywall(t, res))
			raw, _ := members["offer"].(string)
			offer, err := s.gate.o.Verifier.Offer(raw, testOrigin, testOrigin)
			if err != nil || offer.Resource != tc.resource || offer.URL != tc.url || members["resource"] != tc.resource {
				t.Errorf("%+v, %v", offer, err)
			}
			wantPaywall(t, s.rewritten("GET", tc.original, tc.now, accessCookie(s.access("/articles/p2", nil))))
			wantPaid(t, s.rewritten("GET", tc.original, tc.now, accessCookie(s.access(tc.resource, nil))))
			want := tc.now
			if want == "//articles//p1" {
				want = "/articles/p1" // what was checked is what the site gets
			}
			path, _, _ := strings.Cut(want, "?")
			if got := s.last(); got.RequestURI != want || got.URL.Path != path || got.Header.Get("Paywall-Resource") != tc.resource {
				t.Errorf("the site got %s, %s, %v", got.RequestURI, got.URL.Path, got.Header)
			}
		})
	}
}

// TestTheDearerOfTwoAddressesIsPaid: "try_files {path} /index.php" with several
// prices sells each article for its own, and no rewrite leads to a dearer page.
func TestTheDearerOfTwoAddressesIsPaid(t *testing.T) {
	s := newSite(t)
	for _, tc := range []struct{ original, now, resource, price string }{
		{"/articles/p1", "/articles/dear", "/articles/dear", "5.00"},
		{"/articles/dear", "/articles/p1", "/articles/dear", "5.00"},
		{"/articles/p1", "/albums/x/1.mp3", "/albums/x", "3.00"},
		{"/articles/p1?x", "/articles/p2", "/articles/p1", "0.20"},
	} {
		members := decodeProblem(t, wantPaywall(t, s.rewritten("GET", tc.original, tc.now)))
		if members["resource"] != tc.resource || members["price"] != tc.price {
			t.Errorf("%s to %s: %v", tc.original, tc.now, members)
		}
		wantPaywall(t, s.rewritten("GET", tc.original, tc.now, accessCookie(s.access("/articles/p9", nil))))
		wantPaid(t, s.rewritten("GET", tc.original, tc.now, accessCookie(s.access(tc.resource, nil))))
	}
	wantPaywall(t, s.rewritten("GET", "/articles/p1", "/articles/dear", accessCookie(s.access("/articles/p1", nil))))
}

func TestRewritesToWhatNoRulePricesAreRefused(t *testing.T) {
	s := newSite(t)
	for _, pair := range [][2]string{
		{"/articles/p1", "/unpriced/x"}, {"/unpriced/x", "/articles/p1"}, {"/unpriced/x", "/index.php"}, {"/free/x", "/unpriced/x"},
	} {
		for _, header := range [][]string{nil, {accessCookie(s.access("/articles/*", nil))}} {
			res := s.rewritten("GET", pair[0], pair[1], header...)
			wantNoCanary(t, res, wantStatus(t, res, 403))
			if len(s.asked) != 0 || strings.Count(s.logs.String(), "\n") != 1 {
				t.Errorf("%v: %d requests, log: %s", pair, len(s.asked), &s.logs)
			}
		}
	}
}

func TestRewritesToWhatIsInDoubtAreRefused(t *testing.T) {
	s := newSite(t)
	for _, tc := range []struct {
		original, now string
		status        int
	}{
		{"/free/x", "/articles%2fp1", 400},
		{"/free/x", "/articles/p1;x", 400},
		{"/free/x", "/articles/x%00", 400},
		{"/articles%2fp1", "/free/x", 400},
		{"/articles/p1", "*", 400},
		{"/free/x", "/.paywall/unlock", 404},
		{"/articles/p1", "/.PAYWALL/unlock", 404},
	} {
		res := s.rewritten("GET", tc.original, tc.now, accessCookie(s.access("/articles/*", nil)))
		wantNoCanary(t, res, wantStatus(t, res, tc.status))
		if len(s.asked) != 0 || len(s.check) != 0 {
			t.Errorf("%s to %s went through", tc.original, tc.now)
		}
	}
}

func TestRewritesThatCostNothingPass(t *testing.T) {
	s := newSite(t)
	for _, tc := range []struct{ original, now, status string }{
		{"/", "/index.html", "pass"}, {"/free/x", "/articles/welcome", "free"}, {"/articles/welcome", "/index.php", "free"},
	} {
		wantStatus(t, s.rewritten("GET", tc.original, tc.now), 200)
		if got := s.last(); got.RequestURI != tc.now || got.Header.Get("Paywall-Status") != tc.status {
			t.Errorf("the site got %s, %v", got.RequestURI, got.Header)
		}
	}
}

func TestHarmlessSpellingsBeforeARewriteAreLedToTheCanonicalOne(t *testing.T) {
	s := newSite(t)
	res := s.rewritten("GET", "//articles//p1?a=1", "/index.php")
	wantStatus(t, res, 308)
	if got := res.Header.Get("Location"); got != "/articles/p1?a=1" {
		t.Errorf("Location: %s", got)
	}
}

// TestTheCheckoutIsThereWhateverTheServerRewrites: "try_files {path} /index.php"
// in front of the gate must not take it away.
func TestTheCheckoutIsThereWhateverTheServerRewrites(t *testing.T) {
	s := newSite(t)
	for _, now := range []string{"/index.php?q=1", "/articles/p1", "/.paywall/other"} {
		wantStatus(t, s.rewritten("POST", "/.paywall/unlock?offer=x", now), 200)
		if len(s.check) != 1 || len(s.asked) != 0 {
			t.Fatalf("%s: %d requests for the checkout, %d for the site", now, len(s.check), len(s.asked))
		}
		if r := s.check[0]; r.RequestURI != "/.paywall/unlock?offer=x" || r.URL.Path != "/.paywall/unlock" || r.URL.RawQuery != "offer=x" {
			t.Errorf("the checkout got %s, %v", r.RequestURI, r.URL)
		}
	}
}

// TestTheSiteIsToldWhatWasDecided: every request that reaches it says so.
func TestTheSiteIsToldWhatWasDecided(t *testing.T) {
	s := crawled(t, newZone(), "google")
	for _, tc := range []struct {
		target, header string
		answers        int
		want           []string
	}{
		{"/", "", 200, []string{"pass"}},
		{"/articles/welcome", "", 200, []string{"free"}},
		{pagePath, accessCookie(s.access(pagePath, nil)), 200, []string{"paid"}},
		{pagePath, googlebot, 200, []string{"crawler"}},
		{pagePath, "", 200, []string{"probe"}},
		{"/articles/gone", "", 404, []string{"probe", "unpaid"}},
		{"/articles/gone", googlebot, 404, []string{"crawler"}},
	} {
		s.asked, s.upstream = nil, status(tc.answers)
		r := request(t, "GET", tc.target, "Paywall-Status: paid")
		if name, value, ok := strings.Cut(tc.header, ": "); ok {
			r.Header.Set(name, value)
		}
		if tc.want[0] == "crawler" {
			r.RemoteAddr = googleAddr + ":443"
		}
		s.send(r)
		var got []string
		for _, asked := range s.asked {
			got = append(got, asked.Header["Paywall-Status"]...)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s %s: the site got %q, want %q", tc.target, tc.header, got, tc.want)
		}
	}
}
