package ledger

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// order is a purchase whose offer was checked.
type order struct {
	*paywall.Purchase
	url, title string        // as they are kept
	legs       []paywall.Leg // at the full price; never changed
}

// newOrder checks that a purchase is one of this ledger's: [paywall.CodeMalformed].
func newOrder(currency paywall.Currency, p *paywall.Purchase) (*order, error) {
	o := &p.Offer
	names := utf8.ValidString(o.ID) && utf8.ValidString(o.Site) && utf8.ValidString(o.Resource)
	names = names && o.ID != "" && o.ID != string(paywall.KindGenesis) && !strings.Contains(o.ID, "/") // it becomes a cause
	amounts := !o.Price.IsZero() && amount(o.Price, currency) && amount(o.Cap, currency) && (p.Shown == nil || amount(*p.Shown, currency))
	if !amounts || !names || o.Access < 0 || p.Refund < 0 {
		return nil, errNotSold
	}
	legs, err := o.Allocate()
	if err != nil {
		return nil, err
	}
	legs = slices.Insert(legs, 0, paywall.Leg{Account: paywall.WalletAccount(p.Wallet), Micros: -o.Price.Micros})
	return &order{p, strings.ToValidUTF8(o.URL, "\uFFFD"), strings.ToValidUTF8(o.Title, "\uFFFD"), legs}, nil
}

// record is the purchase as it is recorded at its full price, with an id of its own.
func (o *order) record(id string) *journal.Record {
	offer := &o.Offer
	r := &journal.Record{
		Wallet: o.Wallet, Unlock: id, Offer: offer.ID, Site: offer.Site, Resource: offer.Resource, URL: o.url, Title: o.title,
		Access: offer.Access, Refund: o.Refund, Price: offer.Price.Micros, Cap: offer.Cap.Micros, Auto: o.Auto,
	}
	r.Kind, r.Legs = paywall.KindUnlock, o.legs
	keep(r)
	return r
}

// reads are the keys of a purchase that do not follow from others. An engine on the spot
// needs no hint.
func (o *order) reads(l *Ledger) Reads {
	if l.info.Lag == 0 {
		return Reads{}
	}
	return walletReads(o.Wallet, state.UnlockKey(o.Offer.ID), state.AccountKey(paywall.SiteAccount(o.Offer.Site)))
}

// keep takes from a purchase's record what is too long to be kept for ever. Of a long
// URL the address of the resource is left, or nothing if that is too long itself: the
// reader is led back by the offer.
func keep(r *journal.Record) {
	if len(r.URL) > paywall.MaxKept {
		if r.URL = state.Bare(r); len(r.URL) > paywall.MaxKept && strings.Contains(r.URL, "?") {
			r.URL = ""
		}
	}
	if len(r.Title) > paywall.MaxKept {
		r.Title = strings.ToValidUTF8(r.Title[:paywall.MaxKept], "")
	}
}

// take makes a record take an amount, which may be nothing, of which a part is free
// credit. Creators share in the rest, or with ofFree in all of it.
func take(r *journal.Record, amount paywall.Money, free int64, shares []paywall.Share, ofFree bool) error {
	if r.Free = free; free > 0 && !ofFree {
		r.Shares = shares // the legs do not tell
	}
	if amount.Micros == r.Paid() && len(r.Shares) == 0 {
		return nil
	}
	if r.Legs = nil; amount.IsZero() {
		return nil
	}
	legs, err := paywall.Divide(amount, paywall.Money{Micros: free, Currency: amount.Currency}, r.Site, shares, ofFree)
	if err != nil {
		return err
	}
	r.Legs = slices.Insert(legs, 0, paywall.Leg{Account: paywall.WalletAccount(r.Wallet), Micros: -amount.Micros})
	return nil
}
