package checkout

import (
	"net/http"

	"github.com/tuppence/tuppence/paywall"
)

// A small article that the reader let open without being asked is bought by the
// purchase page itself: a script of ours sends its form, as soon as the page is
// really looked at (static/auto.js). GET changes nothing here either, and the
// ledger has the last word.

// opensAlone reports whether the page of an offer sends its form itself. The
// address is then as the gate made it: not one that was asked for again in
// another language, or after a form that came without a cookie.
func opensAlone(x *exchange, p *purchase) bool {
	return x.r.Method == http.MethodGet && p.quote.Auto && len(x.r.URL.Query()) == 1 && x.chosen()
}

// chosen reports whether the reader went here: by a click, an address, or from a
// page of this site. A page of another site could otherwise lead through one
// article after the other, until the week's money is spent. Browsers say so over
// HTTPS, and on the reader's own machine; where they do not, the reader is asked.
func (x *request) chosen() bool {
	h := x.r.Header
	if h.Get("Sec-Fetch-Dest") != "document" {
		return false
	}
	from := h.Get("Sec-Fetch-Site")
	return from == "same-origin" || from == "none" || h.Get("Sec-Fetch-User") == "?1"
}

// unasked reports whether a form says that nobody was asked.
func (x *request) unasked() (bool, error) {
	switch x.fields["auto"] {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, paywall.Errorf(paywall.CodeMalformed, "the field auto is neither true nor false")
}

const (
	suggestAfter = 3  // purchases that were kept
	suggestFrom  = 20 // of the newest ones
	suggestWeek  = 10 // articles
)

// suggestion is what a reader who buys now and then may want to open without
// being asked. Zero: nothing is suggested.
type suggestion struct {
	PerArticle, PerWeek paywall.Money
	Article, Week       string // the same, as the fields of the form hold them
}

// suggest takes the price that was paid most often, the lower one of two: an
// album among articles is no measure. unlocks are the newest first.
func suggest(x *exchange, unlocks []paywall.Unlock, s paywall.Settings) suggestion {
	times, kept := map[int64]int{}, 0
	for i := range unlocks[:min(len(unlocks), suggestFrom)] {
		u := &unlocks[i]
		if u.Paid.Micros > 0 && u.RefundedAt.IsZero() {
			times[u.Paid.Micros]++
			kept++
		}
	}
	if kept < suggestAfter || !s.Auto.PerWeek.IsZero() {
		return suggestion{}
	}
	var price int64
	for micros, n := range times {
		if n > times[price] || n == times[price] && micros < price {
			price = micros
		}
	}
	article := paywall.Money{Micros: price, Currency: x.c.o.Currency}
	week := paywall.Money{Micros: price * suggestWeek, Currency: x.c.o.Currency}
	s.Auto = paywall.Auto{PerArticle: article, PerWeek: week}
	if s.Check(x.c.o.Currency) != nil { // more than can be set
		return suggestion{}
	}
	return suggestion{article, week, x.text().Field(article), x.text().Field(week)}
}
