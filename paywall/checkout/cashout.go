package checkout

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// Readers take back what they paid in and did not spend. It goes back the way it came. EU
// law asks for this function, in two steps, with an acknowledgement to keep (Directive
// 2011/83/EU, Art. 11a).

// showCashOut says what could go back, or acknowledges a cash-out that the address names.
func showCashOut(ctx context.Context, x *exchange, _ Ledger, who identity) error {
	if id := x.r.URL.Query().Get("id"); id != "" {
		return acknowledge(ctx, x, who, id)
	}
	offer, err := x.c.o.TopUps.CashOutOffer(ctx, who.wallet.ID)
	if err != nil {
		return err
	}
	if !x.json {
		return cashOutPage(x, http.StatusOK, who, &offer, "")
	}
	made, err := x.c.o.TopUps.CashOuts(ctx, who.wallet.ID)
	if err != nil {
		return err
	}
	return x.answer(http.StatusOK, struct {
		Amount   paywall.Money    `json:"amount"`
		Rest     paywall.Money    `json:"rest"`        // paid credit that cannot go back
		Free     paywall.Money    `json:"free_credit"` // which is never paid out
		Currency paywall.Currency `json:"currency"`
		Parts    []cashOutEntry   `json:"parts"`
		Made     []cashOutEntry   `json:"cash_outs"` // before, newest first
	}{offer.Amount, offer.Rest, who.wallet.Free, x.c.o.Currency, cashOutEntries(offer.Parts), cashOutEntries(made)})
}

// cashOut sends money back. The id comes with the form, so that a double click is one.
func cashOut(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
	id, closes := x.fields["cash_out"], x.fields["closes"] == "true"
	switch {
	case id == "" && !x.json:
		return paywall.Errorf(paywall.CodeMalformed, "the field cash_out is missing")
	case id == "":
		id = paywall.NewID()
	case !isID(id):
		return paywall.Errorf(paywall.CodeMalformed, "the field cash_out has to be 22 characters of base64url")
	}
	if done, err := partsOf(ctx, x, who, id); err != nil || len(done) > 0 {
		return acknowledgeAgain(x, who, id, done, err)
	}
	if shown := x.fields["shown"]; shown != "" {
		offer, err := x.c.o.TopUps.CashOutOffer(ctx, who.wallet.ID)
		if err == nil && offer.Amount.String() != shown {
			return cashOutChanged(x, who, &offer)
		}
		if err != nil {
			return err
		}
	}
	made, err := x.c.o.TopUps.CashOut(ctx, who.wallet.ID, id, closes)
	if err != nil {
		return err
	}
	if who.wallet, err = ledger.Wallet(ctx, who.hash); err != nil {
		return err
	}
	return acknowledgeAgain(x, who, id, made.Parts, nil)
}

// isID reports whether a text has the shape of [paywall.NewID].
func isID(text string) bool {
	_, ok := paywall.GiftKey(text).Hash()
	return ok
}

// acknowledgeAgain answers a cash-out that was made, now or by the same form before.
func acknowledgeAgain(x *exchange, who identity, id string, parts []paywall.CashOutPart, err error) error {
	if err != nil {
		return err
	}
	if !x.json {
		x.redirect(cashOutPath(id))
		return nil
	}
	return x.answer(http.StatusOK, struct {
		ID       string           `json:"cash_out"`
		Amount   paywall.Money    `json:"amount"`
		Currency paywall.Currency `json:"currency"`
		Balance  paywall.Money    `json:"balance"`
		Closed   bool             `json:"closed"`
		Parts    []cashOutEntry   `json:"parts"`
	}{id, sumOf(x, parts), x.c.o.Currency, who.wallet.Balance, who.wallet.Closed, cashOutEntries(parts)})
}

func cashOutPath(id string) string { return Prefix + "wallet/cash-out?id=" + url.QueryEscape(id) }

// partsOf are the parts of one cash-out of a wallet.
func partsOf(ctx context.Context, x *exchange, who identity, id string) (parts []paywall.CashOutPart, err error) {
	all, err := x.c.o.TopUps.CashOuts(ctx, who.wallet.ID)
	for _, p := range all {
		if cashOutOf(&p) == id {
			parts = append(parts, p)
		}
	}
	return parts, err
}

// cashOutOf is the id of the cash-out that a part belongs to.
func cashOutOf(p *paywall.CashOutPart) string {
	if i := strings.LastIndexByte(p.ID, '-'); i >= 0 {
		return p.ID[:i]
	}
	return p.ID
}

func sumOf(x *exchange, parts []paywall.CashOutPart) paywall.Money {
	sum := paywall.Money{Currency: x.c.o.Currency}
	for _, p := range parts {
		sum.Micros += p.Amount.Micros // all of it was in one wallet
	}
	return sum
}

// cashOutEntry is a part of a cash-out as programs see it.
type cashOutEntry struct {
	ID     string               `json:"id,omitempty"`
	Way    string               `json:"way"`
	Amount paywall.Money        `json:"amount"`
	State  paywall.CashOutState `json:"state,omitempty"`
	At     string               `json:"at,omitempty"`
}

func cashOutEntries(parts []paywall.CashOutPart) []cashOutEntry {
	entries := make([]cashOutEntry, 0, len(parts))
	for _, p := range parts {
		e := cashOutEntry{ID: p.ID, Way: kindOf(p.Way), Amount: p.Amount, State: p.State}
		if !p.At.IsZero() {
			e.At = wireTime(p.At)
		}
		if p.ID == "" || p.State == "" { // of an offer
			e.ID, e.State = "", ""
		}
		entries = append(entries, e)
	}
	return entries
}

// payBack is money that goes back one way.
type payBack struct {
	Kind   string // card or bank
	Amount paywall.Money
}

// byWay sums parts up.
func byWay(parts []paywall.CashOutPart) (sums []payBack) {
	for _, kind := range [...]string{byCard, byBank} {
		sum := payBack{Kind: kind}
		for _, p := range parts {
			if kindOf(p.Way) == kind {
				sum.Amount.Micros += p.Amount.Micros
				sum.Amount.Currency = p.Amount.Currency
			}
		}
		if sum.Amount.Micros > 0 {
			sums = append(sums, sum)
		}
	}
	return sums
}

type cashOutView struct {
	layout
	ID     string // of the cash-out to be
	Shown  string // what the page says that goes back, as its form says it back
	Amount paywall.Money
	Ways   []payBack
	Rest   paywall.Money // what the reader put in, and that cannot go back
	Free   paywall.Money
}

func cashOutPage(x *exchange, status int, who identity, offer *paywall.CashOut, alert string) error {
	v := cashOutView{
		layout: alerted(x, x.layout(x.text().T("cashout.title")), alert),
		ID:     paywall.NewID(), Shown: offer.Amount.String(), Amount: offer.Amount, Ways: byWay(offer.Parts), Rest: offer.Rest, Free: who.wallet.Free,
	}
	v.Script = page.PressGuard.URL()
	return x.page(status, "cashout", v)
}

// cashOutChanged is for who pressed after something was bought or paid in, in another tab.
func cashOutChanged(x *exchange, who identity, offer *paywall.CashOut) error {
	if x.json {
		return paywall.Errorf(paywall.CodeConflict, "%s can go back now, which is not the amount in the field shown; nothing was done", offer.Amount)
	}
	return cashOutPage(x, paywall.CodeConflict.HTTPStatus(), who, offer, "cashout.changed")
}

type acknowledgeView struct {
	layout
	ID     string
	Seller string
	At     time.Time
	Amount paywall.Money
	Parts  []movingEntry
	Closed bool   // the wallet is
	Text   string // address of the same as a text file
}

// acknowledge is the receipt of a cash-out, as a page or as a text to keep.
func acknowledge(ctx context.Context, x *exchange, who identity, id string) error {
	parts, err := partsOf(ctx, x, who, id)
	switch {
	case err != nil:
		return err
	case len(parts) == 0:
		return paywall.ErrNoCashOut
	case x.json:
		return acknowledgeAgain(x, who, id, parts, nil)
	}
	v := acknowledgeView{
		layout: x.layout(x.text().T("cashedout.title")), ID: id, Seller: x.siteName(), Amount: sumOf(x, parts),
		Closed: who.wallet.Closed, Text: cashOutPath(id) + "&as=text",
	}
	for i := range parts {
		v.Parts = append(v.Parts, leaving(x, &parts[i]))
		if v.At.IsZero() || parts[i].Asked.Before(v.At) {
			v.At = parts[i].Asked
		}
	}
	v.Script = page.PressGuard.URL()
	if x.r.URL.Query().Get("as") == "text" {
		return writeAcknowledgement(x, &v)
	}
	return x.page(http.StatusOK, "cashedout", v)
}

// writeAcknowledgement hands out a text that stays with the reader.
func writeAcknowledgement(x *exchange, v *acknowledgeView) error {
	var text bytes.Buffer
	line := func(key, value string) { fmt.Fprintf(&text, "%s: %s\n", v.T(key), value) }
	fmt.Fprintf(&text, "%s\n\n%s\n\n", v.Title, v.T("cashedout.lead"))
	line("receipt.seller", v.Seller)
	line("cashedout.at", v.At.UTC().Format("2006-01-02 15:04 UTC"))
	line("cashedout.number", v.ID)
	line("cashout.amount", v.Money(v.Amount))
	for _, p := range v.Parts {
		fmt.Fprintf(&text, "- %s (%s)\n", p.Text, p.State)
	}
	if v.Closed {
		fmt.Fprintf(&text, "\n%s\n", v.T("cashedout.closed"))
	}
	x.answerHeaders()
	h := x.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+v.At.UTC().Format("2006-01-02")+`-withdrawal.txt"`)
	x.write(http.StatusOK, text.Bytes())
	return nil
}

// movingEntry is money on its way into a wallet, or out of it.
type movingEntry struct {
	Text  string // how much, and how
	State string
	At    time.Time
	Link  string
}

func newMovingEntry(x *exchange, way, how string, amount paywall.Money) movingEntry {
	return movingEntry{Text: x.text().T("moving."+how+kindOf(way), "Amount", x.text().Money(amount))}
}

func coming(x *exchange, in *paywall.Intent) movingEntry {
	e := newMovingEntry(x, in.Way, "in_", in.Amount)
	e.State, e.At, e.Link = x.text().T("moving.waits"), in.Begun, intentPath(in.ID)
	if in.State == paywall.IntentPending {
		e.State = x.text().T("moving.pending")
	}
	return e
}

func leaving(x *exchange, p *paywall.CashOutPart) movingEntry {
	e := newMovingEntry(x, p.Way, "out_", p.Amount)
	e.At, e.Link = p.At, cashOutPath(cashOutOf(p))
	switch p.State {
	case paywall.CashOutDone:
		e.State = x.text().T("moving.done")
	case paywall.CashOutFailed, paywall.CashOutCanceled:
		e.State = x.text().T("moving.failed")
	case paywall.CashOutPlanned, paywall.CashOutSent, paywall.CashOutPending:
		e.State = x.text().T("moving.asked")
	}
	return e
}

// listMoving is money on its way: what was begun to be paid in, and what goes back.
func listMoving(ctx context.Context, x *exchange, wallet string) (list []movingEntry, err error) {
	if x.c.o.TopUps == nil {
		return nil, nil
	}
	waiting, err := x.c.o.TopUps.Waiting(ctx, wallet)
	if err != nil {
		return nil, err
	}
	for i := range waiting {
		list = append(list, coming(x, &waiting[i]))
	}
	back, err := x.c.o.TopUps.CashOuts(ctx, wallet)
	for i := range back[:min(len(back), maxMoving)] {
		list = append(list, leaving(x, &back[i]))
	}
	return list, err
}

// maxMoving is how many parts of cash-outs the wallet page lists.
const maxMoving = 20
