package checkout

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// boxView is what a box shows. Many readers are shown the same.
type boxView struct {
	*page.Catalogue
	Words  int
	Price  paywall.Money
	Access time.Duration
	Refund time.Duration
	Form   bool
	CSS    string // the style sheet's address
}

// Minutes it takes to read.
func (v boxView) Minutes() int { return minutesToRead(v.Words) }

// Offer stands for the offer, which is another one each time.
func (boxView) Offer() string { return anyOffer }

const anyOffer = "offer.goes.here"

// Box is the HTML of an offer for a page of the site itself, which has been cut;
// raw is the offer, signed. The price stands on its button. With form that buys
// at once, for a reader who has a wallet; otherwise, and for browsers whose forms
// need a token of our own pages, it leads to the purchase page. It brings its
// style sheet along and works without.
func (c *Checkout) Box(r *http.Request, o *paywall.Offer, raw string, form bool) ([]byte, error) {
	v := boxView{
		Catalogue: c.newExchange(nil, r).text(),
		Words:     o.Words, Price: o.Price, Access: o.Access, Refund: c.o.Refund, Form: form && !silent(r), CSS: c.o.Look.BoxStyle().URL(),
	}
	html, err := c.boxes.get(v, func() ([]byte, error) { return c.o.Look.Part(c.o.Logger, "box", v) })
	if err != nil {
		return nil, fmt.Errorf("writing an offer: %w", err)
	}
	return bytes.ReplaceAll(html, []byte(anyOffer), []byte(url.QueryEscape(raw))), nil // of an offer, it changes nothing
}

// maxBoxes bounds how many are remembered: there is one for each price and
// length. Filling in the template each time costs more than all the rest of the
// answer does (measured: 171 allocations, 5 times the gate's time).
const maxBoxes = 1024

// boxes remembers what was made. The zero value is empty.
type boxes struct {
	mu   sync.Mutex
	made map[boxView][]byte
}

func (b *boxes) get(v boxView, write func() ([]byte, error)) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if html, ok := b.made[v]; ok {
		return html, nil
	}
	html, err := write()
	if err != nil {
		return nil, err
	}
	if b.made == nil || len(b.made) >= maxBoxes {
		b.made = make(map[boxView][]byte)
	}
	b.made[v] = html
	return html, nil
}

// readingSpeed in words per minute, for prose in the reader's language.
const readingSpeed = 220

func minutesToRead(words int) int { return (words + readingSpeed - 1) / readingSpeed }

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
		Catalogue: x.text(), ID: u.ID, Paid: u.Paid, Auto: u.Auto, Left: u.RefundableUntil.Sub(x.now),
		Form: !silent(r), CSS: page.BarStyle.URL(),
	}
	v.Undo, v.Suggest = barOf(r.Context(), x, u.Wallet, v.Form)
	html, err := c.o.Look.Part(c.o.Logger, "bar", v)
	if err != nil {
		return nil, fmt.Errorf("writing a bar: %w", err)
	}
	return page.ASCII(html), nil
}

// barOf says whether a wallet can undo one more purchase in this month, and what is
// suggested to it; neither if the ledger does not answer, since a page waits for it.
func barOf(ctx context.Context, x *exchange, wallet string, form bool) (undo bool, s suggestion) {
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
	return undo, suggest(x, unlocks, settings)
}
