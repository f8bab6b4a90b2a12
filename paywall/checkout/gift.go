package checkout

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

// giver makes gift links, and opens them.
type giver interface {
	AddGift(ctx context.Context, wallet string, link paywall.Gift) error
	Gift(ctx context.Context, key paywall.Hash) (paywall.GiftState, error)
	OpenGift(ctx context.Context, wallet string, key paywall.Hash) (paywall.Receipt, error)
	Gifts(ctx context.Context, wallet string, limit int) ([]paywall.GiftState, error)
}

// GiftPath is the path of gift links. Whoever has the address of one, with its
// query, reads the article. What is loaded or opened from its page is told our
// origin only (see answerHeaders), so that the address gets neither into the site's
// logs nor to whom its articles link; whoever logs requests should leave it out.
const GiftPath = Prefix + "gift"

func giftLink(key paywall.GiftKey) string { return GiftPath + "?key=" + string(key) }

// readGift finds what a link opens or, beside [paywall.ErrGiftOver], what it opened
// once, and the article's path: an error page leads there then.
func readGift(ctx context.Context, x *exchange, ledger giver, key paywall.Hash) (gift paywall.GiftState, back string, err error) {
	gift, err = ledger.Gift(ctx, key)
	if err != nil && !errors.Is(err, paywall.ErrGiftOver) {
		return gift, "", err
	}
	back, ok := returnPath(gift.URL)
	if !ok || gift.Site != x.origin { // it is not known, or another site's of the same ledger
		return paywall.GiftState{}, "", paywall.ErrGiftOver
	}
	return gift, back, err
}

// takeGiftKey reads a link's key and makes it what the request is about.
func (x *exchange) takeGiftKey(key string) (paywall.Hash, error) {
	hash, ok := paywall.GiftKey(key).Hash()
	if !ok {
		return hash, paywall.ErrGiftOver
	}
	x.about.gift = paywall.GiftKey(key)
	return hash, nil
}

// showGift is the page behind a gift link. It changes nothing, however often the
// preview of a chat or a scanner of mails asks for it.
func showGift(x *exchange) error {
	query, err := parseForm(x.r.URL.RawQuery)
	if err != nil {
		return err
	}
	hash, err := x.takeGiftKey(query["key"])
	if err != nil {
		return err
	}
	return look(func(ctx context.Context, x *exchange, l Ledger) error {
		gift, back, over := readGift(ctx, x, l, hash)
		if over != nil && !errors.Is(over, paywall.ErrGiftOver) {
			return over
		}
		x.about.back = back
		who, err := x.visitor(ctx, l)
		if err != nil {
			return err
		}
		unlock, has, err := owned(ctx, l, who, gift.Site, gift.Resource)
		switch {
		case err != nil:
			return err
		case has && !x.json:
			return deliver(x, &unlock, back)
		case over != nil:
			return over
		case x.json:
			return answerGift(x, &gift, has)
		}
		if err := x.lookedAgain(); err != nil {
			x.about.back = giftLink(x.about.gift) // where to try again
			return err
		}
		return giftPage(x, &gift, who.known())
	})(x)
}

type giftView struct {
	layout
	Key       paywall.GiftKey
	NewWallet paywall.WalletKey
	ExpiresAt time.Time // zero: never
}

func giftPage(x *exchange, gift *paywall.GiftState, known bool) error {
	v := giftView{
		layout: noticed(x, x.layout(titleOf(x, gift.Title))),
		Key:    x.about.gift, NewWallet: drawWalletKey(x, known), ExpiresAt: gift.ExpiresAt,
	}
	v.Script = page.PressGuard.URL()
	return x.page(http.StatusOK, "gift", v)
}

func answerGift(x *exchange, gift *paywall.GiftState, owned bool) error {
	return x.answer(http.StatusOK, struct {
		giftEntry
		AlreadyOwned bool `json:"already_owned"`
	}{newGiftEntry(gift), owned})
}

// giftEntry is a gift as programs see it.
type giftEntry struct {
	UnlockID  string `json:"unlock_id,omitempty"` // for the giver
	Resource  string `json:"resource"`
	URL       string `json:"url"`
	Title     string `json:"title"`
	Readers   int    `json:"readers"` // can open it
	Opened    int    `json:"opened"`  // have opened it
	MadeAt    string `json:"made_at"`
	ExpiresAt string `json:"expires_at,omitempty"`
}

func newGiftEntry(g *paywall.GiftState) giftEntry {
	e := giftEntry{
		UnlockID: g.Unlock, Resource: g.Resource, URL: g.URL, Title: g.Title,
		Readers: g.Readers, Opened: g.Opened, MadeAt: wireTime(g.MadeAt),
	}
	if !g.ExpiresAt.IsZero() {
		e.ExpiresAt = wireTime(g.ExpiresAt)
	}
	return e
}

// openGift opens an article that somebody gave away. A reader who has no wallet
// gets one, with the welcome credit, as with a first purchase: without it, whoever
// came by a gift would have less than whoever came by themselves. It is no way to
// more of it, since the limit of new wallets holds.
func openGift(x *exchange) error {
	hash, err := x.takeGiftKey(x.fields["key"])
	if err != nil {
		return err
	}
	return commit(func(ctx context.Context, x *exchange, l Ledger) error {
		_, back, err := readGift(ctx, x, l, hash)
		x.about.back = back
		if err != nil {
			if back == "" {
				return err
			}
			// Who opened it before still has it. Nobody gets a wallet for one that is over.
			if none := x.returning(ctx, l); errors.Is(none, paywall.ErrNoWallet) {
				return err
			}
		}
		who, err := x.ensureWallet(ctx, l, false)
		if err != nil {
			return err
		}
		receipt, err := l.OpenGift(ctx, who.wallet.ID, hash)
		if err != nil {
			return err
		}
		return handOut(x, &receipt, back)
	})(x)
}

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
		v := giftLinkView{layout: x.layout(x.text().T("giftlink.title")), Bought: newPurchaseEntry(x, &u), Link: link, Readers: readers}
		v.Switch = nil // would lead away from the link
		v.Script = page.WalletScript.URL()
		return x.page(http.StatusOK, "giftlink", v)
	})(x)
}

// giveable reports whether the reader can make a gift link of a purchase here.
func giveable(x *exchange, u *paywall.Unlock) bool {
	return x.c.o.GiftLinks.Limit > 0 && u.Site == x.origin && u.Gift == (paywall.Hash{}) && u.Live(x.now)
}
