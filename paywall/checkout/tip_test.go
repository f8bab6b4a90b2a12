package checkout

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func (s *site) tipReceipt() *httptest.ResponseRecorder {
	s.t.Helper()
	key, _ := s.opened(5_000_000)
	id := s.bought(key)
	wantStatus(s.t, s.post("/.paywall/tip", s.tipForm(key, "0.50"), cookie(key)), http.StatusSeeOther)
	return s.get("/.paywall/receipt?unlock="+id, cookie(key))
}

// generous is the wallet page of somebody who gave an article away, and tips.
func (s *site) generous() *httptest.ResponseRecorder {
	s.t.Helper()
	key, _ := s.opened(5_000_000)
	id := s.bought(key)
	s.give(key, id)
	wantStatus(s.t, s.post("/.paywall/gift", []string{"key", string(s.give(key, id))}), http.StatusSeeOther)
	wantStatus(s.t, s.post("/.paywall/tip", s.tipForm(key, "0.50"), cookie(key)), http.StatusSeeOther)
	return s.get("/.paywall/wallet?notice=tipped", cookie(key))
}

// tipForm is the form of the newest purchase, as the wallet page has it.
func (s *site) tipForm(key paywall.WalletKey, amount string) []string {
	s.t.Helper()
	page := s.get("/.paywall/wallet", cookie(key)).Body.String()
	_, form, ok := strings.Cut(page, `action="/.paywall/tip"`)
	if !ok {
		s.t.Fatalf("no tip can be given:\n%s", page)
	}
	return []string{"unlock_id", hidden(s.t, form, "unlock_id"), "tip_id", hidden(s.t, form, "tip_id"), "amount", amount}
}

func (s *site) tipTooMuch() *httptest.ResponseRecorder {
	s.t.Helper()
	key, _ := s.opened(300_000)
	s.bought(key)
	return s.post("/.paywall/tip", s.tipForm(key, "1.00"), cookie(key))
}

// TestATipGoesToWhomThePriceWentTo: the form says how much, the ledger says to whom.
func TestATipGoesToWhomThePriceWentTo(t *testing.T) {
	s := newSite(t)
	key, w := s.paidIn(5_000_000)
	id := s.bought(key, func(o *paywall.Offer) { o.Shares = []paywall.Share{{Creator: "alice", PPM: 700_000}} })
	for _, page := range []string{"/.paywall/wallet", "/.paywall/receipt?unlock=" + id} {
		w := s.get(page, cookie(key))
		wantText(t, w, "Say thanks", "Pay €0.20 as a tip", "Pay €0.50 as a tip", "Pay €1.00 as a tip", "It cannot be undone", `name="amount" value="0.50"`)
	}
	form := s.tipForm(key, "0.50")
	answer := s.post("/.paywall/tip", append(form, "site", "https://evil.test", "resource", "/evil", "shares", "mallory", "creator", "mallory"), cookie(key))
	wantStatus(t, answer, http.StatusSeeOther)
	given, err := s.ledger.Tips(t.Context(), w.ID, 9)
	if want := []paywall.TipState{{Site: testOrigin, Resource: "/articles/tea", Amount: euro(500_000), At: s.now()}}; err != nil || !slices.Equal(given, want) {
		t.Errorf("the tips are %+v, %v", given, err)
	}
	if earned := s.stats().Creators; !slices.Equal(earned, []paywall.CreatorOwed{{Creator: "alice", Amount: euro(490_000)}}) {
		t.Errorf("with the price, it brought %v", earned)
	}
	after := s.get(answer.Header().Get("Location"), cookie(key))
	wantText(t, after, "Thank you: €0.50 given for \u2068The last tea shop\u2069.", "€4.30", "Your tips", "€0.50 on 22 November 2026", "<dd>€0.70</dd>")
	wantText(t, s.get("/.paywall/receipt?unlock="+id, cookie(key)), "Tip on 22 November 2026", "<dd>€0.50</dd>")

	// What the page says is true, and soon over.
	s.advance(thanksFor + time.Second)
	if page := s.get("/.paywall/wallet?notice=tipped", cookie(key)).Body.String(); strings.Contains(page, "Thank you") {
		t.Error("the page thanks for what is long ago")
	}
	other, _ := s.opened(0)
	if page := s.get("/.paywall/wallet?notice=tipped", cookie(other)).Body.String(); strings.Contains(page, "Thank you") {
		t.Error("the page thanks somebody else")
	}
}

// TestThirtyClicksAtOnceAreOneTip; another button of the same page is another tip,
// and so is the same button of the next page.
func TestThirtyClicksAtOnceAreOneTip(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	s.bought(key)
	form := s.tipForm(key, "0.50")
	var group sync.WaitGroup
	for range 30 {
		group.Go(func() {
			if w := s.post("/.paywall/tip", form, cookie(key)); w.Code != http.StatusSeeOther {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	group.Wait()
	if got := s.balance(key); got != "4.30" {
		t.Errorf("thirty clicks left %s", got)
	}
	wantStatus(t, s.post("/.paywall/tip", append(form[:5:5], "0.20"), cookie(key)), http.StatusSeeOther)
	wantStatus(t, s.post("/.paywall/tip", s.tipForm(key, "0.50"), cookie(key)), http.StatusSeeOther)
	if got := s.balance(key); got != "3.60" {
		t.Errorf("two more left %s", got)
	}
}

// TestAFormWithoutAnIDTipsNothing, as a publisher's template may send it: a double
// click would be two tips.
func TestAFormWithoutAnIDTipsNothing(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	id := s.bought(key)
	w := s.post("/.paywall/tip", []string{"unlock_id", id, "amount", "0.50"}, cookie(key))
	if wantStatus(t, w, http.StatusBadRequest); s.stats().Tips.Count > 0 {
		t.Error("a tip was given")
	}
}

// TestATipThatCannotBePaidTakesNothing, and the page says how to go on.
func TestATipThatCannotBePaidTakesNothing(t *testing.T) {
	s := newSite(t)
	key, w := s.opened(500_000)
	s.bought(key)
	page := s.post("/.paywall/tip", s.tipForm(key, "0.50"), cookie(key))
	wantStatus(t, page, http.StatusPaymentRequired)
	wantText(t, page, "There is not enough in your wallet for this tip", `action="/.paywall/topup/voucher"`, "€0.30")
	p := wantProblem(t, s.call("/.paywall/tip", object{"unlock_id": s.tipForm(key, "")[1], "amount": "0.50"}, bearer(key)), http.StatusPaymentRequired, "insufficient-funds")
	if p["price"] != "0.50" || p["balance"] != "0.30" || p["topup"] != "/.paywall/topup" {
		t.Errorf("%v", p)
	}
	s.budget(w, 100_000)
	page = s.post("/.paywall/tip", s.tipForm(key, "0.20"), cookie(key))
	wantStatus(t, page, http.StatusPaymentRequired)
	wantText(t, page, "more than you want to spend in a day")
	if got := s.balance(key); got != "0.30" || s.stats().Tips.Count != 0 {
		t.Errorf("left %s, %d tips", got, s.stats().Tips.Count)
	}
}

func TestProgramsTip(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	id := s.bought(key)
	for range 2 { // the answer was lost
		w := s.call("/.paywall/tip", object{"unlock_id": id, "amount": "0.20", "tip_id": "mine"}, bearer(key))
		wantStatus(t, w, http.StatusOK)
		v := decode(t, w)
		wantMembers(t, v, "tip_id", "unlock_id", "tipped", "currency", "balance")
		if v["tip_id"] != "mine" || v["unlock_id"] != id || v["tipped"] != "0.20" || v["currency"] != "EUR" || v["balance"] != "4.60" {
			t.Errorf("%v", v)
		}
	}
	wantProblem(t, s.call("/.paywall/tip", object{"unlock_id": id, "amount": "0.50", "tip_id": "mine"}, bearer(key)), http.StatusConflict, "conflict")
	wantProblem(t, s.call("/.paywall/tip", object{"unlock_id": id, "amount": "0.20", "tip_id": strings.Repeat("x", 65)}, bearer(key)), http.StatusBadRequest, "malformed")
	receipt := decode(t, s.get("/.paywall/receipt?unlock="+id, asJSON, bearer(key)))
	tips := receipt["tips"].([]any)
	if first := tips[0].(object); len(tips) != 1 || first["amount"] != "0.20" || first["at"] != "2026-11-22T12:00:00Z" || first["resource"] != "/articles/tea" {
		t.Errorf("%v", tips)
	}
	if list := decode(t, s.get("/.paywall/wallet", asJSON, bearer(key)))["tips"].([]any); len(list) != 1 {
		t.Errorf("%v", list)
	}
}

// TestOnlyAPurchaseAndOnlyTheSitesAmountsAreTipped.
func TestOnlyAPurchaseAndOnlyTheSitesAmountsAreTipped(t *testing.T) {
	s := newSite(t)
	key, w := s.opened(5_000_000)
	other, _ := s.opened(5_000_000)
	id := s.bought(key)
	tip := func(unlock, amount string, who paywall.WalletKey) *httptest.ResponseRecorder {
		return s.call("/.paywall/tip", object{"unlock_id": unlock, "amount": amount}, bearer(who))
	}
	for _, amount := range []string{"", "0", "0.30", "-0.20", "0.2000001", "1e0", "100000000000000000000", "€0.20"} {
		p := wantProblem(t, tip(id, amount, key), http.StatusBadRequest, "malformed")
		if !strings.Contains(p["detail"].(string), "0.20, 0.50, 1.00") {
			t.Errorf("%v", p)
		}
	}
	wantProblem(t, s.call("/.paywall/tip", object{"unlock_id": id, "amount": "0.20"}), http.StatusUnauthorized, "no-such-wallet")
	sister := s.boughtBehind(w, elsewhere)
	undone := s.bought(key, resource("/undone"))
	wantStatus(t, s.call("/.paywall/refund", object{"unlock_id": undone}, bearer(key)), http.StatusOK)
	gift := s.call("/.paywall/gift", object{"key": string(s.given("/given"))}, bearer(key))
	wantStatus(t, gift, http.StatusOK)
	for _, unlock := range []string{"", "x", sister, undone, decode(t, gift)["unlock_id"].(string)} {
		wantProblem(t, tip(unlock, "0.20", key), http.StatusNotFound, "not-found")
	}
	wantProblem(t, tip(id, "0.20", other), http.StatusNotFound, "not-found")
	if page := s.get("/.paywall/wallet", cookie(key)).Body.String(); strings.Count(page, `action="/.paywall/tip"`) != 1 {
		t.Errorf("the page offers what is refused:\n%s", page)
	}
	s.c.o.Tips = nil
	wantProblem(t, tip(id, "0.20", key), http.StatusNotFound, "not-found")
	if page := s.get("/.paywall/wallet", cookie(key)).Body.String(); strings.Contains(page, "/.paywall/tip") {
		t.Error("the page offers tips where there are none")
	}
	if s.stats().Tips.Count != 0 {
		t.Errorf("%d tips", s.stats().Tips.Count)
	}
}

// TestTipsOfWhoWantsNothingRememberedNameNoArticle.
func TestTipsOfWhoWantsNothingRememberedNameNoArticle(t *testing.T) {
	s := newSite(t)
	key, _ := s.opened(5_000_000)
	wantStatus(t, s.call("/.paywall/wallet/settings", object{"forget": true}, bearer(key)), http.StatusOK)
	s.bought(key)
	w := s.post("/.paywall/tip", s.tipForm(key, "0.20"), cookie(key))
	wantText(t, s.get(w.Header().Get("Location"), cookie(key)), "Thank you: €0.20 given for \u2068news.example\u2069.")
}
