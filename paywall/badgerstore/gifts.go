package badgerstore

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// gift is the value of a gift's key.
type gift struct {
	made   journal.Ptr
	opened int
}

func giftKey(h paywall.Hash) []byte { return append([]byte{tagGift}, h[:]...) }

func (p gift) encode() []byte { return binary.AppendUvarint(appendPtr(nil, p.made), uint64(p.opened)) }

func decodeGift(v []byte) (p gift, err error) {
	if p.made, v, err = cutPtr(v); err != nil {
		return p, err
	}
	n, size := binary.Uvarint(v)
	if size <= 0 || size != len(v) || n > paywall.MaxGiftReaders {
		return p, errValue
	}
	p.opened = int(n)
	return p, nil
}

// gift finds a gift by its key: [paywall.ErrGiftOver].
func (v *view) gift(key paywall.Hash) (gift, error) {
	value, err := v.get(giftKey(key))
	if err != nil {
		return gift{}, err
	}
	if value == nil {
		return gift{}, paywall.ErrGiftOver
	}
	return decodeGift(value)
}

func (s *Store) readRecord(at journal.Ptr) (*journal.Record, error) {
	r, err := s.journal.Read(at)
	return &r, err
}

// present is a gift with what it gives.
type present struct {
	gift
	made   *journal.Record
	bought *journal.Record
	giver  unlock
	unlock paywall.Unlock // of the giver
}

func (s *Store) present(v *view, read func(journal.Ptr) (*journal.Record, error), key paywall.Hash) (p present, err error) {
	if p.gift, err = v.gift(key); err != nil {
		return p, err
	}
	if p.made, err = read(p.gift.made); err != nil {
		return p, err
	}
	if p.giver, _, err = v.unlock(p.made.Unlock); err != nil {
		return p, err
	}
	if p.bought, err = read(p.giver.bought); err != nil {
		return p, err
	}
	p.unlock = unlockOf(p.bought, nil, s.o.Currency)
	return p, nil
}

// opens reports whether the giver owns what is given.
func (p *present) opens(now time.Time) bool {
	return p.giver.refunded == (journal.Ptr{}) && p.unlock.Live(now)
}

func (p *present) state() paywall.GiftState {
	return paywall.GiftState{
		Site: p.unlock.Site, Resource: p.unlock.Resource, URL: p.unlock.URL, Title: p.unlock.Title,
		Readers: p.made.Readers, Opened: p.opened, MadeAt: p.made.Time, ExpiresAt: p.unlock.ExpiresAt,
	}
}

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
	if !ok || u.number != w.number || u.refunded != (journal.Ptr{}) {
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

func (g *group) applyGift(r *journal.Record, at journal.Ptr) error {
	_, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	key := giftKey(r.Gift)
	g.put(key, gift{made: at}.encode())
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
			Resource: p.bought.Resource, URL: p.bought.URL, Title: p.bought.Title,
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
	g.put(giftKey(key), p.gift.encode())
	p.giver.given = true
	g.put(unlockKey(p.made.Unlock), p.giver.encode())
	return nil
}

// Gift implements [paywall.Store].
func (s *Store) Gift(ctx context.Context, key paywall.Hash) (paywall.GiftState, error) {
	return query(ctx, s, s.latest, func(v *view) (paywall.GiftState, error) {
		p, err := s.present(v, s.readRecord, key)
		if err == nil && (!p.opens(s.now()) || p.opened >= p.made.Readers) {
			err = paywall.ErrGiftOver
		}
		if err != nil {
			return paywall.GiftState{}, err
		}
		return p.state(), nil
	})
}

// Gifts implements [paywall.Store].
func (s *Store) Gifts(ctx context.Context, wallet string) ([]paywall.GiftState, error) {
	return query(ctx, s, s.settled, func(v *view) ([]paywall.GiftState, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		return s.gifts(v, w.number)
	})
}

func (s *Store) gifts(v *view, n number) ([]paywall.GiftState, error) {
	list := []paywall.GiftState{}
	prefix := append(indexPrefix(n), tagGift)
	err := v.each(prefix, func(key, _ []byte) error {
		p, err := s.present(v, s.readRecord, paywall.Hash(key[len(prefix):]))
		if err != nil {
			return err
		}
		state := p.state()
		state.Unlock = p.made.Unlock
		list = append(list, state)
		return nil
	})
	slices.SortFunc(list, func(a, b paywall.GiftState) int { return b.MadeAt.Compare(a.MadeAt) })
	return list, err
}
