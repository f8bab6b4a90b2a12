package checkout

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// joined is a further browser of a wallet.
func (s *site) joined(code string) paywall.WalletKey {
	s.t.Helper()
	w := s.call("/.paywall/wallet/recover", object{"code": code})
	wantStatus(s.t, w, http.StatusOK)
	return paywall.WalletKey(decode(s.t, w)["wallet_key"].(string))
}

func deviceOf(key paywall.WalletKey) string {
	hash, _ := key.Hash()
	return base64.RawURLEncoding.EncodeToString(hash[:9])
}

func (s *site) opens(key paywall.WalletKey) bool {
	return s.get("/.paywall/wallet", asJSON, bearer(key)).Code == http.StatusOK
}

func (s *site) recovers(key paywall.WalletKey) bool {
	return s.call("/.paywall/wallet/recover", object{"code": key.RecoveryCode()}).Code == http.StatusOK
}

func TestOneBrowserIsSignedOutWithItsRecoveryCode(t *testing.T) {
	s := newSite(t)
	mine, _ := s.opened(5_000_000)
	lost, kept := s.joined(mine.RecoveryCode()), s.joined(mine.RecoveryCode())
	page := s.get("/.paywall/wallet", cookie(mine))
	wantText(t, page, "This browser", "since 22 November 2026", `value="`+deviceOf(mine)+`"`, `value="`+deviceOf(lost)+`"`, "Sign out all others")
	if n := strings.Count(page.Body.String(), "This browser</strong>"); n != 1 {
		t.Errorf("%d devices are this one", n)
	}
	w := s.post("/.paywall/wallet/devices", []string{"device", deviceOf(lost)}, cookie(mine))
	wantStatus(t, w, http.StatusSeeOther)
	wantText(t, s.get(w.Header().Get("Location"), cookie(mine)), "can no longer be used there")
	if s.opens(lost) || s.recovers(lost) {
		t.Error("the lost browser still has the wallet, or its code does")
	}
	if !s.opens(kept) || !s.recovers(kept) || !s.opens(mine) || !s.recovers(mine) {
		t.Error("another browser was signed out, too")
	}
	wantProblem(t, s.call("/.paywall/wallet/devices", object{"device": deviceOf(lost)}, bearer(mine)), http.StatusNotFound, "not-found")
}

func TestAllOtherBrowsersAreSignedOut(t *testing.T) {
	s := newSite(t)
	mine, _ := s.opened(5_000_000)
	others := []paywall.WalletKey{s.joined(mine.RecoveryCode()), s.joined(mine.RecoveryCode())}
	wantStatus(t, s.post("/.paywall/wallet/devices", []string{"others", "true"}, cookie(mine)), http.StatusSeeOther)
	for _, key := range others {
		if s.opens(key) || s.recovers(key) {
			t.Error("a browser still has the wallet, or its code does")
		}
	}
	if page := s.get("/.paywall/wallet", cookie(mine)).Body.String(); strings.Contains(page, "Sign out all others") {
		t.Error("the page offers to sign out nobody")
	}
	if !s.opens(mine) || !s.recovers(mine) {
		t.Error("the browser that asked lost the wallet")
	}
}

// TestWrittenCodesOutliveAllSigningOut: the sheet of paper still brings the wallet
// back, if its reader says so.
func TestWrittenCodesOutliveAllSigningOut(t *testing.T) {
	s := newSite(t)
	printed, _ := s.opened(5_000_000)
	mine := s.joined(printed.RecoveryCode())
	wantText(t, s.get("/.paywall/wallet", cookie(mine)), `name="codes" value="false"`, "keep written codes")
	w := s.post("/.paywall/wallet/devices", []string{"others", "true", "codes", "false"}, cookie(mine))
	wantStatus(t, w, http.StatusSeeOther)
	wantText(t, s.get(w.Header().Get("Location"), cookie(mine)), "Recovery codes that you wrote down go on working")
	if s.opens(printed) || !s.recovers(printed) || !s.opens(mine) || !s.recovers(mine) {
		t.Error("a browser still has the wallet, or a code no longer does")
	}
}

// TestN11TheLastWayBackIsNotTakenAway: a browser that signs itself out leaves
// its recovery code, with which the wallet comes back.
func TestN11TheLastWayBackIsNotTakenAway(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	s.bought(key)
	w := s.post("/.paywall/wallet/devices", []string{"device", deviceOf(key)}, cookie(key))
	wantStatus(t, w, http.StatusSeeOther)
	if c := cookieNamed(w, walletCookie); c == nil || c.MaxAge >= 0 {
		t.Errorf("the wallet cookie stays: %v", c)
	}
	if c := cookieNamed(w, accessCookie); c == nil || c.MaxAge >= 0 || w.Header().Get("Clear-Site-Data") != `"cache"` {
		t.Errorf("what was bought stays open: %v", w.Header())
	}
	wantText(t, s.get(w.Header().Get("Location")), "The recovery code brings it back")
	if s.opens(key) || !s.recovers(key) {
		t.Error("the key opens the wallet still, or the code no more")
	}
}

func TestDevicesOfOthersAreNobodysBusiness(t *testing.T) {
	s := newSite(t)
	mine, _ := s.opened(5_000_000)
	theirs, _ := s.opened(5_000_000)
	before, _, _ := s.counts()
	wantProblem(t, s.call("/.paywall/wallet/devices", object{"device": deviceOf(theirs)}, bearer(mine)), http.StatusNotFound, "not-found")
	for name, body := range map[string]object{
		"nothing": {}, "both": {"device": deviceOf(mine), "others": true}, "not the others": {"others": false}, "junk": {"others": "yes"},
	} {
		if w := s.call("/.paywall/wallet/devices", body, bearer(mine)); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if after, _, _ := s.counts(); after != before || !s.opens(theirs) {
		t.Error("somebody was signed out")
	}
}
