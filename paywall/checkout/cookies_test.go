package checkout

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

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
			before, _, _ := s.store.counts()
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
			if after, debits, wallets := s.store.counts(); after != before || debits != 0 || wallets != 0 {
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
	if _, debits, wallets := s.store.counts(); debits != 1 || wallets != 1 {
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
	if writes, _, _ := s.store.counts(); writes != 0 {
		t.Errorf("%d writes", writes)
	}
}

// TestF09ResetShowsTheCodeAndForgetsAllCookies: forty planted cookies of 4 KB
// reach us; the page gives the way back before it takes anything.
func TestF09ResetShowsTheCodeAndForgetsAllCookies(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	s.bought(key)
	planted := func(r *http.Request) {
		for i := range 40 {
			r.AddCookie(&http.Cookie{Name: "planted" + strings.Repeat("x", i), Value: strings.Repeat("j", 4000)})
		}
	}
	before, _, _ := s.store.counts()
	page := s.get("/.paywall/reset", cookie(key), planted)
	wantStatus(t, page, http.StatusOK)
	wantText(t, page, "41 cookies", "larger than some servers accept", key.RecoveryCode(), "holds €4.80", "Write down its recovery code first", `action="/.paywall/reset"`)
	if page.Header().Get("Clear-Site-Data") != "" || len(page.Result().Cookies()) > 0 {
		t.Errorf("looking removed cookies: %v", page.Header())
	}
	done := s.post("/.paywall/reset", nil, cookiesOff, cookie(key), planted)
	wantStatus(t, done, http.StatusOK)
	if got := done.Header().Get("Clear-Site-Data"); got != `"cookies"` {
		t.Errorf("Clear-Site-Data %q", got)
	}
	for name, path := range map[string]string{walletCookie: "/", accessCookie: "/articles/tea", "__Secure-paywall_kept": "/.paywall/"} {
		if c := cookieNamed(done, name); c == nil || c.MaxAge >= 0 || c.Path != path || c.Value != "" {
			t.Errorf("%s: %v", name, c)
		}
	}
	// One press brings the wallet back, although all cookies are gone.
	w := s.post("/.paywall/wallet/recover", []string{"code", hidden(t, done.Body.String(), "code")}, cookiesOff)
	wantStatus(t, w, http.StatusSeeOther)
	c := cookieNamed(w, walletCookie)
	if c == nil {
		t.Fatal("no wallet cookie")
	}
	wantText(t, s.get(w.Header().Get("Location"), cookie(paywall.WalletKey(c.Value))), "€4.80", "The last tea shop")
	if after, _, _ := s.store.counts(); after != before+1 { // the recovery's key
		t.Errorf("%d writes", after-before)
	}
}

func TestResetWithoutAWalletWarnsAllTheSame(t *testing.T) {
	s := newSite(t)
	for name, change := range map[string]change{"nothing": cookiesOff, "junk": cookie("junk"), "erased": cookie(paywall.NewWalletKey())} {
		t.Run(name, func(t *testing.T) {
			page := s.get("/.paywall/reset", change)
			wantStatus(t, page, http.StatusOK)
			wantText(t, page, "only its recovery code brings it back")
			done := s.post("/.paywall/reset", nil, cookiesOff, change)
			wantStatus(t, done, http.StatusOK)
			wantText(t, done, "The cookies are removed", `id="recover"`)
		})
	}
}

// TestResetOfTwoWalletsShowsBothCodes: one may have been planted, and only the
// reader knows which holds what is theirs.
func TestResetOfTwoWalletsShowsBothCodes(t *testing.T) {
	s := newSite(t)
	mine, _ := s.opened(5_000_000)
	planted, _ := s.opened(0)
	w := s.post("/.paywall/unlock", []string{"offer", s.offer()}, cookie(mine), cookie(planted))
	wantStatus(t, w, http.StatusBadRequest)
	wantText(t, w, `href="/.paywall/reset"`)
	for _, page := range []*httptest.ResponseRecorder{
		s.get("/.paywall/reset", cookie(mine), cookie(planted)), s.post("/.paywall/reset", nil, cookie(mine), cookie(planted)),
	} {
		wantText(t, page, mine.RecoveryCode(), "holds €5.00", planted.RecoveryCode(), "holds €0.00")
		if strings.Contains(page.Body.String(), `type="hidden" name="code"`) {
			t.Error("one of them is chosen for the reader")
		}
	}
}

// TestResetFindsTheWalletAmongPlantedOnes: in front of it and behind it.
func TestResetFindsTheWalletAmongPlantedOnes(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	planted := func(r *http.Request) {
		for i := range 60 {
			cookie(paywall.WalletKey(strings.Repeat("junk", i)))(r)
			cookie(paywall.NewWalletKey())(r)
		}
	}
	wantText(t, s.get("/.paywall/reset", planted, cookie(key)), key.RecoveryCode(), "holds €5.00")
	wantText(t, s.post("/.paywall/reset", nil, planted, cookie(key), planted), key.RecoveryCode())
}

// TestResetDoesWithoutTheLedger: trouble does not come alone.
func TestResetDoesWithoutTheLedger(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	check := func(t *testing.T) {
		page := s.get("/.paywall/reset", cookie(key))
		wantStatus(t, page, http.StatusOK)
		wantText(t, page, key.RecoveryCode())
		done := s.post("/.paywall/reset", nil, cookie(key))
		wantStatus(t, done, http.StatusOK)
		wantText(t, done, key.RecoveryCode())
		if done.Header().Get("Clear-Site-Data") == "" || strings.Contains(page.Body.String(), "holds") {
			t.Errorf("%v", done.Header())
		}
	}
	s.store.breakWith(paywall.ErrUnavailable)
	t.Run("failing", check)
	s.store.breakWith(nil)
	s.c.Store = func(context.Context) (paywall.Store, error) { return nil, paywall.ErrUnavailable }
	t.Run("not open", check)
}

func TestResetAnswersPrograms(t *testing.T) {
	s := newSite(t)
	w := s.get("/.paywall/reset", asJSON, header("Cookie", "a=b; c=d"))
	wantStatus(t, w, http.StatusOK)
	if w.Body.String() != "{\"cookies\":2,\"bytes\":8}\n" {
		t.Errorf("answer %s", w.Body)
	}
	w = s.call("/.paywall/reset", object{})
	wantStatus(t, w, http.StatusOK)
	if w.Body.String() != "{\"reset\":true}\n" || w.Header().Get("Clear-Site-Data") != `"cookies"` {
		t.Errorf("answer %s, %v", w.Body, w.Header())
	}
	key, _ := s.opened(0)
	w = s.call("/.paywall/reset", object{}, bearer(key))
	if len(w.Result().Cookies()) > 0 || w.Header().Get("Clear-Site-Data") != "" {
		t.Errorf("a program got %v", w.Header())
	}
}

// TestPagesUnderOnePathShareOneCookie: articles named by the query ("/?p=7")
// take one another's place, so that the header does not grow with them.
func TestPagesUnderOnePathShareOneCookie(t *testing.T) {
	s := newSite(t)
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
		jar.SetCookies(at, w.Result().Cookies())
	}
	if cookies := jar.Cookies(at); len(cookies) != 2 {
		t.Errorf("%d cookies", len(cookies))
	}
}
