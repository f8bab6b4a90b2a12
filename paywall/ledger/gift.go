package ledger

import (
	"context"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// giftDetails is a gift with what it gives.
type giftDetails struct {
	state  state.Gift
	made   *journal.Record
	bought *journal.Record
	giver  state.Unlock
	unlock paywall.Unlock // of the giver
}

// giftDetails finds a gift by its key. Of a giver who was erased: [paywall.ErrGiftOver].
func (v *view) giftDetails(key paywall.Hash) (g giftDetails, err error) {
	value, err := v.Get(state.GiftKey(key))
	if err != nil {
		return g, err
	}
	if value == nil {
		return g, paywall.ErrGiftOver
	}
	if g.state, err = state.DecodeGift(value); err != nil {
		return g, err
	}
	if g.made, err = v.Record(g.state.Made); err != nil {
		return g, err
	}
	if _, _, err = v.wallet(g.made.Wallet); paywall.ErrorCode(err) == paywall.CodeNoWallet {
		err = paywall.ErrGiftOver
	}
	if err != nil {
		return g, err
	}
	if g.giver, _, err = v.unlock(g.made.Unlock); err != nil {
		return g, err
	}
	if g.bought, err = v.Record(g.giver.Bought); err != nil {
		return g, err
	}
	g.unlock = v.unlockOf(g.bought, nil)
	return g, nil
}

// opens reports whether the gift opens its resource to one more reader.
func (g *giftDetails) opens(v *view) bool {
	return g.giver.Refunded.IsZero() && g.unlock.Live(v.now) && g.state.Opened < g.made.Readers
}

func (g *giftDetails) public() paywall.GiftState {
	return paywall.GiftState{
		Site: g.unlock.Site, Resource: g.unlock.Resource, URL: state.Bare(g.bought), Title: g.unlock.Title,
		Readers: g.made.Readers, Opened: g.state.Opened, MadeAt: g.made.Time, ExpiresAt: g.unlock.ExpiresAt,
	}
}

// AddGift makes a gift link of a purchase that opens its resource to the wallet now and
// was no gift itself: else [paywall.ErrNotFound]. Key: the gift's key; with other
// content: [paywall.ErrConflict]. Above the limit: [paywall.ErrTooManyGifts].
// [paywall.ErrNoWallet].
func (l *Ledger) AddGift(ctx context.Context, wallet string, link paywall.Gift) error {
	if link.Readers < 1 || link.Readers > paywall.MaxGiftReaders || link.Limit < 0 || link.Limit > paywall.MaxGiftReaders {
		return paywall.Errorf(paywall.CodeMalformed, "a gift is for 1 to %d readers", paywall.MaxGiftReaders)
	}
	reads := walletReads(wallet, state.GiftKey(link.Key), state.UnlockKey(link.Unlock))
	return act(ctx, l, reads, func(v *view) (*journal.Record, error) { return decideGift(v, wallet, link) })
}

func decideGift(v *view, wallet string, link paywall.Gift) (*journal.Record, error) {
	_, w, err := v.wallet(wallet)
	if err != nil {
		return nil, err
	}
	r := &journal.Record{Wallet: wallet, Gift: link.Key, Unlock: link.Unlock, Readers: link.Readers, Limit: link.Limit}
	r.Kind = paywall.KindGift
	value, err := v.Get(state.GiftKey(link.Key))
	if err != nil {
		return nil, err
	}
	if value != nil {
		return nil, sameGift(v, value, r)
	}
	return r, mayGive(v, w.Number, link)
}

// sameGift refuses another gift than the one that was made with its key before.
func sameGift(v *view, value []byte, r *journal.Record) error {
	g, err := state.DecodeGift(value)
	if err != nil {
		return err
	}
	first, err := v.Record(g.Made)
	if err == nil && (first.Wallet != r.Wallet || first.Unlock != r.Unlock || first.Readers != r.Readers) {
		err = paywall.ErrConflict
	}
	return err
}

// mayGive refuses a resource that the wallet does not own or was given itself, and
// more links than it may make.
func mayGive(v *view, n state.Number, link paywall.Gift) error {
	u, err := v.bought(n, link.Unlock)
	if err != nil {
		return err
	}
	if !u.Refunded.IsZero() {
		return paywall.ErrNotFound
	}
	bought, err := v.Record(u.Bought)
	if err != nil {
		return err
	}
	if own := v.unlockOf(bought, nil); !own.Live(v.now) || own.Gift != (paywall.Hash{}) {
		return paywall.ErrNotFound
	}
	made, err := v.counted(state.GiftsKey(n), month(v.now))
	if err == nil && link.Limit > 0 && made >= int64(link.Limit) {
		err = paywall.Errorf(paywall.CodeTooManyGifts,
			"%d gift links were made this month; the next can be from %s on", made, paywall.NextMonth(v.now).Format("2 January"))
	}
	return err
}

// OpenGift gives a wallet an unlock of what the gift's giver owns, for as long as the
// giver does. It stays when the giver is erased. Key: the gift and the wallet; the same
// call again answers the first receipt. A wallet that owns the resource is told so and
// uses nothing up. [paywall.ErrGiftOver], [paywall.ErrNoWallet].
func (l *Ledger) OpenGift(ctx context.Context, wallet string, key paywall.Hash) (paywall.Receipt, error) {
	id := paywall.NewID()
	return change(ctx, l, walletReads(wallet, state.GiftKey(key)), func(v *view) (*journal.Record, paywall.Receipt, error) {
		return decideOpenGift(v, wallet, key, id)
	})
}

// decideOpenGift decides about opening a gift; id is the new unlock's.
func decideOpenGift(v *view, wallet string, key paywall.Hash, id string) (_ *journal.Record, receipt paywall.Receipt, err error) {
	_, w, err := v.wallet(wallet)
	if err != nil {
		return nil, receipt, err
	}
	g, err := v.giftDetails(key)
	if err != nil {
		return nil, receipt, err
	}
	r := &journal.Record{
		Wallet: wallet, Unlock: id, Gift: key, Site: g.bought.Site,
		Resource: g.bought.Resource, URL: state.Bare(g.bought), Title: g.bought.Title,
	}
	r.Kind, r.Offer, r.Time = paywall.KindUnlock, id, v.now
	owned, err := v.owned(w.Number, r.Site, r.Resource)
	if err != nil {
		return nil, receipt, err
	}
	live, err := v.live(w.Number, owned)
	if err != nil {
		return nil, receipt, err
	}
	if live != nil {
		return nil, paywall.Receipt{Unlock: *live, Balance: v.money(w.Balance), AlreadyOwned: live.Gift != key}, nil
	}
	if !g.opens(v) {
		return nil, receipt, paywall.ErrGiftOver
	}
	if ends := g.unlock.ExpiresAt; !ends.IsZero() {
		r.Access = ends.Sub(v.now)
	}
	keep(r)
	if w.Forget {
		forget(r)
	}
	return r, paywall.Receipt{Unlock: v.unlockOf(r, nil), Balance: v.money(w.Balance)}, nil
}

// Gift answers what a link opens. A gift that no longer opens anything is
// [paywall.ErrGiftOver]; its state is returned as well if the gift is known.
func (l *Ledger) Gift(ctx context.Context, key paywall.Hash) (paywall.GiftState, error) {
	var over error
	known, err := look(ctx, l, Reads{Keys: [][]byte{state.GiftKey(key)}}, func(v *view) (paywall.GiftState, error) {
		g, err := v.giftDetails(key)
		if err != nil {
			return paywall.GiftState{}, err
		}
		if !g.opens(v) {
			over = paywall.ErrGiftOver
		}
		return g.public(), nil
	})
	if err == nil {
		err = over
	}
	return known, err
}

// Gifts lists the newest gifts that a wallet made, newest first. [paywall.ErrNoWallet].
func (l *Ledger) Gifts(ctx context.Context, wallet string, limit int) ([]paywall.GiftState, error) {
	return look(ctx, l, walletReads(wallet), func(v *view) ([]paywall.GiftState, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		list, _, err := gifts(ctx, l, v, &w, w.Gave, limit)
		return list, err
	})
}

// gifts reads limit gifts of a wallet from a ref on, newest first, and says where the
// one before them stands.
func gifts(ctx context.Context, l *Ledger, v *view, w *state.Wallet, at Ref, limit int) (list []paywall.GiftState, next Ref, err error) {
	list = []paywall.GiftState{}
	for !at.IsZero() && len(list) < limit {
		if err := l.interrupted(ctx); err != nil {
			return nil, at, err
		}
		r, err := v.Record(at)
		if err != nil {
			return nil, at, err
		}
		g, err := v.giftDetails(r.Gift)
		if err != nil {
			return nil, at, err
		}
		shown := g.public()
		shown.Unlock = g.made.Unlock
		if forgets(w.Settings, g.unlock.At) {
			shown.Resource, shown.URL, shown.Title = "", "", ""
		}
		list, at = append(list, shown), g.state.Prev
	}
	return list, at, nil
}
