package checkout

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// historian tells a wallet what it bought.
type historian interface {
	Unlocks(ctx context.Context, wallet string, p paywall.Page) (list []paywall.Unlock, next string, err error)
	Bought(ctx context.Context, wallet, unlock string) (paywall.Unlock, error)
	WalletExport(ctx context.Context, wallet string, part func(*paywall.WalletExport) error) error
}

type receiptView struct {
	layout
	Bought     purchaseEntry
	Seller     string // host of the site
	RefundedAt string // date, "" if not refunded
	Tips       []paywall.TipState
}

// showReceipt is a page to print of one of the purchases that the wallet page
// lists. What became of the money is not on it: shares are nobody's business.
func showReceipt(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	u, err := ledger.Bought(ctx, who.wallet.ID, x.r.URL.Query().Get("unlock"))
	if err != nil {
		return err
	}
	tips, err := tipsFor(ctx, ledger, who, &u)
	if err != nil {
		return err
	}
	if x.json {
		e := newReceiptEntry(&u)
		for i := range tips {
			e.Tips = append(e.Tips, newGivenTip(&tips[i]))
		}
		return x.answer(http.StatusOK, e)
	}
	v := receiptView{layout: x.layout(x.text().T("receipt.title")), Bought: newPurchaseEntry(x, &u), Tips: tips}
	if v.Bought.Tip != nil {
		v.Script = page.PressGuard.URL()
	}
	_, v.Seller, _ = strings.Cut(u.Site, "://")
	if v.Switch != nil {
		v.Switch.Unlock = u.ID
	}
	if v.Bought.Refunded {
		v.RefundedAt = x.text().Date(u.RefundedAt)
	}
	return x.page(http.StatusOK, "receipt", v)
}

// tipsFor are the tips that a wallet gave for a purchase, since it was made, among
// its newest.
func tipsFor(ctx context.Context, ledger tipper, who identity, u *paywall.Unlock) ([]paywall.TipState, error) {
	list, err := ledger.Tips(ctx, who.wallet.ID, maxListed)
	return slices.DeleteFunc(list, func(t paywall.TipState) bool {
		return t.Site != u.Site || t.Resource != u.Resource || t.At.Before(u.At)
	}), err
}

// givenTip is a tip as programs see it.
type givenTip struct {
	Site     string        `json:"site"`
	Resource string        `json:"resource,omitempty"`
	Amount   paywall.Money `json:"amount"`
	At       string        `json:"at"`
}

func newGivenTip(t *paywall.TipState) givenTip {
	return givenTip{t.Site, t.Resource, t.Amount, wireTime(t.At)}
}

type receiptEntry struct {
	UnlockID   string           `json:"unlock_id"`
	Site       string           `json:"site"`
	Resource   string           `json:"resource"`
	Title      string           `json:"title"`
	Paid       paywall.Money    `json:"paid"`
	Currency   paywall.Currency `json:"currency"`
	At         string           `json:"at"`
	RefundedAt string           `json:"refunded_at,omitempty"`
	Tips       []givenTip       `json:"tips,omitempty"`
}

func newReceiptEntry(u *paywall.Unlock) receiptEntry {
	shown := unnamed(*u)
	e := receiptEntry{
		UnlockID: u.ID, Site: u.Site, Resource: shown.Resource, Title: shown.Title,
		Paid: u.Paid, Currency: u.Paid.Currency, At: wireTime(u.At),
	}
	if !u.RefundedAt.IsZero() {
		e.RefundedAt = wireTime(u.RefundedAt)
	}
	return e
}
