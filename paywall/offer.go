package paywall

import (
	"sort"
	"time"
)

// OfferTTL is how long an offer is honoured after it was shown.
const OfferTTL = 15 * time.Minute

// AccessTTL is the longest life of an access token. Access bought for longer is
// renewed from the wallet, without a charge and without a page.
const AccessTTL = 24 * time.Hour

// Offer is a quote for one resource. What was shown is what is charged.
type Offer struct {
	ID        string // unique; the natural key of a purchase together with the wallet
	Site      string // origin of the site, "https://news.example"
	Checkout  string // origin of the checkout that may honour it
	Resource  string // canonical path on the site, percent-decoded
	URL       string // path and query to return to, as the site spells it, percent-encoded
	Title     string // of the page, plain text, may be empty
	Words     int    // length of the page, 0 if unknown
	Price     Money
	Cap       Money         // what a wallet pays at most at this site in a UTC month under a cap; zero: no cap
	Access    time.Duration // how long the purchase lasts; 0 = for ever
	Shares    []Share       // parts of the price that belong to creators; the rest is the site's
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Charge is what the offer takes from a wallet that spent so much under a cap at
// this site in this month: the price, or what the cap leaves of it.
func (o *Offer) Charge(spent Money) Money {
	if o.Cap.IsZero() {
		return o.Price
	}
	left := max(o.Cap.Micros-spent.Micros, 0)
	return Money{Micros: min(o.Price.Micros, left), Currency: o.Price.Currency}
}

// Allocate is [Split] of the whole price.
func (o *Offer) Allocate() ([]Leg, error) { return Split(o.Price, o.Site, o.Shares) }

// Split makes legs of an amount, for the creators and the site. Parts are rounded
// by largest remainder to the millionth and always sum to the amount; a leg of
// nothing is left out. Shares must not exceed a whole: [CodeMalformed].
func Split(amount Money, site string, shares []Share) ([]Leg, error) {
	rest := int64(WholePPM)
	parts := make([]part, 0, len(shares)+1)
	for _, s := range shares {
		if s.PPM <= 0 || s.PPM > rest {
			return nil, Errorf(CodeMalformed, "the shares at %s exceed the price", site)
		}
		rest -= s.PPM
		parts = append(parts, newPart(CreatorAccount(s.Creator), amount.Micros, s.PPM))
	}
	parts = append(parts, newPart(SiteAccount(site), amount.Micros, rest))
	left := amount.Micros
	for _, p := range parts {
		left -= p.leg.Micros
	}
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return parts[order[a]].remainder > parts[order[b]].remainder })
	for i := range left {
		parts[order[i]].leg.Micros++
	}
	legs := make([]Leg, 0, len(parts))
	for _, p := range parts {
		if p.leg.Micros != 0 {
			legs = append(legs, p.leg)
		}
	}
	return legs, nil
}

// Divide is [Split] of an amount of which a part is free credit. Creators share in
// the rest alone, unless ofFree is set: whoever is paid from what the publisher
// gives away could go on opening wallets and buying from himself.
func Divide(amount, free Money, site string, shares []Share, ofFree bool) ([]Leg, error) {
	if ofFree || free.IsZero() {
		return Split(amount, site, shares)
	}
	legs, err := Split(Money{Micros: amount.Micros - free.Micros, Currency: amount.Currency}, site, shares)
	if err != nil {
		return nil, err
	}
	account := SiteAccount(site)
	if last := len(legs) - 1; last >= 0 && legs[last].Account == account {
		legs[last].Micros += free.Micros
		return legs, nil
	}
	return append(legs, Leg{Account: account, Micros: free.Micros}), nil
}

type part struct {
	leg       Leg
	remainder int64
}

// newPart rounds price*ppm down. A price is at most 1e12 millionths and ppm at
// most 1e6, so the product stays below 2^63.
func newPart(account string, price, ppm int64) part {
	product := price * ppm
	return part{leg: Leg{Account: account, Micros: product / WholePPM}, remainder: product % WholePPM}
}
