package checkout

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// firstQuote is what an offer comes to for someone without a wallet.
func firstQuote(o *paywall.Offer) paywall.Quote {
	nothing := paywall.Money{Currency: o.Price.Currency}
	return paywall.Quote{Charge: o.Charge(nothing), Spent: nothing}
}

// quoted is what an offer comes to for a visitor, who may have no wallet.
func quoted(ctx context.Context, ledger unlocker, who identity, o *paywall.Offer) (paywall.Quote, error) {
	if !who.known() {
		return firstQuote(o), nil
	}
	return ledger.Quote(ctx, who.wallet.ID, *o)
}

// unsellable is why no purchase can come of an offer, whatever its reader does about
// it: its purchase was undone, or it was used for something else. nil otherwise.
func unsellable(q *paywall.Quote) error {
	switch paywall.ErrorCode(q.Refusal) {
	case paywall.CodeOfferExpired, paywall.CodeOfferChanged:
		return q.Refusal
	}
	return nil
}

// shown is what the page said that the purchase would take, nil if it said
// nothing: a program may leave that out, and pays the price at most.
func (x *request) shown(o *paywall.Offer) (*paywall.Money, error) {
	sent := x.fields["shown"]
	if sent == "" {
		return nil, nil
	}
	m, err := paywall.ParseMoney(sent, o.Price.Currency)
	if err == nil && m.Micros < 0 {
		err = paywall.Errorf(paywall.CodeMalformed, "the field shown is below zero")
	}
	return &m, err
}

// unsold answers a purchase that the ledger refused. Where the reader can do
// something about it, that is the purchase page, which says what.
func unsold(ctx context.Context, x *exchange, ledger Ledger, who identity, o *paywall.Offer, raw string, cause error) error {
	code := codeOf(cause)
	switch code {
	case paywall.CodeInsufficientFunds, paywall.CodeOverBudget, paywall.CodeAskFirst, paywall.CodeOfferChanged, paywall.CodeOwing, paywall.CodeWalletClosed:
	default:
		return cause
	}
	wallet, err := ledger.Wallet(ctx, who.hash) // the balance may have changed since
	if err != nil {
		return err
	}
	who.wallet = wallet
	if x.json {
		return poorProblem(x, cause, wallet.Balance, o.Price)
	}
	quote, err := ledger.Quote(ctx, wallet.ID, *o)
	if err != nil {
		return err
	}
	if unsellable(&quote) != nil {
		return cause
	}
	p := purchase{offer: o, raw: raw, who: who, quote: quote}
	switch code {
	case paywall.CodeAskFirst:
		p.alert = "auto.stopped"
	case paywall.CodeOfferChanged: // the month ended between the page and the press
		p.alert = "cap.changed"
	}
	return purchasePage(x, code.HTTPStatus(), p)
}

// poorProblem tells a program what something costs and what there is. One that
// lacks money is told where it comes from.
func poorProblem(x *exchange, cause error, balance, price paywall.Money) error {
	p := newProblem(codeOf(cause), cause)
	p.Price, p.Balance, p.Currency = &price, &balance, price.Currency
	if errors.Is(cause, paywall.ErrInsufficientFunds) || errors.Is(cause, paywall.ErrOwing) {
		p.TopUp = Prefix + "topup"
	}
	return x.writeJSON(p.Status, "application/problem+json", p)
}

// capView is what a purchase page says of the site's monthly cap.
type capView struct {
	Cap   paywall.Money // zero: there is none
	Spent paywall.Money // of it, before this purchase
	Ends  time.Time     // the last day of the month
}

// Capped reports whether the cap takes something off the price.
func (v purchaseView) Capped() bool { return v.Charge.Micros < v.Price.Micros }

// Shown is what the form says back of the page.
func (v purchaseView) Shown() string { return v.Charge.String() }

// showQuote is the purchase page of an offer that nothing was wrong with so far.
func showQuote(ctx context.Context, x *exchange, ledger unlocker, p purchase) error {
	quote, err := quoted(ctx, ledger, p.who, p.offer)
	if err != nil {
		return err
	}
	if err := unsellable(&quote); err != nil {
		return err
	}
	p.quote = quote
	return purchasePage(x, http.StatusOK, p)
}
