package checkout

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
)

var barTemplate = template.Must(parseTemplates("bar", []string{"bar.html"}, nil))

// barView is what a bar shows.
type barView struct {
	*catalogue
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
		catalogue: x.text, ID: u.ID, Paid: u.Paid, Auto: u.Auto, Left: u.RefundableUntil.Sub(x.now),
		Form: !silent(r), CSS: barStyle.URL(),
	}
	v.Undo, v.Suggest = x.barOf(r.Context(), u.Wallet, v.Form)
	html, err := c.part(c.Look.barHTML, barTemplate, v)
	if err != nil {
		return nil, fmt.Errorf("writing a bar: %w", err)
	}
	return asciiHTML(html), nil
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
	undo = spent.Undone < x.c.Refunds
	if !form {
		return undo, s
	}
	unlocks, _, err := ledger.Unlocks(ctx, wallet, paywall.Page{Limit: suggestFrom})
	if err != nil || len(unlocks) < suggestAfter {
		return undo, s
	}
	return undo, x.suggest(unlocks, settings)
}

// asciiHTML writes the characters beyond ASCII as references to them.
func asciiHTML(html []byte) []byte {
	ascii := make([]byte, 0, len(html)+len(html)/2)
	for len(html) > 0 {
		r, size := utf8.DecodeRune(html)
		if html = html[size:]; r < utf8.RuneSelf {
			ascii = append(ascii, byte(r))
			continue
		}
		ascii = strconv.AppendInt(append(ascii, "&#"...), int64(r), 10)
		ascii = append(ascii, ';')
	}
	return ascii
}
