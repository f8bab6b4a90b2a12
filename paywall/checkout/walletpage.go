package checkout

import (
	"context"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

type walletView struct {
	formsView
	settingsView
	Currency string
	Free     paywall.Money // of the balance, what the site gave
	Code     string
	Unlocks  []purchaseEntry
	Older    string // where the page with the purchases before these begins, "" if there are none
	Devices  []paywall.Device
	Suggest  suggestion
	Tips     []tipEntry
	Passkeys []passkeyEntry
	Full     bool // no more passkeys
	Others   bool // there are ways to add money beside vouchers
	Moving   []movingEntry
	Owed     paywall.Money
	Closed   bool
	CashOut  bool // money can be taken back
}

// ownPage is the wallet page of someone who has one; alert is the key of a text.
func ownPage(ctx context.Context, x *exchange, ledger Ledger, status int, who identity, alert string) error {
	v := walletView{
		formsView: x.newFormsView(noticed(x, alerted(x, x.layout(x.text().T("wallet.title")), alert)), who),
		Code:      who.key.RecoveryCode(), Currency: string(x.c.o.Currency), Free: who.wallet.Free, Owed: who.wallet.Owed, Closed: who.wallet.Closed,
		Others: len(x.c.choices()) > 0, CashOut: x.c.o.TopUps != nil,
	}
	unlocks, older, err := listPurchases(ctx, x, ledger, who)
	if err != nil {
		return err
	}
	v.Older = older
	gifts, err := giftsByUnlock(ctx, x, ledger, who)
	if err != nil {
		return err
	}
	if v.settingsView, err = newSettingsView(ctx, x, ledger, who.wallet.ID); err != nil {
		return err
	}
	for i := range unlocks {
		limitUndo(x, &unlocks[i], v.Spent.Undone)
		e := newPurchaseEntry(x, &unlocks[i])
		e.Gifts = gifts[e.ID]
		v.Unlocks = append(v.Unlocks, e)
	}
	if v.Tips, err = listTips(ctx, x, ledger, who, unlocks); err != nil {
		return err
	}
	if thanks := thanks(x, v.Tips); thanks != "" {
		v.Notice = thanks
	}
	if v.Notice != "" && x.r.URL.Query().Get("notice") == noticeRefunded {
		v.Onward = lastUndone(x, unlocks)
	}
	v.Suggest = suggest(x, unlocks, v.Settings)
	if v.Devices, err = ledger.Devices(ctx, who.wallet.ID, who.hash); err != nil {
		return err
	}
	if v.Passkeys, err = listPasskeys(ctx, x, ledger, who.wallet.ID); err != nil {
		return err
	}
	if v.Moving, err = listMoving(ctx, x, who.wallet.ID); err != nil {
		return err
	}
	v.Full = len(v.Passkeys) >= paywall.MaxPasskeys
	v.Script = page.WalletScript.URL()
	takePasskeys(x, &v.formsView)
	return x.page(status, "wallet", v)
}

// lastUndone is the way back to what the reader undid a moment ago, "" if there is none.
func lastUndone(x *exchange, unlocks []paywall.Unlock) string {
	var last paywall.Unlock
	for _, u := range unlocks {
		if u.RefundedAt.After(last.RefundedAt) {
			last = u
		}
	}
	if last.ID == "" || x.now.Sub(last.RefundedAt) > thanksFor {
		return ""
	}
	return newPurchaseEntry(x, &last).Link
}

// giftsByUnlock are the links that a wallet made, by the purchase that they give away.
func giftsByUnlock(ctx context.Context, x *exchange, ledger giver, who identity) (map[string][]paywall.GiftState, error) {
	list, err := ledger.Gifts(ctx, who.wallet.ID, maxListed)
	byUnlock := map[string][]paywall.GiftState{}
	for _, g := range list {
		byUnlock[g.Unlock] = append(byUnlock[g.Unlock], g)
	}
	return byUnlock, err
}
