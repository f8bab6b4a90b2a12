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
}

// ownPage is the wallet page of someone who has one; alert is the key of a text.
func (x *exchange) ownPage(ctx context.Context, ledger Ledger, status int, who identity, alert string) error {
	v := walletView{Code: who.key.RecoveryCode(), Currency: string(x.c.o.Currency), Free: who.wallet.Free, formsView: formsView{
		layout: x.noticed(x.alerted(x.layout(x.text.T("wallet.title")), alert)),
		Known:  true, Balance: who.wallet.Balance, Vouchers: x.c.o.Vouchers,
	}}
	unlocks, older, err := x.purchases(ctx, ledger, who)
	if err != nil {
		return err
	}
	v.Older = older
	gifts, err := x.gifts(ctx, ledger, who)
	if err != nil {
		return err
	}
	if v.settingsView, err = x.settingsView(ctx, ledger, who.wallet.ID); err != nil {
		return err
	}
	for i := range unlocks {
		x.undoable(&unlocks[i], v.Spent.Undone)
		e := x.entry(&unlocks[i])
		e.Gifts = gifts[e.ID]
		v.Unlocks = append(v.Unlocks, e)
	}
	if v.Tips, err = x.tips(ctx, ledger, who, unlocks); err != nil {
		return err
	}
	if thanks := x.thanks(v.Tips); thanks != "" {
		v.Notice = thanks
	}
	if v.Notice != "" && x.r.URL.Query().Get("notice") == noticeRefunded {
		v.Onward = x.lastUndone(unlocks)
	}
	v.Suggest = x.suggest(unlocks, v.Settings)
	if v.Devices, err = ledger.Devices(ctx, who.wallet.ID, who.hash); err != nil {
		return err
	}
	if v.Passkeys, err = x.passkeys(ctx, ledger, who.wallet.ID); err != nil {
		return err
	}
	v.Full = len(v.Passkeys) >= paywall.MaxPasskeys
	v.Script = page.WalletScript.URL()
	x.takesPasskeys(&v.formsView)
	return x.page(status, "wallet", v)
}

// lastUndone is the way back to what the reader undid a moment ago, "" if there is none.
func (x *exchange) lastUndone(unlocks []paywall.Unlock) string {
	var last paywall.Unlock
	for _, u := range unlocks {
		if u.RefundedAt.After(last.RefundedAt) {
			last = u
		}
	}
	if last.ID == "" || x.now.Sub(last.RefundedAt) > thanksFor {
		return ""
	}
	return x.entry(&last).Link
}

// gifts are the links that a wallet made, by the purchase that they give away.
func (x *exchange) gifts(ctx context.Context, ledger giver, who identity) (map[string][]paywall.GiftState, error) {
	list, err := ledger.Gifts(ctx, who.wallet.ID, maxListed)
	byUnlock := map[string][]paywall.GiftState{}
	for _, g := range list {
		byUnlock[g.Unlock] = append(byUnlock[g.Unlock], g)
	}
	return byUnlock, err
}
