package checkout

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// barView is what a bar shows.
type barView struct {
	*page.Catalogue
	ID      string
	Paid    paywall.Money
	Auto    bool // without asking
	Left    time.Duration
	Undo    bool // it can be undone
	Form    bool // undo and settings are forms here
	Suggest suggestion
	CSS     string // the style sheet's address
}

// Bar is the HTML of a bar for a page of the site itself, which the reader has
// just bought: what was paid, and a way to undo it. It brings its style sheet
// along and works without. It is ASCII, so that it stands in a page of any
// encoding. For browsers whose forms need a token of our own pages, undo is a link.
func (c *Checkout) Bar(r *http.Request, u *paywall.Unlock) ([]byte, error) {
	x := c.newExchange(nil, r)
	v := barView{
		Catalogue: x.text, ID: u.ID, Paid: u.Paid, Auto: u.Auto, Left: u.RefundableUntil.Sub(x.now),
		Form: !silent(r), CSS: page.BarStyle.URL(),
	}
	v.Undo, v.Suggest = x.barOf(r.Context(), u.Wallet, v.Form)
	html, err := c.o.Look.Part(c.o.Logger, "bar", v)
	if err != nil {
		return nil, fmt.Errorf("writing a bar: %w", err)
	}
	return page.ASCII(html), nil
}

// barOf says whether a wallet can undo one more purchase in this month, and what is
// suggested to it; neither if the ledger does not answer, since a page waits for it.
func (x *exchange) barOf(ctx context.Context, wallet string, form bool) (undo bool, s suggestion) {
	ledger, err := x.ledger(ctx)
	if err != nil {
		return false, s
	}
	settings, spent, err := ledger.Settings(ctx, wallet)
	if err != nil {
		return false, s
	}
	undo = spent.Undone < x.c.o.Refunds
	if !form {
		return undo, s
	}
	unlocks, _, err := ledger.Unlocks(ctx, wallet, paywall.Page{Limit: suggestFrom})
	if err != nil || len(unlocks) < suggestAfter {
		return undo, s
	}
	return undo, x.suggest(unlocks, settings)
}
