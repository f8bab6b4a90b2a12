package badgerstore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// Unlock implements [paywall.Store].
func (s *Store) Unlock(ctx context.Context, p paywall.Purchase) (paywall.Receipt, error) {
	o := &p.Offer
	names := utf8.ValidString(o.ID) && utf8.ValidString(o.Site) && utf8.ValidString(o.Resource)
	names = names && o.ID != "" && o.ID != string(paywall.KindGenesis) && !strings.Contains(o.ID, "/") // it becomes a cause
	amounts := o.Price.Micros > 0 && o.Price.Currency == s.o.Currency && s.amount(o.Cap) && (p.Shown == nil || s.amount(*p.Shown))
	if !amounts || !names || o.Access < 0 || p.Refund < 0 {
		return paywall.Receipt{}, errNotSold
	}
	legs, err := o.Allocate()
	if err != nil {
		return paywall.Receipt{}, err
	}
	r := journal.Record{
		Wallet: p.Wallet, Offer: o.ID, Site: o.Site, Resource: o.Resource,
		URL: strings.ToValidUTF8(o.URL, "\uFFFD"), Title: strings.ToValidUTF8(o.Title, "\uFFFD"),
		Access: o.Access, Refund: p.Refund,
	}
	keep(&r)
	r.Kind, r.Price, r.Cap, r.Auto = paywall.KindUnlock, o.Price.Micros, o.Cap.Micros, p.Auto
	r.Legs = slices.Insert(legs, 0, paywall.Leg{Account: paywall.WalletAccount(p.Wallet), Micros: -o.Price.Micros})
	return change(ctx, s, false, func(g *group) (paywall.Receipt, error) { return g.unlockOnce(&r, &p) })
}

func (g *group) unlockOnce(r *journal.Record, p *paywall.Purchase) (paywall.Receipt, error) {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return paywall.Receipt{}, err
	}
	earlier, used, err := g.earlier(r, w.number)
	if err != nil {
		return paywall.Receipt{}, err
	}
	if used {
		return g.again(r, earlier, w, &p.Offer)
	}
	if g.s.o.Now().After(p.Offer.ExpiresAt) {
		return paywall.Receipt{}, errOfferExpired
	}
	live, err := g.live(w.number, r)
	if err != nil {
		return paywall.Receipt{}, err
	}
	if live != nil {
		return paywall.Receipt{Unlock: *live, Balance: g.s.money(w.balance), AlreadyOwned: true}, nil
	}
	if w.forget {
		forget(r)
	}
	if err := g.charge(r, w, p); err != nil {
		return paywall.Receipt{}, err
	}
	if err := g.record(r); err != nil {
		return paywall.Receipt{}, err
	}
	_, w, err = g.walletByID(id)
	return paywall.Receipt{Unlock: unlockOf(r, nil, g.s.o.Currency), Balance: g.s.money(w.balance)}, err
}

// keep takes from a purchase's record what is too long to be kept for ever. Of a
// long URL the address of what was bought is left, or nothing if that is too long
// itself: the reader is led back by the offer.
func keep(r *journal.Record) {
	if len(r.URL) > paywall.MaxKept {
		if r.URL = bare(r); len(r.URL) > paywall.MaxKept && strings.Contains(r.URL, "?") {
			r.URL = ""
		}
	}
	if len(r.Title) > paywall.MaxKept {
		r.Title = strings.ToValidUTF8(r.Title[:paywall.MaxKept], "")
	}
}

// earlier finds the purchase that this wallet made with this offer, and else
// names the one to be made: after its offer, or, when another wallet was first to
// use the same offer, after both.
func (g *group) earlier(r *journal.Record, n number) (u unlock, used bool, err error) {
	r.Unlock = r.Offer
	if u, used, err = g.unlock(r.Unlock); err != nil || !used || u.number == n {
		return u, used, err
	}
	sum := sha256.Sum256([]byte("unlock\x00" + r.Wallet + "\x00" + r.Offer))
	r.Unlock = base64.RawURLEncoding.EncodeToString(sum[:16])
	return g.unlock(r.Unlock)
}

// again answers an offer that this wallet used before.
func (g *group) again(r *journal.Record, u unlock, w wallet, o *paywall.Offer) (paywall.Receipt, error) {
	first, err := g.read(u.bought)
	if err != nil {
		return paywall.Receipt{}, err
	}
	if err := take(r, g.s.money(first.Paid()), first.Free, o.Shares, len(first.Shares) == 0); err != nil {
		return paywall.Receipt{}, err
	}
	if first.Title == "" && first.URL == bare(first) {
		forget(r) // as the wallet may have wanted it then
	}
	kept := *first
	keep(&kept) // an earlier version kept more
	same := first.Site == r.Site && first.Resource == r.Resource && kept.URL == r.URL &&
		kept.Title == r.Title && first.Access == r.Access && slices.Equal(first.Legs, r.Legs) &&
		slices.Equal(first.Shares, r.Shares) && first.Price == r.Price && first.Cap == r.Cap
	switch {
	case !same:
		return paywall.Receipt{}, paywall.ErrOfferChanged
	case !u.refunded.IsZero():
		return paywall.Receipt{}, paywall.ErrOfferSpent
	}
	was := unlockOf(first, nil, g.s.o.Currency)
	return paywall.Receipt{Unlock: was, Balance: g.s.money(w.balance)}, g.undoable(w.number, &was, g.now)
}

// live is the purchase that opens the resource to the wallet now, nil if none.
func (g *group) live(n number, r *journal.Record) (*paywall.Unlock, error) {
	o, err := g.owned(n, r.Site, r.Resource)
	if err != nil || !o.owns() {
		return nil, err
	}
	bought, err := g.read(o.stands)
	if err != nil {
		return nil, err
	}
	u := unlockOf(bought, nil, g.s.o.Currency)
	if !u.Live(g.now) {
		return nil, nil
	}
	return &u, g.undoable(n, &u, g.now)
}
