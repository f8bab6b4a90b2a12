package checkout

import (
	"context"
	"errors"
	"net/http"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// GiftLinks bounds the links with which readers give away what they bought. Links
// that were made keep what they were made with.
type GiftLinks struct {
	Limit   int // that a wallet makes in a UTC month; 0: none are made
	Readers int // how many others open one
}

func (g GiftLinks) check() error {
	if g == (GiftLinks{}) {
		return nil
	}
	if g.Limit < 1 || g.Limit > paywall.MaxGiftReaders || g.Readers < 1 || g.Readers > paywall.MaxGiftReaders {
		return errors.New("gift links need a limit and a number of readers, from 1 to 1000 each")
	}
	return nil
}

type giftLinkView struct {
	layout
	Bought  purchaseEntry
	Link    string
	Readers int
}

// giveAway makes a gift link of a purchase, and shows it. It is nowhere else: the
// ledger has a hash of it. The key may come with the form, so that a double click
// makes one link.
func giveAway(x *exchange) error {
	if x.c.o.GiftLinks.Limit == 0 {
		return paywall.Errorf(paywall.CodeNotFound, "no gift links can be made here")
	}
	key := paywall.GiftKey(x.fields["key"])
	if key == "" {
		key = paywall.NewGiftKey()
	}
	hash, ok := key.Hash()
	if !ok {
		return paywall.Errorf(paywall.CodeMalformed, "the field key is not a gift's key")
	}
	return commitOwn(func(ctx context.Context, x *exchange, ledger Ledger, who identity) error {
		u, err := ledger.Bought(ctx, who.wallet.ID, x.fields["unlock_id"])
		if err != nil {
			return err
		}
		if u.Site != x.origin {
			return paywall.ErrNotFound // its own site says how it may be given away
		}
		readers := x.c.o.GiftLinks.Readers
		gift := paywall.Gift{Key: hash, Unlock: u.ID, Readers: readers, Limit: x.c.o.GiftLinks.Limit}
		if err := ledger.AddGift(ctx, who.wallet.ID, gift); err != nil {
			return err
		}
		link := x.origin + giftLink(key)
		if x.json {
			return x.answer(http.StatusCreated, struct {
				UnlockID string `json:"unlock_id"`
				Link     string `json:"link"`
				Readers  int    `json:"readers"`
			}{u.ID, link, readers})
		}
		v := giftLinkView{layout: x.layout(x.text.T("giftlink.title")), Bought: x.entry(&u), Link: link, Readers: readers}
		v.Switch = nil // would lead away from the link
		v.Script = page.WalletScript.URL()
		return x.page(http.StatusOK, "giftlink", v)
	})(x)
}

// giveable reports whether the reader can make a gift link of a purchase here.
func (x *exchange) giveable(u *paywall.Unlock) bool {
	return x.c.o.GiftLinks.Limit > 0 && u.Site == x.origin && u.Gift == (paywall.Hash{}) && u.Live(x.now)
}
