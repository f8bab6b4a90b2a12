package checkout

import (
	"context"
	"net/http"

	"github.com/tuppence/tuppence/paywall"
)

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
	x.expireAccess(&receipt.Unlock)
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
func (x *exchange) final(q *paywall.Quote) string {
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

// undoable takes the time to undo it from a purchase of a wallet that has undone so
// many in this month.
func (x *exchange) undoable(u *paywall.Unlock, undone int) {
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
