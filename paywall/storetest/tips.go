package storetest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func tip(cents int64) paywall.Tip {
	return paywall.Tip{
		ID: paywall.NewID(), Site: site, Resource: "/articles/a", Amount: euro(cents),
		Shares: []paywall.Share{{Creator: "alice", PPM: 700_000}},
	}
}

// testTips: money moves once, and nothing is owned.
func testTips(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.payer(100), h.payer(100)
	given := tip(30)
	for range 2 { // a double click
		if w, err := h.store.Tip(ctx, a.ID, given); err != nil || w.Balance != euro(70) || w.ID != a.ID {
			t.Errorf("a tip leaves %+v, %v", w, err)
		}
	}
	if accounts := h.accounts(); accounts["creator/alice"] != 210_000 || accounts["site/"+site] != 90_000 {
		t.Errorf("the tip went to %v", accounts)
	}
	_, err := h.store.Owned(ctx, a.keys.Key, site, given.Resource)
	h.wantError(err, paywall.ErrNotFound)
	for name, change := range map[string]func(*paywall.Tip){
		"amount":   func(t *paywall.Tip) { t.Amount = euro(31) },
		"site":     func(t *paywall.Tip) { t.Site = "https://other.example" },
		"resource": func(t *paywall.Tip) { t.Resource = "/articles/b" },
		"shares":   func(t *paywall.Tip) { t.Shares = nil },
	} {
		changed := given
		change(&changed)
		if _, err := h.store.Tip(ctx, a.ID, changed); paywall.ErrorCode(err) != paywall.CodeConflict {
			t.Errorf("the same tip with another %s: %v", name, err)
		}
	}
	if w, err := h.store.Tip(ctx, b.ID, given); err != nil || w.Balance != euro(70) { // its own
		t.Errorf("another wallet's tip of the same id: %+v, %v", w, err)
	}
	_, err = h.store.Tip(ctx, a.ID, tip(71))
	h.wantError(err, paywall.ErrInsufficientFunds)
	_, err = h.store.Tip(ctx, paywall.NewID(), tip(1))
	h.wantError(err, paywall.ErrNoWallet)
	for name, change := range map[string]func(*paywall.Tip){
		"no id": func(t *paywall.Tip) { t.ID = "" }, "a long id": func(t *paywall.Tip) { t.ID = strings.Repeat("x", 65) },
		"nothing": func(t *paywall.Tip) { t.Amount = euro(0) }, "less": func(t *paywall.Tip) { t.Amount = euro(-1) },
		"another currency": func(t *paywall.Tip) { t.Amount.Currency = "USD" }, "no site": func(t *paywall.Tip) { t.Site = "" },
		"invalid UTF-8": func(t *paywall.Tip) { t.Resource = "/\xff" }, "too much": func(t *paywall.Tip) { t.Amount = euro(1_000_000_01) },
		"shares": func(t *paywall.Tip) { t.Shares = []paywall.Share{{Creator: "a", PPM: paywall.WholePPM + 1}} },
	} {
		bad := tip(1)
		change(&bad)
		if _, err := h.store.Tip(ctx, a.ID, bad); paywall.ErrorCode(err) != paywall.CodeMalformed {
			t.Errorf("a tip with %s: %v", name, err)
		}
	}

	// A budget holds for tips, too; those of before it count.
	h.set(a, paywall.Settings{Budget: euro(50), Forget: true})
	_, err = h.store.Tip(ctx, a.ID, tip(21))
	h.wantError(err, paywall.ErrOverBudget)
	last := tip(20)
	for range 2 {
		if w, err := h.store.Tip(ctx, a.ID, last); err != nil || w.Balance != euro(50) {
			t.Errorf("a tip within the budget leaves %+v, %v", w, err)
		}
	}
	_, err = h.unlock(a, h.offer("/articles/a", 1))
	h.wantError(err, paywall.ErrOverBudget)
	if _, spent := h.settings(a); spent.Today != euro(50) || spent.Month != euro(50) {
		t.Errorf("spent is %+v", spent)
	}
	if s, err := h.store.Stats(ctx); err != nil || s.Tips != (paywall.Tally{Count: 3, Amount: euro(80)}) || s.Sales.Count != 0 {
		t.Errorf("the stats are %+v, %v", s, err)
	}
}

// testSharesOfTips: a tip is divided as the purchase was, and listed.
func testSharesOfTips(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.reader(1000), h.reader(100)
	shared := h.offer("/articles/a", 20)
	shared.Shares = []paywall.Share{{Creator: "alice", PPM: 700_000}, {Creator: "bob", PPM: 300_000}}
	bought := h.buy(a, shared).Unlock
	shares, err := h.store.Shares(ctx, a.ID, bought.ID)
	if err != nil || !slices.Equal(shares, shared.Shares) {
		t.Errorf("the shares are %v, %v", shares, err)
	}
	alone := h.buy(a, h.offer("/articles/b", 20)).Unlock
	if shares, err := h.store.Shares(ctx, a.ID, alone.ID); err != nil || len(shares) != 0 {
		t.Errorf("the shares of the site's own are %v, %v", shares, err)
	}
	gift := h.give(a, bought.ID, 1)
	opened, err := h.store.OpenGift(ctx, b.ID, gift)
	h.wantError(err, nil)
	undone := h.buy(a, h.offer("/articles/e", 20)).Unlock
	_, err = h.store.Refund(ctx, a.ID, undone.ID, 0)
	h.wantError(err, nil)
	capped := h.offer("/articles/c", 20)
	capped.Cap = euro(20)
	h.buy(a, capped)
	free := h.offer("/articles/d", 20)
	free.Cap = euro(20)
	nothing := h.buy(a, free).Unlock
	for name, of := range map[string][2]string{
		"another wallet's": {b.ID, bought.ID}, "a gift": {b.ID, opened.Unlock.ID}, "what was free": {a.ID, nothing.ID},
		"what was undone": {a.ID, undone.ID}, "nothing": {a.ID, ""},
	} {
		if _, err := h.store.Shares(ctx, of[0], of[1]); !errors.Is(err, paywall.ErrNotFound) {
			t.Errorf("the shares of %s: %v", name, err)
		}
	}
	_, err = h.store.Shares(ctx, paywall.NewID(), bought.ID)
	h.wantError(err, paywall.ErrNoWallet)

	if list, err := h.store.Tips(ctx, a.ID, 10); err != nil || list == nil || len(list) != 0 {
		t.Errorf("before a tip there are %v, %v", list, err)
	}
	first := paywall.Tip{ID: "1", Site: site, Resource: bought.Resource, Amount: euro(30), Shares: shared.Shares}
	second := tip(10)
	for _, given := range []paywall.Tip{first, second} {
		_, err := h.store.Tip(ctx, a.ID, given)
		h.wantError(err, nil)
		h.clock.sleep(time.Minute)
	}
	want := []paywall.TipState{
		{Site: site, Resource: second.Resource, Amount: euro(10), At: h.clock.now().Add(-time.Minute)},
		{Site: site, Resource: first.Resource, Amount: euro(30), At: h.clock.now().Add(-2 * time.Minute)},
	}
	if list, err := h.store.Tips(ctx, a.ID, 10); err != nil || !slices.Equal(list, want) {
		t.Errorf("the tips are %v, %v", list, err)
	}
	if list, err := h.store.Tips(ctx, b.ID, 10); err != nil || len(list) != 0 {
		t.Errorf("another wallet's tips are %v, %v", list, err)
	}
	_, err = h.store.Tips(ctx, paywall.NewID(), 10)
	h.wantError(err, paywall.ErrNoWallet)
}

// testWalletExport: everything there is of a reader, also what lists leave out.
func testWalletExport(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.reader(100), h.reader(0)
	opened := h.clock.now()
	second, _ := h.third(a)
	bought := h.buy(a, h.offer("/articles/a", 20)).Unlock
	key := h.give(a, bought.ID, 2)
	if _, err := h.store.OpenGift(ctx, b.ID, key); err != nil {
		t.Fatal(err)
	}
	wants := paywall.Settings{Budget: euro(100), Auto: auto(10, 20), Forget: true}
	h.set(a, wants)
	secret := h.buy(a, h.offer("/secret", 20)).Unlock
	if _, err := h.store.Tip(ctx, a.ID, tip(10)); err != nil {
		t.Fatal(err)
	}
	passkey := paywall.Passkey{ID: "AP8", Data: "{}", SetAt: h.clock.now()}
	h.wantError(h.store.SetPasskey(ctx, a.ID, passkey), nil)
	h.wantError(h.store.AddVouchers(ctx, []paywall.Voucher{{Code: code("v"), Amount: euro(5)}}), nil)
	h.clock.sleep(time.Hour)
	if _, err := h.store.Redeem(ctx, a.ID, code("v")); err != nil {
		t.Fatal(err)
	}
	h.wantError(h.store.Drop(ctx, a.ID, paywall.Drop{Except: second.Key}), nil)
	e, err := Export(ctx, h.store, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	bought.Given, bought.Forgotten, secret.Forgotten = true, true, true
	switch {
	case e.ID != a.ID || e.Balance != euro(55) || e.Currency != Currency || !e.OpenedAt.Equal(opened) || e.Settings != wants:
		t.Errorf("the wallet is %+v", e)
	case len(e.Devices) != 1 || e.Devices[0].AddedAt.Equal(opened):
		t.Errorf("the devices are %+v", e.Devices)
	case len(e.Passkeys) != 1 || e.Passkeys[0] != passkey:
		t.Errorf("the passkeys are %+v", e.Passkeys)
	case len(e.Purchases) != 2 || e.Purchases[0] != secret || e.Purchases[1] != bought:
		t.Errorf("the purchases are %+v", e.Purchases)
	case len(e.Gifts) != 1 || e.Gifts[0].Opened != 1 || e.Gifts[0].Unlock != bought.ID || e.Gifts[0].Title+e.Gifts[0].URL+e.Gifts[0].Resource != "":
		t.Errorf("the gifts are %+v", e.Gifts)
	case len(e.Tips) != 1 || e.Tips[0] != paywall.TipState{Site: site, Amount: euro(10), At: passkey.SetAt}:
		t.Errorf("the tips are %+v", e.Tips)
	case len(e.Credits) != 2 || e.Credits[0] != paywall.Credit{Kind: paywall.KindRedeem, Amount: euro(5), At: h.clock.now()},
		e.Credits[1] != paywall.Credit{Kind: paywall.KindOpen, Amount: euro(100), At: opened}:
		t.Errorf("the credits are %+v", e.Credits)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"balance":"0.55"`, `"per_week":"0.20"`, `"resource":"/secret"`, `"unlock_id":"` + bought.ID + `"`, `"kind":"redeem"`} {
		if !contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	empty, err := Export(ctx, h.store, h.reader(0).ID)
	if text, _ := json.Marshal(empty); err != nil || contains(text, "null") {
		t.Errorf("the export of a new wallet is %s, %v", text, err)
	}
	theirs, err := Export(ctx, h.store, b.ID)
	if text, _ := json.Marshal(theirs); err != nil || len(theirs.Purchases) != 1 || contains(text, a.ID) {
		t.Errorf("the export of who opened the gift is %s, %v", text, err)
	}
	if err := h.store.Erase(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	_, err = Export(ctx, h.store, a.ID)
	h.wantError(err, paywall.ErrNoWallet)
}
