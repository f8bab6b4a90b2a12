package gate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pricing"
	"github.com/tuppence/tuppence/paywall/token"
)

// Area F: cookies.

func TestF03TossedCookiesDoNotShutAReaderOut(t *testing.T) {
	s := newSite(t)
	good := s.access(pagePath, nil)
	for name, junk := range map[string]func(int) string{
		"junk":                    func(i int) string { return fmt.Sprint("JUNK", i) },
		"nothing":                 func(int) string { return "" },
		"tokens for another page": func(i int) string { return s.access(fmt.Sprint("/articles/other", i), nil) },
		"forged tokens":           func(i int) string { return good[:len(good)-2] + fmt.Sprintf("%02d", i) },
		"tokens of another site": func(int) string {
			return s.access(pagePath, func(a *token.Access) { a.Audience = "https://other.test" })
		},
		"long ones": func(i int) string { return strings.Repeat("a.b.c", 1000) },
		"dots":      func(int) string { return ".." },
	} {
		for _, n := range []int{1, 7, 8} {
			for _, order := range []string{"before", "after", "before, in another line"} {
				t.Run(fmt.Sprint(n, " ", name, " ", order), func(t *testing.T) {
					var pairs []string
					for i := range n {
						pairs = append(pairs, "__Secure-paywall_access="+junk(i))
					}
					tossed, ours := strings.Join(pairs, "; "), "__Secure-paywall_access="+good
					switch order {
					case "before":
						wantPaid(t, s.do("GET", pagePath, "Cookie: "+tossed+"; "+ours))
					case "after":
						wantPaid(t, s.do("GET", pagePath, "Cookie: "+ours+"; "+tossed))
					default:
						wantPaid(t, s.do("GET", pagePath, "Cookie: "+tossed, "Cookie: "+ours))
					}
					if got := s.last().Header["Cookie"]; got != nil {
						t.Errorf("the site got %q", got)
					}
				})
			}
		}
	}
}

// TestF03JunkTakesNoPlaces: what is no token does not count, however much of it there is.
func TestF03JunkTakesNoPlaces(t *testing.T) {
	s := newSite(t)
	for _, junk := range []string{"JUNK", "", "a.b", "a.b.c.d", strings.Repeat("a", 1000) + "." + strings.Repeat("b", 1000) + "." + strings.Repeat("c", 1000)} {
		crowd := strings.Repeat("__Secure-paywall_access="+junk+"; ", 12)
		wantPaid(t, s.do("GET", pagePath, "Cookie: "+crowd+"__Secure-paywall_access="+s.access(pagePath, nil)+"; "+crowd))
	}
}

// TestE29ManyTossedCookiesCostAFewSignatures: eight access cookies are tried,
// the first seven and the last one, and one bearer. Whoever is tossed more than
// that at once gets an offer, or a fresh token from his wallet.
func TestE29ManyTossedCookiesCostAFewSignatures(t *testing.T) {
	s := newSite(t)
	good := s.access(pagePath, nil)
	const tossed = 32
	for place := range tossed {
		pairs := make([]string, tossed)
		for i := range pairs {
			pairs[i] = "__Secure-paywall_access=" + s.access("/articles/other", nil)
		}
		pairs[place] = "__Secure-paywall_access=" + good
		cookies := "Cookie: " + strings.Join(pairs, "; ")
		if c := s.gate.takeCredentials(request(t, "GET", pagePath, cookies), testOrigin, true); c.count != paywall.MaxCookieCandidates {
			t.Errorf("%d would be tried", c.count)
		}
		if place < paywall.MaxCookieCandidates-1 || place == tossed-1 {
			wantPaid(t, s.do("GET", pagePath, cookies))
		} else {
			wantPaywall(t, s.do("GET", pagePath, cookies))
		}
		wantPaid(t, s.do("GET", pagePath, cookies, "Authorization: Bearer "+good))
	}
}

func TestF04TwoWalletsAreNobodys(t *testing.T) {
	s := newSite(t)
	one, two := paywall.NewWalletKey(), paywall.NewWalletKey()
	s.ledger.give(one, testOrigin, paywall.Unlock{ID: "u", Resource: pagePath})
	for _, cookies := range []string{
		"__Host-paywall_wallet=" + string(one) + "; __Host-paywall_wallet=" + string(two),
		"__Host-paywall_wallet=" + string(two) + "; __Host-paywall_wallet=" + string(one),
	} {
		wantPaywall(t, s.do("GET", pagePath, "Cookie: "+cookies))
	}
	wantPaid(t, s.do("GET", pagePath, "Cookie: __Host-paywall_wallet="+string(one)+"; __Host-paywall_wallet="+string(one)))
	wantPaywall(t, s.do("GET", pagePath, "Cookie: paywall_wallet="+string(one))) // the bare name can be planted over plain HTTP
}

func TestF05StrangeSpellingsOfACookieAreNotOurs(t *testing.T) {
	s := newSite(t)
	good := s.access(pagePath, nil)
	for _, pair := range []string{
		"\u2000__Secure-paywall_access=" + good, "\u00a0__Secure-paywall_access=" + good, "$Version=1; $__Secure-paywall_access=" + good,
		"__Secure-paywall_access=\"" + good + "\"", "=__Secure-paywall_access=" + good, "__secure-paywall_access=" + good, "__SECURE-PAYWALL_ACCESS=" + good,
		"x__Secure-paywall_access=" + good, "__Secure-paywall_accessx=" + good, "__Secure-paywall_access", "__Secure-paywall_access==" + good,
		"__Host-paywall_access=" + good, "a=b, __Secure-paywall_access=" + good,
	} {
		wantPaywall(t, s.do("GET", pagePath, "Cookie: "+pair))
	}
	wantPaid(t, s.do("GET", pagePath, "Cookie: $Version=1; a=\"b\";;  __Secure-paywall_access="+good+" ; c"))
	if got := s.last().Header["Cookie"]; !slices.Equal(got, []string{"$Version=1; a=\"b\";; c"}) {
		t.Errorf("the site got %q", got)
	}
}

func TestF07ALostTokenIsRenewedWithoutACharge(t *testing.T) {
	for name, tc := range map[string]struct {
		origin, target, resource, wallet string
		path                             string
		tls                              bool
	}{
		"TLS":       {testOrigin, pagePath, pagePath, "__Host-paywall_wallet", pagePath, true},
		"plain":     {"http://localhost:8402", pagePath, pagePath, "paywall_wallet", pagePath, false},
		"an album":  {testOrigin, "/albums/x/1.mp3", "/albums/x", "__Host-paywall_wallet", "/albums/x", true},
		"beyond Ōe": {testOrigin, "/articles/%C5%8Ce", "/articles/Ōe", "__Host-paywall_wallet", "/articles/%C5%8Ce", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.origin = tc.origin
			key := paywall.NewWalletKey()
			s.ledger.give(key, tc.origin, paywall.Unlock{ID: "the-unlock", Resource: tc.resource})
			res := s.do("GET", tc.target, "Cookie: "+tc.wallet+"="+string(key), "Accept: text/html")
			wantPaid(t, res)
			if len(s.asked) != 1 || s.last().Header["Cookie"] != nil || s.last().Header.Get("Paywall-Status") != "paid" {
				t.Errorf("%d requests, the site got %v", len(s.asked), s.last().Header)
			}
			cookies := res.Cookies()
			if len(cookies) != 1 {
				t.Fatalf("%q", res.Header["Set-Cookie"])
			}
			c := cookies[0]
			if c.Name != paywall.AccessCookie.On(tc.tls) || c.Path != tc.path || c.Secure != tc.tls || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Domain != "" ||
				!c.Expires.Equal(testNow.Add(paywall.AccessTTL)) {
				t.Errorf("%+v", c)
			}
			access, err := s.gate.o.Verifier.Access(c.Value, tc.origin, tc.origin)
			if err != nil || access.ID != "the-unlock" || access.Resource != tc.resource || !access.ExpiresAt.Equal(testNow.Add(paywall.AccessTTL)) {
				t.Errorf("%+v, %v", access, err)
			}
			s.ledger.asked = 0
			res = s.do("GET", tc.target, "Cookie: "+c.Name+"="+c.Value+"; "+tc.wallet+"="+string(key))
			wantPaid(t, res)
			if s.ledger.asked != 0 || res.Header["Set-Cookie"] != nil {
				t.Errorf("the fresh token was not enough: %v", res.Header)
			}
		})
	}
}

func TestF07DeadTokensAreRenewedToo(t *testing.T) {
	s := newSite(t)
	key := paywall.NewWalletKey()
	s.ledger.give(key, testOrigin, paywall.Unlock{ID: "u", Resource: pagePath})
	wallet := "; __Host-paywall_wallet=" + string(key)
	for _, dead := range []string{"JUNK", s.access("/articles/p2", nil), newSite(t).access(pagePath, nil)} {
		res := s.do("GET", pagePath, accessCookie(dead)+wallet)
		wantPaid(t, res)
		if len(res.Cookies()) != 1 {
			t.Errorf("%v", res.Header)
		}
	}
}

func TestRenewedTokensEndWithTheAccess(t *testing.T) {
	s := newSite(t)
	key := paywall.NewWalletKey()
	wallet := "Cookie: __Host-paywall_wallet=" + string(key)
	ends := testNow.Add(90*time.Minute + 400*time.Millisecond)
	s.ledger.give(key, testOrigin, paywall.Unlock{ID: "u", Resource: pagePath, ExpiresAt: ends})
	res := s.do("GET", pagePath, wallet)
	wantPaid(t, res)
	if c := res.Cookies(); len(c) != 1 || c[0].Expires.After(ends) {
		t.Errorf("%v", c)
	}
	s.wait(90*time.Minute + 400*time.Millisecond)
	wantPaywall(t, s.do("GET", pagePath, wallet))
	wantPaywall(t, s.do("GET", pagePath, "Cookie: "+res.Cookies()[0].Name+"="+res.Cookies()[0].Value))
}

func TestE22ARefundedUnlockIsNotRenewed(t *testing.T) {
	s := newSite(t)
	key := paywall.NewWalletKey()
	s.ledger.give(key, testOrigin, paywall.Unlock{ID: "u", Resource: pagePath, RefundedAt: testNow})
	wantPaywall(t, s.do("GET", pagePath, "Cookie: __Host-paywall_wallet="+string(key)))
}

// TestE22OneRevokedTokenDoesNotShutTheOther: bought, refunded, bought again, and
// the browser still has both.
func TestE22OneRevokedTokenDoesNotShutTheOther(t *testing.T) {
	s := newSite(t)
	revoked := s.access(pagePath, func(a *token.Access) { a.ID = "undone" })
	s.ledger.revoke("undone")
	live := s.access(pagePath, nil)
	wantPaywall(t, s.do("GET", pagePath, accessCookie(revoked)))
	for _, pair := range [][2]string{{revoked, live}, {live, revoked}} {
		wantPaid(t, s.do("GET", pagePath, accessCookie(pair[0])+"; __Secure-paywall_access="+pair[1]))
	}
	wantPaid(t, s.do("GET", pagePath, accessCookie(revoked), "Authorization: Bearer "+live))
	wantPaid(t, s.do("GET", pagePath, accessCookie(live), "Authorization: Bearer "+revoked))
	wantStatus(t, s.do("GET", pagePath, "Authorization: Bearer "+revoked), 401)
}

func TestF14AWalletsSecretIsForItsSiteOnly(t *testing.T) {
	s := newSite(t)
	key := paywall.NewWalletKey()
	s.ledger.give(key, "https://other.test", paywall.Unlock{ID: "u", Resource: pagePath})
	wantPaywall(t, s.do("GET", pagePath, "Cookie: __Host-paywall_wallet="+string(key)))
	wantPaywall(t, s.do("GET", pagePath, "Authorization: Bearer "+string(key)))
	for _, junk := range []string{"", "x", strings.Repeat("A", 42), strings.Repeat("A", 44), strings.Repeat("!", 43)} {
		s.ledger.asked = 0
		wantPaywall(t, s.do("GET", pagePath, "Cookie: __Host-paywall_wallet="+junk))
		if s.ledger.asked != 0 {
			t.Errorf("%q was asked for", junk)
		}
	}
}

func TestF12ThousandsOfCookiesAreNothing(t *testing.T) {
	s := newSite(t)
	good := s.access(pagePath, nil)
	crowd := strings.Repeat("a=b; ", 3500)
	ours := strings.Repeat("__Secure-paywall_access=x; ", 3500)
	wantPaywall(t, s.do("GET", pagePath, "Cookie: "+crowd+ours))
	wantPaid(t, s.do("GET", pagePath, "Cookie: "+crowd+ours+"__Secure-paywall_access="+good))
	if got := s.last().Header["Cookie"]; len(got) != 1 || strings.Count(got[0], "a=b") != 3500 || strings.Contains(got[0], "paywall") {
		t.Errorf("the site got %.60q", got)
	}
	wantStatus(t, s.do("GET", "/free/page"), 200)
}

func TestOtherCookiesReachTheSiteAsTheyCame(t *testing.T) {
	s := newSite(t, pricing.Rule{Price: price("0.20")})
	good := s.access(pagePath, nil)
	for sent, want := range map[string]string{
		"a=b; c=d": "a=b; c=d",
		"a=b; __Secure-paywall_access=" + good + "; c=d":   "a=b; c=d",
		"__Secure-paywall_access=" + good + "; a=\"b c\"":  "a=\"b c\"",
		"a=b;__Host-paywall_wallet=x;paywall_access=y;c=d": "a=b;c=d",
		"__Host-paywall_lang=de; a=b; paywall_lang=nl":     "a=b",
		"my_paywall_setting=1":                             "my_paywall_setting=1",
	} {
		s.do("GET", pagePath, "Cookie: "+sent, "Authorization: Bearer "+good)
		if got := s.last().Header["Cookie"]; !slices.Equal(got, []string{want}) {
			t.Errorf("%.30q became %q, want %q", sent, got, want)
		}
	}
}

// TestJunkBesideAWalletIsNotASecondWallet: the checkout reads it so, too. If
// they differed, each would send the reader to the other.
func TestJunkBesideAWalletIsNotASecondWallet(t *testing.T) {
	s := newSite(t)
	key, other := paywall.NewWalletKey(), paywall.NewWalletKey()
	s.ledger.give(key, testOrigin, paywall.Unlock{ID: "u", Resource: pagePath})
	wallet := func(values ...string) string {
		return "Cookie: __Host-paywall_wallet=" + strings.Join(values, "; __Host-paywall_wallet=")
	}
	mine := string(key)
	for _, values := range [][]string{
		{"junk", mine}, {mine, "junk"}, {"", mine}, {"a", "b", mine, "c"}, {`"` + string(other) + `"`, mine}, {mine, mine + "\n"}, {mine, mine, mine},
	} {
		wantPaid(t, s.do("GET", pagePath, wallet(values...)))
	}
	for _, values := range [][]string{{mine, "junk", string(other)}, {"junk", string(other), mine}, {mine, string(other), mine}} {
		wantPaywall(t, s.do("GET", pagePath, wallet(values...)))
	}
}

// TestRewrittenPagesKeepTheirToken: the cookie stands where the browser asks,
// which is not where the server leads it.
func TestRewrittenPagesKeepTheirToken(t *testing.T) {
	s := newSite(t)
	key := paywall.NewWalletKey()
	s.ledger.give(key, testOrigin, paywall.Unlock{ID: "u", Resource: pagePath})
	res := s.rewritten("GET", "/nice/tea?ref=front", pagePath, "Cookie: __Host-paywall_wallet="+string(key))
	wantPaid(t, res)
	cookies := res.Cookies()
	if len(cookies) != 1 || cookies[0].Path != "/nice/tea" {
		t.Fatalf("%v", cookies)
	}
	s.ledger.asked = 0
	wantPaid(t, s.rewritten("GET", "/nice/tea", pagePath, accessCookie(cookies[0].Value)))
	if s.ledger.asked != 0 {
		t.Error("the ledger was asked although the token is good")
	}
}

// TestTheCheckoutsOwnCookieStaysThere: it is no site's to read or to set.
func TestTheCheckoutsOwnCookieStaysThere(t *testing.T) {
	s := newSite(t)
	s.upstream = func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Add("Set-Cookie", "__Secure-paywall_kept=1; Path=/.paywall/")
		w.Header().Add("Set-Cookie", "__Host-paywall_form=x; Path=/")
		w.Header().Add("Set-Cookie", "theirs=1")
		return article(w, r)
	}
	res := s.do("GET", "/free/page", "Cookie: a=b; __Secure-paywall_kept=1; paywall_kept=1; __Host-paywall_form=x; paywall_form=x")
	wantStatus(t, res, 200)
	if got := s.last().Header["Cookie"]; !slices.Equal(got, []string{"a=b"}) {
		t.Errorf("the site got %q", got)
	}
	if got := res.Header["Set-Cookie"]; !slices.Equal(got, []string{"theirs=1"}) {
		t.Errorf("the reader got %q", got)
	}
}
