package checkout

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// TestF15H06WithoutCookiesNothingIsBought walks as a browser does that keeps no
// cookies: the page, the button, one redirect, the page that says why.
func TestF15H06WithoutCookiesNothingIsBought(t *testing.T) {
	for name, way := range map[string]struct {
		price      int64 // of the article, 0: it is not about one
		page, post string
		voucher    bool
	}{
		"purchase":            {200_000, "unlock", "unlock", false},
		"voucher":             {0, "topup", "topup/voucher", true},
		"voucher for article": {3_000_000, "unlock", "topup/voucher", true},
		"wallet":              {0, "wallet", "wallet", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			page, form := Prefix+way.page, []string{}
			if way.price > 0 {
				form = append(form, "offer", s.offer(price(way.price)))
				page += "?offer=" + form[1]
			}
			if way.voucher {
				form = append(form, "code", s.voucher(5_000_000))
			}
			form = append(form, "new_wallet", hidden(t, s.get(page).Body.String(), "new_wallet"))
			before, _, _ := s.counts()
			w := s.post(Prefix+way.post, form, cookiesOff)
			wantStatus(t, w, http.StatusSeeOther)
			why := s.get(w.Header().Get("Location"))
			wantStatus(t, why, http.StatusBadRequest)
			wantText(t, why, "Your browser keeps no cookies for this site", "nothing was charged", "in your browser’s settings", `href="/.paywall/reset"`)
			for _, seen := range []*httptest.ResponseRecorder{w, why} {
				if cookieNamed(seen, walletCookie) != nil || cookieNamed(seen, accessCookie) != nil {
					t.Errorf("cookies %v", seen.Result().Cookies())
				}
			}
			if way.price > 0 {
				wantText(t, why, `href="/articles/tea?ref=front"`)
			}
			if after, debits, wallets := s.counts(); after != before || debits != 0 || wallets != 0 {
				t.Errorf("%d → %d writes, %d debits, %d wallets", before, after, debits, wallets)
			}
		})
	}
}

// TestFirstPurchaseIsOneClickWhereCookiesAreKept: the page's own cookie comes
// back with the form.
func TestFirstPurchaseIsOneClickWhereCookiesAreKept(t *testing.T) {
	s := newSite(t)
	raw := s.offer()
	page := s.get("/.paywall/unlock?offer=" + raw)
	c := cookieNamed(page, "__Secure-paywall_kept")
	if c == nil || c.Value != "1" || c.Path != "/.paywall/" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
		c.Domain != "" || !c.Expires.IsZero() || c.MaxAge != 0 {
		t.Fatalf("cookie %+v", c)
	}
	if len(page.Result().Cookies()) != 1 {
		t.Errorf("cookies %v", page.Result().Cookies())
	}
	send := func(r *http.Request) { r.AddCookie(c) }
	w := s.post("/.paywall/unlock", []string{"offer", raw, "new_wallet", hidden(t, page.Body.String(), "new_wallet")}, cookiesOff, send)
	wantStatus(t, w, http.StatusSeeOther)
	if w.Header().Get("Location") != "/articles/tea?ref=front" || cookieNamed(w, walletCookie) == nil {
		t.Errorf("%v", w.Header())
	}
	if again := s.get("/.paywall/unlock?offer="+s.offer(), send); len(again.Result().Cookies()) > 0 {
		t.Errorf("a cookie that is there is set again: %v", again.Header())
	}
}

// TestFormOfAnotherPageNeedsOneMoreClick: an article's own page may carry the
// form too, and has no cookie of ours yet.
func TestFormOfAnotherPageNeedsOneMoreClick(t *testing.T) {
	s := newSite(t)
	raw := s.offer()
	w := s.post("/.paywall/unlock", []string{"offer", raw}, cookiesOff)
	wantStatus(t, w, http.StatusSeeOther)
	c := cookieNamed(w, "__Secure-paywall_kept")
	if c == nil {
		t.Fatal("no cookie to bring back")
	}
	page := s.get(w.Header().Get("Location"), func(r *http.Request) { r.AddCookie(c) })
	wantStatus(t, page, http.StatusOK)
	wantText(t, page, "Nothing was charged yet. Please press the button once more.", "Pay €0.20 and read")
	w = s.post("/.paywall/unlock", []string{"offer", hidden(t, page.Body.String(), "offer")}, cookiesOff, func(r *http.Request) { r.AddCookie(c) })
	wantStatus(t, w, http.StatusSeeOther)
	if _, debits, wallets := s.counts(); debits != 1 || wallets != 1 {
		t.Errorf("%d debits, %d wallets", debits, wallets)
	}
}

// TestRecoveryWithoutCookiesSaysWhy: the code opens nothing that would stay.
func TestRecoveryWithoutCookiesSaysWhy(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	w := s.post("/.paywall/wallet/recover", []string{"code", key.RecoveryCode()}, cookiesOff)
	wantStatus(t, w, http.StatusSeeOther)
	why := s.get(w.Header().Get("Location"))
	wantStatus(t, why, http.StatusBadRequest)
	wantText(t, why, "Your browser keeps no cookies for this site")
	if s.balance(key) != "5.00" {
		t.Error("money moved")
	}
}

func TestKnownWalletIsProofEnough(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	wantStatus(t, s.post("/.paywall/unlock", []string{"offer", s.offer()}, cookiesOff, cookie(key)), http.StatusSeeOther)
	page := s.get("/.paywall/unlock?notice=again&offer="+s.offer(resource("/articles/other")), cookie(key))
	wantStatus(t, page, http.StatusOK)
	if len(page.Result().Cookies()) > 0 {
		t.Errorf("cookies %v", page.Result().Cookies())
	}
}

// TestPlantedBareCookieIsNoProofOverTLS: what any host of the domain can set
// does not tell whether ours are kept.
func TestPlantedBareCookieIsNoProofOverTLS(t *testing.T) {
	s := newSite(t)
	w := s.post("/.paywall/unlock", []string{"offer", s.offer()}, cookiesOff, kept("http://"), header("Cookie", "session=1; paywall_wallet=x"))
	wantStatus(t, w, http.StatusSeeOther)
	wantStatus(t, s.get(w.Header().Get("Location")), http.StatusBadRequest)
	if writes, _, _ := s.counts(); writes != 0 {
		t.Errorf("%d writes", writes)
	}
}

// TestPagesUnderOnePathShareOneCookie: articles named by the query ("/?p=7")
// take one another's place, so that the header does not grow with them.
func TestPagesUnderOnePathShareOneCookie(t *testing.T) {
	s := newSite(t)
	s.advance(time.Since(s.now())) // as the jar has it
	key, _ := s.opened(50_000_000)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(testOrigin + "/index.php")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 120 {
		name := "/index.php?p=" + strings.Repeat("x", i)
		w := s.post("/.paywall/unlock", []string{"offer", s.offer(func(o *paywall.Offer) { o.Resource, o.URL = name, name })}, cookie(key))
		wantStatus(t, w, http.StatusSeeOther)
		cookies := w.Result().Cookies()
		for _, c := range cookies {
			c.Expires = time.Time{} // by the test's clock, which is not the jar's
		}
		jar.SetCookies(at, cookies)
	}
	if cookies := jar.Cookies(at); len(cookies) != 2 {
		t.Errorf("%d cookies", len(cookies))
	}
}
