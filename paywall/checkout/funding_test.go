package checkout

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

// TestATransferSaysAllThatABankHasToKnow, without a script, and as JSON; the picture is
// what banking apps read. What arrives is in the wallet.
func TestATransferSaysAllThatABankHasToKnow(t *testing.T) {
	f := newFunded(t)
	b := f.tab("")
	b.get("/.paywall/topup?offer=" + f.offer())
	wantText(t, b.page, "such as", "The last tea shop", "By bank transfer", "By card", "By voucher", "Get a voucher", shop)
	w := b.press("/.paywall/topup/bank")
	wantStatus(t, w, http.StatusSeeOther)
	path := w.Header().Get("Location")
	w = b.get(path)
	wantText(t, w, "Pay by bank transfer", "Der Faehrmann Verlag GmbH", "DE89370400440532013000", "RF", "€5.00", "code.svg?id=", "as soon as it arrives", "22 December 2026")
	if w.Header().Get("Refresh") != "" {
		t.Error("the page reloads while its reader copies numbers")
	}
	_, id, _ := strings.Cut(path, "id=")
	picture := f.get("/.paywall/topup/code.svg?id=" + id)
	wantStatus(t, picture, http.StatusOK)
	if got := picture.Header().Get("Content-Type"); got != "image/svg+xml" {
		t.Errorf("Content-Type %q", got)
	}
	wantText(t, f.get(path), "Pay by bank transfer", "DE89370400440532013000", "does not have the wallet") // on the reader's phone
	f.arrives(id, 5_000_000)
	wantText(t, f.get(path), "Your payment is here")
	wantStatus(t, b.get(path), http.StatusSeeOther) // to where the article is gone on to
	wantText(t, b.get(b.page.Header().Get("Location")), "Your payment is here", "€5.00", "Go on to the article")
	wantStatus(t, b.press("/.paywall/topup/return"), http.StatusSeeOther)
	if got := b.page.Header().Get("Location"); got != "/articles/tea?ref=front" {
		t.Errorf("the reader is led to %q", got)
	}
	wantStatus(t, f.get("/.paywall/topup/code.svg?id="+id), http.StatusNotFound)

	key, _ := f.opened(0)
	v := decode(t, f.call("/.paywall/topup/bank", object{"amount": "10.00"}, bearer(key)))
	wantMembers(t, v, "intent", "iban", "name", "reference", "amount", "currency", "epc", "expires_at")
	if v["amount"] != "10.00" || v["currency"] != "EUR" || !strings.HasPrefix(v["epc"].(string), "BCD\n") {
		t.Errorf("%v", v)
	}
	v = decode(t, f.get("/.paywall/topup/intent?id="+v["intent"].(string), asJSON))
	wantMembers(t, v, "intent", "state", "amount", "currency", "credited")
	if v["state"] != "offered" || v["amount"] != "10.00" || v["credited"] != "0.00" {
		t.Errorf("%v", v)
	}
}

// TestProgramsAddMoneyByCard: what they are told, and that they bring a wallet of theirs.
func TestProgramsAddMoneyByCard(t *testing.T) {
	f := newFunded(t)
	key, _ := f.opened(0)
	v := decode(t, f.get("/.paywall/topup", asJSON, bearer(key)))
	wantMembers(t, v, "balance", "currency", "ways", "amounts", "buy_voucher")
	if got, _ := json.Marshal(v["amounts"]); string(got) != `{"bank":["5.00","10.00","20.00"],"card":["5.00","10.00","20.00"]}` {
		t.Errorf("amounts %s", got)
	}
	wantProblem(t, f.call("/.paywall/topup/card", object{"amount": "5.00"}), http.StatusUnauthorized, "no-such-wallet")
	for _, amount := range []string{"", "0", "-5", "5.01", "1e9", "0.001", "1000000000000"} {
		wantProblem(t, f.call("/.paywall/topup/card", object{"amount": amount}, bearer(key)), http.StatusBadRequest, "malformed")
	}
	body := object{"amount": "5.00", "topup_id": "mine"}
	v = decode(t, f.call("/.paywall/topup/card", body, bearer(key)))
	wantMembers(t, v, "intent", "url", "expires_at")
	if again := decode(t, f.call("/.paywall/topup/card", body, bearer(key))); again["intent"] != v["intent"] || again["url"] != v["url"] {
		t.Errorf("again %v, first %v", again, v)
	}
	f.pays(strings.TrimPrefix(v["url"].(string), f.origin+"/pay/"), pretend.Pay)
	v = decode(t, f.get("/.paywall/topup/return?intent="+v["intent"].(string), asJSON))
	if v["state"] != "paid" || v["credited"] != "5.00" || f.balance(key) != "5.00" {
		t.Errorf("%v, balance %s", v, f.balance(key))
	}
}

// TestAProviderThatHangsTakesNothing: the page is there within three seconds, and the same
// reader goes on with the same intent.
func TestAProviderThatHangsTakesNothing(t *testing.T) {
	f := newFunded(t)
	b := f.tab("")
	b.get("/.paywall/unlock?offer=" + f.offer())
	form := b.form("/.paywall/topup/card", 0)
	f.bank.Break("POST /v1/checkout/sessions", pretend.Fault{Kind: pretend.Hang})
	began := time.Now()
	w := b.send("/.paywall/topup/card", form)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("answered after %s", took)
	}
	wantStatus(t, w, http.StatusServiceUnavailable)
	wantText(t, w, "This payment is not possible at the moment", "Nothing was taken", "Back to the article", `href="/.paywall/topup?offer=`)
	if w.Header().Get("Retry-After") != "60" {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
	f.bank.Mend()
	wantStatus(t, b.send("/.paywall/topup/card", form), http.StatusSeeOther)
	if n := len(f.intents(b.key())); n != 1 {
		t.Errorf("%d intents", n)
	}
	f.bank.Break("GET /v1/checkout/sessions/{id}", pretend.Fault{Kind: pretend.Hang})
	began = time.Now()
	w = b.comesBack(returnPagePath(f.intents(b.key())[0].ID))
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the page that waits came after %s", took)
	}
	wantText(t, w, "We are waiting for your payment", "does not answer at the moment")
	f.breakWith(paywall.ErrUnavailable) // the ledger's fault reads otherwise
	wantText(t, b.send("/.paywall/topup/card", form), "Purchases are paused")
	f.repair()
}

// TestTooManyTopUpsAreRefusedWithWords: three of a wallet by card; transfers are in no card's way.
func TestTooManyTopUpsAreRefusedWithWords(t *testing.T) {
	f := newFunded(t)
	key, _ := f.opened(0)
	for range 3 {
		wantStatus(t, f.call("/.paywall/topup/bank", object{"amount": "5.00"}, bearer(key)), http.StatusOK)
	}
	for range 3 {
		wantStatus(t, f.call("/.paywall/topup/card", object{"amount": "5.00"}, bearer(key)), http.StatusOK)
	}
	b := f.tab(key)
	b.get("/.paywall/topup")
	w := b.press("/.paywall/topup/card")
	wantStatus(t, w, http.StatusTooManyRequests)
	wantText(t, w, "Several payments are not finished")
	if w.Header().Get("Retry-After") != "1800" {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
	wantProblem(t, f.call("/.paywall/topup/card", object{"amount": "5.00"}, bearer(key)), http.StatusTooManyRequests, "too-many-top-ups")
	var refused int
	for range 12 { // from one network, wallet after wallet
		other, _ := f.opened(0)
		if w := f.call("/.paywall/topup/card", object{"amount": "5.00"}, bearer(other)); w.Code == http.StatusTooManyRequests {
			wantProblem(t, w, http.StatusTooManyRequests, "rate-limited")
			if w.Header().Get("Retry-After") != "360" {
				t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
			}
			refused++
		}
	}
	if refused == 0 {
		t.Error("a network begins as many sessions as it likes")
	}
}

// TestAWalletThatOwesIsToldWhatToDo: 402 with words, and a press that pays the debt and the article.
func TestAWalletThatOwesIsToldWhatToDo(t *testing.T) {
	f := newFunded(t)
	key := f.topped()
	wantStatus(t, f.call("/.paywall/unlock", object{"offer": f.offer(price(4_000_000), resource("/articles/kept"))}, bearer(key)), http.StatusOK)
	f.disputed(key)
	wantProblem(t, f.call("/.paywall/unlock", object{"offer": f.offer()}, bearer(key)), http.StatusPaymentRequired, "owing")
	b := f.tab(key)
	wantText(t, b.get("/.paywall/wallet"), "€4.00 is missing", "What you bought stays open")
	raw := f.offer(price(2_000_000))
	b.get("/.paywall/unlock?offer=" + raw)
	wantText(t, b.page, "€4.00 is missing", "€6.00 more", "€10.00 in, €4.00 for what is missing, €2.00 for this article, €4.00 stay", "Add €10.00 and read")
	w := f.post("/.paywall/unlock", []string{"offer", raw}, b.cookies)
	wantStatus(t, w, http.StatusPaymentRequired)
	wantText(t, w, "€4.00 is missing")
	b.press("/.paywall/topup/card")
	b.comesBack(f.pays(b.session(), pretend.Pay))
	wantStatus(t, b.press("/.paywall/topup/return"), http.StatusSeeOther)
	if got := f.balance(key); got != "4.00" {
		t.Errorf("balance %s", got)
	}
}

// TestTheProviderLearnsNothingOfTheReader: no wallet, path, title or offer in what it is sent.
func TestTheProviderLearnsNothingOfTheReader(t *testing.T) {
	f := newFunded(t)
	b := f.tab("")
	raw := f.offer()
	session := b.begun(raw)
	w := f.walletOf(b.key())
	back := f.pays(session, pretend.Cancel)
	for _, secret := range []string{w.ID, string(b.key()), raw, "articles", "tea"} {
		if strings.Contains(back, secret) {
			t.Errorf("%q comes back from the provider: %s", secret, back)
		}
	}
	if strings.Contains(f.logs.String(), f.intents(b.key())[0].ID) || strings.Contains(f.logs.String(), w.ID) {
		t.Error("the log names the reader's payment or wallet")
	}
}

// TestVouchersAreToldApart, and the typed code stays in its field.
func TestVouchersAreToldApart(t *testing.T) {
	f := newFunded(t)
	b := f.tab("")
	b.get("/.paywall/topup")
	b.jar["__Secure-paywall_kept"] = "1"
	w := b.send("/.paywall/topup/voucher", []string{"code", "WRONG-CODE"})
	if w.Code != http.StatusUnprocessableEntity {
		t.Fatalf("status %d", w.Code)
	}
	wantText(t, w, "not valid", `value="WRONG-CODE"`, "Get a voucher")
	raw := f.offer()
	w = b.send("/.paywall/topup/voucher", []string{"code", "WRONG-CODE", "offer", raw})
	wantText(t, w, `<details open>`, `value="WRONG-CODE"`, "Add €5.00 and read")
	for address, ok := range map[string]bool{"": true, "https://shop.example/x?y=1": true, "/shop": true, "javascript:alert(1)": false, "//evil.test/": false, `/\evil.test`: false, "shop": false, "https://u@shop.example": false, "mailto:x@y.example": false} {
		if err := CheckBuyVoucher(address); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestWithoutWaysNothingIsAsked: no way is configured, and no page or address speaks of one.
func TestWithoutWaysNothingIsAsked(t *testing.T) {
	s := newSite(t)
	key, _ := s.paidIn(1_000_000)
	for _, path := range []string{"/.paywall/topup/intent?id=AAAAAAAAAAAAAAAA", "/.paywall/topup/return?intent=AAAAAAAAAAAAAAAA", "/.paywall/topup/code.svg?id=AAAAAAAAAAAAAAAA", "/.paywall/wallet/cash-out"} {
		wantStatus(t, s.get(path, cookie(key)), http.StatusNotFound)
	}
	for _, path := range []string{"/.paywall/topup/card", "/.paywall/topup/bank", "/.paywall/topup/return", "/.paywall/wallet/cash-out"} {
		wantProblem(t, s.call(path, object{"amount": "5.00"}, bearer(key)), http.StatusNotFound, "not-found")
	}
	if body := s.get("/.paywall/wallet", cookie(key)).Body.String(); strings.Contains(body, "cash-out") || strings.Contains(body, `href="/.paywall/topup"`) {
		t.Error("the wallet page leads to what is not there")
	}
}
