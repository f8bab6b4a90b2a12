package checkout

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// TestUnspentMoneyGoesBackInTwoSteps, with an acknowledgement that can be kept, once
// however often the form is sent.
func TestUnspentMoneyGoesBackInTwoSteps(t *testing.T) {
	f := newFunded(t)
	key := f.topped()
	b := f.tab(key)
	wantStatus(t, f.call("/.paywall/unlock", object{"offer": f.offer()}, bearer(key)), http.StatusOK)
	wantStatus(t, f.call("/.paywall/topup/voucher", object{"code": f.voucher(1_000_000)}, bearer(key)), http.StatusOK)
	wantText(t, b.get("/.paywall/wallet"), `href="/.paywall/wallet/cash-out"`, "Withdraw from the contract")
	w := b.get("/.paywall/wallet/cash-out")
	wantText(t, w, "€5.00 to the card", "€0.80 stays in your wallet", "Confirm withdrawal: send €5.00 back", "Close this wallet, too")
	if f.balance(key) != "5.80" {
		t.Fatal("looking takes money")
	}
	form := b.form("/.paywall/wallet/cash-out", 0)
	for range 3 {
		w = b.send("/.paywall/wallet/cash-out", form)
		wantStatus(t, w, http.StatusSeeOther)
	}
	if f.balance(key) != "0.80" {
		t.Errorf("balance %s", f.balance(key))
	}
	at := w.Header().Get("Location")
	w = b.get(at)
	wantText(t, w, "Your withdrawal is received", "€5.00 back to your card", "on its way to you", "22 November 2026", "as=text")
	w = b.get(at + "&as=text")
	wantStatus(t, w, http.StatusOK)
	if w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("headers %v", w.Header())
	}
	wantText(t, w, "Your withdrawal is received", "Received on: 2026-11-22 12:00 UTC", "€5.00", "news.example")
	wantText(t, b.get("/.paywall/wallet"), "Money on its way", "€5.00 back to your card")
	wantStatus(t, f.call("/.paywall/topup/bank", object{"amount": "5.00"}, bearer(key)), http.StatusOK)
	export := decode(t, b.get("/.paywall/wallet/export"))
	if in, out := export["top_ups"].([]any), export["cash_outs"].([]any); len(in) != 1 || len(out) != 1 || out[0].(object)["amount"] != "5.00" || in[0].(object)["way"] != "bank" {
		t.Errorf("the export has %v and %v", in, out)
	}
	other, _ := f.opened(0)
	wantStatus(t, f.tab(other).get(at), http.StatusNotFound)
	wantText(t, b.get("/.paywall/wallet/cash-out"), "Nothing in this wallet can be sent back", "€0.80 stays")
	wantStatus(t, b.send("/.paywall/wallet/cash-out", []string{"cash_out", paywall.NewID()}), http.StatusConflict)
}

// TestAnotherAmountThanShownIsNotSentBack: something was bought in another tab.
func TestAnotherAmountThanShownIsNotSentBack(t *testing.T) {
	f := newFunded(t)
	key := f.topped()
	b := f.tab(key)
	b.get("/.paywall/wallet/cash-out")
	form := b.form("/.paywall/wallet/cash-out", 0)
	f.call("/.paywall/unlock", object{"offer": f.offer()}, bearer(key))
	w := b.send("/.paywall/wallet/cash-out", form)
	wantStatus(t, w, http.StatusConflict)
	wantText(t, w, "so nothing was done", "send €4.80 back")
	if f.balance(key) != "4.80" {
		t.Errorf("balance %s", f.balance(key))
	}
	wantProblem(t, f.call("/.paywall/wallet/cash-out", object{"shown": "5.00"}, bearer(key)), http.StatusConflict, "conflict")
}

// TestAClosedWalletReadsAndBuysNothing, and says what to do.
func TestAClosedWalletReadsAndBuysNothing(t *testing.T) {
	f := newFunded(t)
	key := f.topped()
	f.call("/.paywall/unlock", object{"offer": f.offer()}, bearer(key))
	b := f.tab(key)
	b.get("/.paywall/wallet/cash-out")
	w := b.send("/.paywall/wallet/cash-out", append(b.form("/.paywall/wallet/cash-out", 0), "closes", "true"))
	wantText(t, b.get(w.Header().Get("Location")), "The wallet is closed")
	wantText(t, b.get("/.paywall/wallet"), "This wallet is closed")
	wantText(t, b.get("/.paywall/topup"), "This wallet is closed")
	wantStatus(t, b.get("/.paywall/unlock?offer="+f.offer()), http.StatusSeeOther) // it is theirs
	raw := f.offer(resource("/articles/other"))
	wantText(t, b.get("/.paywall/unlock?offer="+raw), "This wallet is closed")
	w = b.send("/.paywall/unlock", []string{"offer", raw})
	wantStatus(t, w, http.StatusConflict)
	wantText(t, w, "This wallet is closed", "sign this browser out")
	w = b.send("/.paywall/topup/card", []string{"amount", "5.00", "topup_id", "x"})
	wantStatus(t, w, http.StatusConflict)
	wantText(t, w, "This wallet is closed")
	wantProblem(t, f.call("/.paywall/topup/voucher", object{"code": f.voucher(1_000_000)}, bearer(key)), http.StatusConflict, "wallet-closed")
}

// TestProgramsTakeMoneyBack: what could go, what went.
func TestProgramsTakeMoneyBack(t *testing.T) {
	f := newFunded(t)
	key := f.topped()
	v := decode(t, f.get("/.paywall/wallet/cash-out", asJSON, bearer(key)))
	wantMembers(t, v, "amount", "rest", "free_credit", "currency", "parts", "cash_outs")
	if v["amount"] != "5.00" || v["rest"] != "0.00" || len(v["parts"].([]any)) != 1 || len(v["cash_outs"].([]any)) != 0 {
		t.Errorf("%v", v)
	}
	v = decode(t, f.call("/.paywall/wallet/cash-out", object{"shown": "5.00"}, bearer(key)))
	wantMembers(t, v, "cash_out", "amount", "currency", "balance", "closed", "parts")
	part := v["parts"].([]any)[0].(object)
	wantMembers(t, part, "id", "way", "amount", "state", "at")
	if v["amount"] != "5.00" || v["balance"] != "0.00" || v["closed"] != false || part["way"] != "card" {
		t.Errorf("%v", v)
	}
	wantProblem(t, f.call("/.paywall/wallet/cash-out", object{}, bearer(key)), http.StatusConflict, "conflict")
	wantProblem(t, f.call("/.paywall/wallet/cash-out", object{"cash_out": "a/b"}, bearer(key)), http.StatusBadRequest, "malformed")
}
