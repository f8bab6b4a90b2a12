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
func (x *exchange) readGift(ctx context.Context, ledger giver, key paywall.Hash) (gift paywall.GiftState, back string, err error) {
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
		gift, back, over := x.readGift(ctx, l, hash)
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
			return x.deliver(&unlock, back)
		case over != nil:
			return over
		case x.json:
			return x.answerGift(&gift, has)
		}
		if err := x.lookedAgain(); err != nil {
			x.about.back = giftLink(x.about.gift) // where to try again
			return err
		}
		return x.giftPage(&gift, who.known())
	})(x)
}

type giftView struct {
	layout
	Key       paywall.GiftKey
	NewWallet paywall.WalletKey
	ExpiresAt time.Time // zero: never
}

func (x *exchange) giftPage(gift *paywall.GiftState, known bool) error {
	v := giftView{
		layout: x.noticed(x.layout(x.titleOf(gift.Title))),
		Key:    x.about.gift, NewWallet: x.newWallet(known), ExpiresAt: gift.ExpiresAt,
	}
	v.Script = page.PressGuard.URL()
	return x.page(http.StatusOK, "gift", v)
}

func (x *exchange) answerGift(gift *paywall.GiftState, owned bool) error {
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
		_, back, err := x.readGift(ctx, l, hash)
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
		return x.handOut(&receipt, back)
	})(x)
}
