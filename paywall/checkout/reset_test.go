package checkout

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

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
	before, _, _ := s.counts()
	page := s.get("/.paywall/reset", cookie(key), planted)
	wantStatus(t, page, http.StatusOK)
	wantText(t, page, "41 cookies", "larger than some servers accept", key.RecoveryCode(), "holds €4.80", "Write down its recovery code first", `action="/.paywall/reset"`)
	if page.Header().Get("Clear-Site-Data") != "" || len(page.Result().Cookies()) > 0 {
		t.Errorf("looking removed cookies: %v", page.Header())
	}
	done := s.post("/.paywall/reset", nil, cookiesOff, cookie(key), planted)
	wantStatus(t, done, http.StatusOK)
	if got := done.Header().Get("Clear-Site-Data"); got != `"cache", "cookies"` {
		t.Errorf("Clear-Site-Data %q", got)
	}
	for name, path := range map[string]string{walletCookie: "/", accessCookie: "/articles/tea", "__Secure-paywall_kept": "/.paywall/", "__Host-paywall_form": "/"} {
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
	if after, _, _ := s.counts(); after != before+1 { // the recovery's key
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

// TestResetFindsTheWalletAmongPlantedOnes: before it and after it.
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
	s.breakWith(paywall.ErrUnavailable)
	t.Run("failing", check)
	s.repair()
	s.c.o.Ledger = func(context.Context) (Ledger, error) { return nil, paywall.ErrUnavailable }
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
	if w.Body.String() != "{\"reset\":true}\n" || w.Header().Get("Clear-Site-Data") != `"cache", "cookies"` {
		t.Errorf("answer %s, %v", w.Body, w.Header())
	}
	key, _ := s.opened(0)
	w = s.call("/.paywall/reset", object{}, bearer(key))
	if len(w.Result().Cookies()) > 0 || w.Header().Get("Clear-Site-Data") != "" {
		t.Errorf("a program got %v", w.Header())
	}
}
