package checkout

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func (s *site) bought(key paywall.WalletKey, changes ...func(*paywall.Offer)) string {
	s.t.Helper()
	w := s.call("/.paywall/unlock", object{"offer": s.offer(changes...)}, bearer(key))
	wantStatus(s.t, w, http.StatusOK)
	return decode(s.t, w)["unlock_id"].(string)
}

func TestWalletAnswersProgramsInTheAgreedShape(t *testing.T) {
	s := newSite(t)
	w := s.call("/.paywall/wallet", object{})
	wantStatus(t, w, http.StatusCreated)
	v := decode(t, w)
	wantMembers(t, v, "wallet_id", "wallet_key", "recovery_code", "balance", "currency")
	key := paywall.WalletKey(v["wallet_key"].(string))
	if v["balance"] != "0.60" || v["currency"] != "EUR" || v["recovery_code"] != key.RecoveryCode() || len(w.Result().Cookies()) > 0 {
		t.Errorf("answer %v, cookies %v", v, w.Result().Cookies())
	}
	id := s.bought(key)
	w = s.get("/.paywall/wallet", asJSON, bearer(key))
	wantStatus(t, w, http.StatusOK)
	wallet := decode(t, w)
	wantMembers(t, wallet, "wallet_id", "balance", "paid_credit", "free_credit", "currency", "unlocks", "gifts", "tips", "settings", "spending")
	unlocks := wallet["unlocks"].([]any)
	if wallet["wallet_id"] != v["wallet_id"] || wallet["balance"] != "0.40" || len(unlocks) != 1 {
		t.Fatalf("wallet %v", wallet)
	}
	u := unlocks[0].(object)
	wantMembers(t, u, "unlock_id", "resource", "title", "paid", "at", "refundable_until")
	if u["unlock_id"] != id || u["resource"] != "/articles/tea" || u["title"] != "The last tea shop" || u["paid"] != "0.20" ||
		u["at"] != "2026-11-22T12:00:00Z" || u["refundable_until"] != "2026-11-22T12:30:00Z" {
		t.Errorf("unlock %v", u)
	}
}

func TestWalletWithoutPurchasesListsNone(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(0)
	if body := s.get("/.paywall/wallet", asJSON, bearer(key)).Body.String(); !strings.Contains(body, `"unlocks":[]`) {
		t.Errorf("answer %s", body)
	}
}

func TestWalletPageListsPurchasesAndCanUndoThem(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	id := s.bought(key)
	s.advance(2 * time.Minute)
	old := s.bought(key, resource("/articles/käse"), func(o *paywall.Offer) { o.Title = "" })
	w := s.get("/.paywall/wallet", cookie(key))
	wantStatus(t, w, http.StatusOK)
	wantText(t, w, "€4.60", `href="/articles/tea?ref=front"`, "The last tea shop", "€0.20 on 22 November 2026", "28 minutes left to undo",
		`value="`+id+`"`, `value="`+old+`"`, "/articles/käse", key.RecoveryCode(), `action="/.paywall/wallet/recover"`,
		`action="/.paywall/topup/voucher"`, `href="/.paywall/wallet/erase"`)

	w = s.post("/.paywall/refund", []string{"unlock_id", id}, cookie(key))
	wantStatus(t, w, http.StatusSeeOther)
	if c := cookieNamed(w, accessCookie); c == nil || c.MaxAge >= 0 || c.Path != "/articles/tea" || c.Value != "" {
		t.Errorf("access cookie %v", c)
	}
	if cookieNamed(w, walletCookie) != nil {
		t.Error("a refund touched the wallet cookie")
	}
	if got := w.Header().Get("Clear-Site-Data"); got != `"cache"` {
		t.Errorf("Clear-Site-Data %q: the page stays behind the back button", got)
	}
	w = s.get(w.Header().Get("Location"), cookie(key))
	wantStatus(t, w, http.StatusOK)
	wantText(t, w, "€4.80", "Refunded", "the money is back", `role="status"`)
	if strings.Contains(w.Body.String(), `value="`+id+`"`) {
		t.Error("a refunded purchase can be undone again, or given away")
	}
	s.advance(time.Hour)
	if body := s.get("/.paywall/wallet", cookie(key)).Body.String(); strings.Contains(body, "/.paywall/refund") {
		t.Error("undo is offered after its time")
	}
}

func TestRefundAnswersProgramsInTheAgreedShape(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	stranger, _ := s.opened(5_000_000)
	id := s.bought(key)
	for range 2 { // the second is the same receipt
		w := s.call("/.paywall/refund", object{"unlock_id": id}, bearer(key))
		wantStatus(t, w, http.StatusOK)
		v := decode(t, w)
		wantMembers(t, v, "unlock_id", "refunded", "currency", "balance")
		if v["unlock_id"] != id || v["refunded"] != "0.20" || v["currency"] != "EUR" || v["balance"] != "5.00" {
			t.Errorf("answer %v", v)
		}
	}
	if wallet := decode(t, s.get("/.paywall/wallet", asJSON, bearer(key))); len(wallet["unlocks"].([]any)) != 0 {
		t.Errorf("a refunded purchase is listed as owned: %v", wallet)
	}
	wantProblem(t, s.call("/.paywall/refund", object{"unlock_id": id}, bearer(stranger)), http.StatusNotFound, "not-found")
	wantProblem(t, s.call("/.paywall/refund", object{"unlock_id": "nothing"}, bearer(key)), http.StatusNotFound, "not-found")
	wantProblem(t, s.call("/.paywall/refund", object{}, bearer(key)), http.StatusBadRequest, "malformed")
	late := s.bought(key, resource("/articles/late"))
	s.advance(31 * time.Minute)
	wantProblem(t, s.call("/.paywall/refund", object{"unlock_id": late}, bearer(key)), http.StatusConflict, "refund-closed")
	wantText(t, s.post("/.paywall/refund", []string{"unlock_id", late}, cookie(key)), "This purchase can no longer be undone")
}

func TestVisitorWithoutWalletLearnsWhatItIs(t *testing.T) {
	s := newSite(t)
	for _, w := range []change{func(*http.Request) {}, cookie("junk"), cookie(paywall.NewWalletKey())} {
		page := s.get("/.paywall/wallet", w)
		wantStatus(t, page, http.StatusUnauthorized)
		wantText(t, page, "You have no wallet here yet", `action="/.paywall/wallet/recover"`, `action="/.paywall/topup/voucher"`)
	}
}

func TestOpeningAWalletInABrowserKeepsTheOneThere(t *testing.T) {
	s := newSite(t)
	w := s.post("/.paywall/wallet", nil)
	wantStatus(t, w, http.StatusSeeOther)
	c := cookieNamed(w, walletCookie)
	if c == nil || w.Header().Get("Location") != "/.paywall/wallet" {
		t.Fatalf("answer %v", w.Header())
	}
	w = s.post("/.paywall/wallet", nil, cookie(paywall.WalletKey(c.Value)))
	wantStatus(t, w, http.StatusSeeOther)
	if _, _, wallets := s.counts(); wallets != 1 || cookieNamed(w, walletCookie).Value != c.Value {
		t.Errorf("%d wallets, %v", wallets, w.Header())
	}
}

// TestF10RecoveryCodeBringsTheWalletWithANewKey: a key that was planted before is
// not the wallet's afterwards, and opens nothing.
func TestF10RecoveryCodeBringsTheWalletWithANewKey(t *testing.T) {
	s := newSite(t)
	key, wallet := s.opened(5_000_000)
	s.bought(key)
	typed := strings.ToLower(strings.ReplaceAll(key.RecoveryCode(), "-", " "))
	fixed := paywall.NewWalletKey() // planted before
	w := s.post("/.paywall/wallet/recover", []string{"code", typed, "new_wallet", string(fixed)}, cookie(fixed))
	wantStatus(t, w, http.StatusSeeOther)
	c := cookieNamed(w, walletCookie)
	if c == nil || c.Value == string(key) || c.Value == string(fixed) {
		t.Fatalf("cookie %v", c)
	}
	wantProblem(t, s.get("/.paywall/wallet", asJSON, cookie(fixed)), http.StatusUnauthorized, "no-such-wallet")
	page := s.get(w.Header().Get("Location"), cookie(paywall.WalletKey(c.Value)))
	wantText(t, page, "Welcome back", "€4.80", "The last tea shop", paywall.WalletKey(c.Value).RecoveryCode())
	if s.balance(key) != "4.80" {
		t.Error("the first browser lost the wallet")
	}

	w = s.call("/.paywall/wallet/recover", object{"code": key.RecoveryCode()})
	wantStatus(t, w, http.StatusOK)
	v := decode(t, w)
	wantMembers(t, v, "wallet_id", "wallet_key", "recovery_code", "balance", "currency")
	if v["wallet_id"] != wallet.ID || v["wallet_key"] == string(key) || len(w.Result().Cookies()) > 0 {
		t.Errorf("answer %v", v)
	}
}

func TestWrongRecoveryCodeSaysWhatToCheck(t *testing.T) {
	s := newSite(t)
	for _, code := range []string{"", "hello", paywall.NewWalletKey().RecoveryCode(), strings.Repeat("A", 4000)} {
		s.advance(time.Minute) // keep clear of the limit
		w := s.post("/.paywall/wallet/recover", []string{"code", code})
		wantStatus(t, w, http.StatusUnauthorized)
		wantText(t, w, "No wallet has this recovery code", `action="/.paywall/wallet/recover"`)
		if cookieNamed(w, walletCookie) != nil {
			t.Error("a wrong code set a cookie")
		}
		wantProblem(t, s.call("/.paywall/wallet/recover", object{"code": code}), http.StatusUnauthorized, "no-such-wallet")
	}
}

// TestF11ErasedWalletIsForgottenEverywhere: nobody logs out here; whoever wants
// his key to open nothing any more erases the wallet.
func TestF11ErasedWalletIsForgottenEverywhere(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	s.bought(key)
	before, _, _ := s.counts()
	wantText(t, s.get("/.paywall/wallet/erase", cookie(key)), "€4.80 in it will be gone", `action="/.paywall/wallet/erase"`, "Keep my wallet")
	if after, _, _ := s.counts(); after != before {
		t.Fatal("looking at the question erased")
	}
	w := s.post("/.paywall/wallet/erase", nil, cookie(key))
	wantStatus(t, w, http.StatusSeeOther)
	for _, name := range []string{walletCookie, accessCookie} {
		if c := cookieNamed(w, name); c == nil || c.MaxAge >= 0 || c.Value != "" {
			t.Errorf("%s: %v", name, c)
		}
	}
	if got := w.Header().Get("Clear-Site-Data"); got != `"cache"` {
		t.Errorf("Clear-Site-Data %q: the pages stay behind the back button", got)
	}
	wantText(t, s.get(w.Header().Get("Location")), "Your wallet is erased")
	wantProblem(t, s.get("/.paywall/wallet", asJSON, bearer(key)), http.StatusUnauthorized, "no-such-wallet")

	key, _ = s.opened(0)
	w = s.call("/.paywall/wallet/erase", object{}, bearer(key))
	wantStatus(t, w, http.StatusOK)
	if w.Body.String() != "{\"erased\":true}\n" || len(w.Result().Cookies()) > 0 {
		t.Errorf("answer %s, %v", w.Body, w.Header())
	}
}

// TestF14WalletsThatAreNotThereLookTheSame: never there, mistyped, or erased.
func TestF14WalletsThatAreNotThereLookTheSame(t *testing.T) {
	s := newSite(t)
	erased, _ := s.opened(5_000_000)
	wantStatus(t, s.post("/.paywall/wallet/erase", nil, cookie(erased)), http.StatusSeeOther)
	real, _ := s.opened(5_000_000)
	tampered := []byte(real)
	tampered[len(tampered)/2] ^= 1
	before, _, _ := s.counts()
	var first string
	for name, key := range map[string]paywall.WalletKey{
		"erased": erased, "tampered": paywall.WalletKey(tampered), "unknown": paywall.NewWalletKey(), "cut": real[:len(real)-1], "junk": "JUNK",
	} {
		for _, send := range []change{cookie(key), bearer(key)} {
			w := s.get("/.paywall/wallet", asJSON, send)
			wantProblem(t, w, http.StatusUnauthorized, "no-such-wallet")
			if first == "" {
				first = w.Body.String()
			}
			if got := w.Body.String(); got != first || len(w.Result().Cookies()) > 0 {
				t.Errorf("%s: %s, before: %s", name, got, first)
			}
		}
	}
	if after, _, _ := s.counts(); after != before {
		t.Error("looking wrote")
	}
}

func TestEraseOfManyPurchasesKeepsTheHeadSmall(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(50_000_000)
	for range 60 {
		s.bought(key, resource("/articles/"+strings.Repeat("long", 20)+paywall.NewID()))
	}
	w := s.post("/.paywall/wallet/erase", nil, cookie(key))
	if n := len(w.Result().Cookies()); n != maxExpired+2 {
		t.Errorf("%d cookies", n)
	}
}

// TestPrefixLeadsToTheWallet: whoever shortens an address finds the page they look for.
func TestPrefixLeadsToTheWallet(t *testing.T) {
	s := newSite(t)
	for _, changes := range [][]change{nil, {asJSON}} {
		w := s.get("/.paywall/", changes...)
		wantStatus(t, w, http.StatusSeeOther)
		if got := w.Header().Get("Location"); got != "/.paywall/wallet" {
			t.Errorf("it leads to %q", got)
		}
	}
	wantStatus(t, s.post("/.paywall/", nil), http.StatusMethodNotAllowed)
}

// TestUndoneLeadsBackToTheArticle: where the reader came from.
func TestUndoneLeadsBackToTheArticle(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	id := s.bought(key)
	w := s.post("/.paywall/refund", []string{"unlock_id", id}, cookie(key))
	const back = `<a href="/articles/tea?ref=front">Back to the article</a>`
	wantText(t, s.get(w.Header().Get("Location"), cookie(key)), "the money is back", back)
	s.advance(time.Hour)
	if page := s.get("/.paywall/wallet?notice=refunded", cookie(key)).Body.String(); strings.Contains(page, back) {
		t.Error("an address alone makes the page lead somewhere")
	}
}

// TestGiftsAreNotCalledPurchases: nobody paid zero for them.
func TestGiftsAreNotCalledPurchases(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	s.present(key, "/articles/tea")
	wantText(t, s.get("/.paywall/wallet", cookie(key)), "given to you on 22 November 2026")
}
