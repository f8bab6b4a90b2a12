package command

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"os"
	"strings"
	"time"

	"rsc.io/qr"

	"github.com/tuppence/tuppence/caddymodule/internal/wire"
	"github.com/tuppence/tuppence/paywall"
)

//go:embed cards.html
var cardsText string

var cardsTemplate = template.Must(template.New("cards").Parse(cardsText))

// cards is a page of vouchers to print.
type cards struct {
	file *os.File
	site *url.URL
}

// openCards makes the file, for its owner only; nil without a name.
func openCards(name, site string) (*cards, error) {
	switch {
	case name == "" && site == "":
		return nil, nil
	case name == "":
		return nil, errors.New("write the file for the cards, too: --cards cards.html")
	}
	u, err := url.Parse(site)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the cards lead to a site; write its address, such as --site https://news.example, not %q", site)
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &cards{file, &url.URL{Scheme: u.Scheme, Host: u.Host}}, nil
}

// discard removes the file: no vouchers were made.
func (c *cards) discard() error {
	if c == nil {
		return nil
	}
	return errors.Join(c.file.Close(), os.Remove(c.file.Name()))
}

// card is one voucher on the page.
type card struct {
	Code string
	Path string // of its QR code, in SVG
	Box  int    // of its side, in modules, with a margin of two on each side
}

// write writes the page and brings it to the disk. When it fails, the codes have to be
// shown otherwise.
func (c *cards) write(order wire.VoucherOrder, made wire.Vouchers) error {
	bar := countProgress("drawing cards")
	defer bar.end()
	failed := error(nil)
	draw := func(yield func(card) bool) {
		for i, code := range made.Codes {
			drawn, err := c.draw(code)
			if err != nil {
				failed = err
				return
			}
			if !yield(drawn) {
				return
			}
			bar.set(i+1, len(made.Codes))
		}
	}
	out := bufio.NewWriter(c.file)
	err := cardsTemplate.Execute(out, map[string]any{
		"Amount": amountFor(order.Amount, made.Currency), "Host": c.site.Host, "Expires": lastDay(order.Expires), "Cards": draw,
	})
	return errors.Join(err, failed, out.Flush(), c.file.Sync(), c.file.Close())
}

// draw makes a card of a code. The link has it in its fragment, which no server sees.
func (c *cards) draw(code string) (card, error) {
	link := *c.site
	link.Path, link.Fragment = "/.paywall/topup", code
	drawn, err := qr.Encode(link.String(), qr.M)
	if err != nil {
		return card{}, fmt.Errorf("drawing a QR code: %w", err)
	}
	var path strings.Builder
	for y := range drawn.Size {
		for x := 0; x < drawn.Size; x++ {
			run := 0
			for drawn.Black(x+run, y) { // outside of the code nothing is black
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x, y, run, run)
			}
			x += run
		}
	}
	return card{code, path.String(), drawn.Size + 4}, nil
}

// amountFor is an amount as the card says it.
func amountFor(amount, currency string) string {
	if m, err := paywall.ParsePrice(amount, paywall.Currency(currency)); err == nil {
		amount = m.String()
	}
	return strings.TrimSpace(amount + " " + currency)
}

// lastDay is the last whole day (UTC) on which a voucher can be redeemed; "" without end.
func lastDay(expires time.Time) string {
	if expires.IsZero() {
		return ""
	}
	return expires.UTC().Add(-24 * time.Hour).Format(time.DateOnly)
}
