package badgerstore

import (
	"context"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// AddGift implements [paywall.Store].
func (s *Store) AddGift(ctx context.Context, wallet string, link paywall.Gift) error {
	if link.Readers < 1 || link.Readers > paywall.MaxGiftReaders || link.Limit < 0 || link.Limit > paywall.MaxGiftReaders {
		return paywall.Errorf(paywall.CodeMalformed, "a gift is for 1 to %d readers", paywall.MaxGiftReaders)
	}
	return s.submit(ctx, false, func(g *group) error {
		_, w, err := g.wallet(wallet)
		if err != nil {
			return err
		}
		r := journal.Record{Wallet: wallet, Gift: link.Key, Unlock: link.Unlock, Readers: link.Readers, Limit: link.Limit}
		r.Kind = paywall.KindGift
		value, err := g.get(giftKey(link.Key))
		if err != nil {
			return err
		}
		if value != nil {
			return g.madeBefore(value, &r)
		}
		if err := g.mayGive(w, link); err != nil {
			return err
		}
		return g.record(&r)
	})
}

func (g *group) madeBefore(value []byte, r *journal.Record) error {
	p, err := decodeGift(value)
	if err != nil {
		return err
	}
	first, err := g.read(p.made)
	if err == nil && (first.Wallet != r.Wallet || first.Unlock != r.Unlock || first.Readers != r.Readers) {
		err = paywall.ErrOfferChanged
	}
	return err
}

// mayGive refuses what the wallet does not own, what it was given itself, and
// more links than it may make.
func (g *group) mayGive(w wallet, link paywall.Gift) error {
	u, ok, err := g.unlock(link.Unlock)
	if err != nil {
		return err
	}
	if !ok || u.number != w.number || !u.refunded.IsZero() {
		return paywall.ErrNotFound
	}
	bought, err := g.read(u.bought)
	if err != nil {
		return err
	}
	if own := unlockOf(bought, nil, g.s.o.Currency); !own.Live(g.now) || own.Gift != (paywall.Hash{}) {
		return paywall.ErrNotFound
	}
	made, err := g.counted(counterKey(w.number, countGifts), month(g.now))
	if err == nil && link.Limit > 0 && made >= int64(link.Limit) {
		err = paywall.Errorf(paywall.CodeTooManyGifts,
			"%d gift links were made this month; the next can be from %s on", made, paywall.NextMonth(g.now).Format("2 January"))
	}
	return err
}

func (g *group) applyGift(r *journal.Record, at journal.Ref) error {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	key := giftKey(r.Gift)
	g.put(key, gift{made: at, prev: w.gave}.encode())
	w.gave = at
	g.put(walletKey(id), w.encode())
	g.put(indexKey(w.number, key), []byte{})
	return g.count(counterKey(w.number, countGifts), month(r.Time), 1)
}

// OpenGift implements [paywall.Store].
func (s *Store) OpenGift(ctx context.Context, wallet string, key paywall.Hash) (paywall.Receipt, error) {
	return change(ctx, s, false, func(g *group) (paywall.Receipt, error) {
		_, w, err := g.wallet(wallet)
		if err != nil {
			return paywall.Receipt{}, err
		}
		p, err := s.present(&g.view, g.read, key)
		if err != nil {
			return paywall.Receipt{}, err
		}
		r := journal.Record{
			Wallet: wallet, Unlock: paywall.NewID(), Gift: key, Site: p.bought.Site,
			Resource: p.bought.Resource, URL: bare(p.bought), Title: p.bought.Title,
		}
		r.Kind, r.Offer = paywall.KindUnlock, r.Unlock
		live, err := g.live(w.number, &r)
		if err != nil {
			return paywall.Receipt{}, err
		}
		if live != nil {
			return paywall.Receipt{Unlock: *live, Balance: s.money(w.balance), AlreadyOwned: live.Gift != key}, nil
		}
		if !p.opens(g.now) || p.opened >= p.made.Readers {
			return paywall.Receipt{}, paywall.ErrGiftOver
		}
		if ends := p.unlock.ExpiresAt; !ends.IsZero() {
			r.Access = ends.Sub(g.now)
		}
		keep(&r)
		if w.forget {
			forget(&r)
		}
		if err := g.record(&r); err != nil {
			return paywall.Receipt{}, err
		}
		return paywall.Receipt{Unlock: unlockOf(&r, nil, s.o.Currency), Balance: s.money(w.balance)}, nil
	})
}

// applyOpened counts a gift's reader, and binds the giver to the purchase.
func (g *group) applyOpened(key paywall.Hash) error {
	p, err := g.s.present(&g.view, g.read, key)
	if err != nil {
		return err
	}
	p.opened++
	g.put(giftKey(key), p.encode())
	p.giver.given = true
	g.put(unlockKey(p.made.Unlock), p.giver.encode())
	return nil
}
