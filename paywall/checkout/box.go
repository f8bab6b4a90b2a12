package checkout

import (
	"bytes"
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
		Catalogue: c.newExchange(nil, r).text,
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
