package checkout

import (
	"context"

	"github.com/tuppence/tuppence/paywall"
)

type walletView struct {
	formsView
	settingsView
	Currency string
	Code     string
	Unlocks  []purchaseEntry
	Devices  []paywall.Device
}

// ownPage is the wallet page of someone who has one; alert is the key of a text.
func (x *exchange) ownPage(ctx context.Context, store paywall.Store, status int, who identity, alert string) error {
	v := walletView{Code: who.key.RecoveryCode(), Currency: string(x.c.Currency), formsView: formsView{
		layout: x.noticed(x.alerted(x.layout(x.text.T("wallet.title")), alert)),
		Known:  true, Balance: who.wallet.Balance, Vouchers: x.c.Vouchers,
	}}
	unlocks, err := store.Unlocks(ctx, who.wallet.ID, maxUnlocks)
	if err != nil {
		return err
	}
	for i := range unlocks {
		v.Unlocks = append(v.Unlocks, x.entry(&unlocks[i]))
	}
	if v.settingsView, err = x.settingsView(ctx, store, who.wallet.ID); err != nil {
		return err
	}
	if v.Devices, err = store.Devices(ctx, who.wallet.ID, who.hash); err != nil {
		return err
	}
	v.Script = script.URL()
	return x.page(status, "wallet", v)
}
