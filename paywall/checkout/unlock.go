package checkout

import (
	"context"
	"errors"
	"net/http"

	"github.com/tuppence/tuppence/paywall"
)

// unlocker sells, and takes back.
type unlocker interface {
	Quote(ctx context.Context, wallet string, offer paywall.Offer) (paywall.Quote, error)
	Unlock(ctx context.Context, p paywall.Purchase) (paywall.Receipt, error)
	Owned(ctx context.Context, key paywall.Hash, site, resource string) (paywall.Unlock, error)
	Refund(ctx context.Context, wallet, unlock string, limit int) (paywall.Receipt, error)
}

// buy debits and opens the article. Everything that matters, price and way
// back included, comes from the signed offer.
func buy(x *exchange) error {
	raw := x.fields["offer"]
	offer, err := x.takeOffer(raw)
	if err != nil {
		return err
	}
	return commit(func(ctx context.Context, x *exchange, l Ledger) error {
		who, err := buyer(ctx, x, l, offer)
		switch {
		case errors.Is(err, errNoNewWallet):
			x.redirect(Prefix + "unlock?offer=" + raw)
			return nil
		case errors.Is(err, errPoorStranger):
			return purchasePage(x, http.StatusPaymentRequired, purchase{offer: offer, raw: raw, quote: firstQuote(offer)})
		case err != nil:
			return err
		}
		return completePurchase(ctx, x, l, who, offer, raw)
	})(x)
}

// errPoorStranger: a person without a wallet, whose welcome credit would not
// cover the price. Nothing is written down for them.
var errPoorStranger = errors.New("no wallet, and no credit that would cover the price")

// errNoNewWallet: a person whose wallet is gone, and a form without the key of a
// new one, as the box in an article has it for those who have a cookie. Sent
// twice it would open two, and buy twice.
var errNoNewWallet = errors.New("no wallet, and no key for a new one")

func buyer(ctx context.Context, x *exchange, ledger walletKeeper, o *paywall.Offer) (identity, error) {
	if x.json {
		return x.ensureWallet(ctx, ledger, false)
	}
	who, err := x.identify(ctx, ledger)
	switch {
	case err == nil:
		x.giveWallet(who.key)
		return who, nil
	case !errors.Is(err, paywall.ErrNoWallet):
		return identity{}, err
	case x.fields["new_wallet"] == "" && hasWalletCookie(x.r) && x.keepsCookies():
		return identity{}, errNoNewWallet
	}
	welcome, err := welcomeCredit(ctx, x, ledger)
	if err != nil {
		return identity{}, err
	}
	if welcome.Micros < firstQuote(o).Charge.Micros {
		err = x.returning(ctx, ledger)
	}
	if errors.Is(err, paywall.ErrNoWallet) {
		return identity{}, errPoorStranger
	}
	if err != nil {
		return identity{}, err
	}
	return x.ensureWallet(ctx, ledger, false)
}

// completePurchase makes the purchase and hands out what it opens.
func completePurchase(ctx context.Context, x *exchange, ledger Ledger, who identity, o *paywall.Offer, raw string) error {
	shown, err := x.shown(o)
	if err != nil {
		return err
	}
	auto, err := x.unasked()
	if err != nil {
		return err
	}
	receipt, err := ledger.Unlock(ctx, paywall.Purchase{Wallet: who.wallet.ID, Offer: *o, Refund: x.c.o.Refund, Shown: shown, Auto: auto, FreeShares: x.c.o.FreeShares})
	if err != nil {
		return unsold(ctx, x, ledger, who, o, raw, err)
	}
	receipt.Unlock.Resource = o.Resource // which may have been bought in other letter case
	return handOut(x, &receipt, x.about.back)
}

// handOut opens to the reader what a receipt is for; back is the article's path.
func handOut(x *exchange, receipt *paywall.Receipt, back string) error {
	if !x.json {
		return deliver(x, &receipt.Unlock, back)
	}
	signed, exp, err := issue(x, &receipt.Unlock)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, struct {
		Token        string           `json:"token"`
		TokenType    string           `json:"token_type"`
		UnlockID     string           `json:"unlock_id"`
		Resource     string           `json:"resource"`
		Paid         paywall.Money    `json:"paid"`
		Currency     paywall.Currency `json:"currency"`
		Balance      paywall.Money    `json:"balance"`
		ExpiresAt    string           `json:"expires_at"`
		AlreadyOwned bool             `json:"already_owned"`
	}{
		signed, "Bearer", receipt.Unlock.ID, receipt.Unlock.Resource, receipt.Unlock.Paid,
		receipt.Unlock.Paid.Currency, receipt.Balance, wireTime(exp), receipt.AlreadyOwned,
	})
}

// noticeRefunded asks the wallet page to say so, and to lead back to the article.
const noticeRefunded = "refunded"

// refund undoes a purchase of the reader's own.
func refund(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	id := x.fields["unlock_id"]
	if id == "" {
		return paywall.Errorf(paywall.CodeMalformed, "the field unlock_id is missing")
	}
	receipt, err := ledger.Refund(ctx, who.wallet.ID, id, x.c.o.Refunds)
	if err != nil {
		return err
	}
	expireAccess(x, &receipt.Unlock)
	x.forget(`"cache"`)
	if !x.json {
		x.redirect(Prefix + "wallet?notice=" + noticeRefunded)
		return nil
	}
	return x.answer(http.StatusOK, struct {
		UnlockID string           `json:"unlock_id"`
		Refunded paywall.Money    `json:"refunded"`
		Currency paywall.Currency `json:"currency"`
		Balance  paywall.Money    `json:"balance"`
	}{receipt.Unlock.ID, receipt.Unlock.Paid, receipt.Unlock.Paid.Currency, receipt.Balance})
}

// final is the key of the text that says why a purchase could not be undone, "" if it could.
func final(x *exchange, q *paywall.Quote) string {
	switch {
	case isError(q.Final, paywall.ErrRefundCapped):
		return "cap.final"
	case q.Charge.IsZero():
		return ""
	case x.c.o.Refund == 0:
		return "unlock.final"
	case isError(q.Final, paywall.ErrRefundOnce):
		return "unlock.once"
	case q.Undone >= x.c.o.Refunds:
		return "unlock.spent"
	}
	return ""
}

// limitUndo takes the time to undo it from a purchase of a wallet that has undone so
// many in this month.
func limitUndo(x *exchange, u *paywall.Unlock, undone int) {
	if undone >= x.c.o.Refunds {
		u.RefundableUntil = u.At
	}
}

// forgetPages is loaded by the page after an undo, and has nothing in it. When the
// undo itself is answered, the page that it was pressed on is still there, and
// goes into the browser's memory after all that was told to be forgotten: there
// the article would stand behind the back button. Another site's page cannot
// empty a reader's cache with it.
func forgetPages(x *exchange) error {
	x.answerHeaders()
	if x.r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		x.forget(`"cache"`)
	}
	x.w.Header().Set("Content-Type", "text/css; charset=utf-8")
	x.write(http.StatusOK, nil)
	return nil
}
