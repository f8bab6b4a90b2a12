package badgerstore

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// gift is the value of a gift's key.
type gift struct {
	made   journal.Ref
	opened int
	prev   journal.Ref // the wallet's gift before it; zero: none
}

func giftKey(h paywall.Hash) []byte { return append([]byte{tagGift}, h[:]...) }

func (p gift) encode() []byte {
	return appendLink(binary.AppendUvarint(appendPtr(nil, p.made), uint64(p.opened)), p.prev)
}

func decodeGift(v []byte) (p gift, err error) {
	if p.made, v, err = cutPtr(v); err != nil {
		return p, err
	}
	n, size := binary.Uvarint(v)
	if size <= 0 || n > paywall.MaxGiftReaders {
		return p, errValue
	}
	p.opened = int(n)
	if p.prev, v, err = cutLink(v[size:]); err == nil && len(v) > 0 {
		err = errValue
	}
	return p, err
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

func (s *Store) readRecord(at journal.Ref) (*journal.Record, error) {
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

func (s *Store) present(v *view, read func(journal.Ref) (*journal.Record, error), key paywall.Hash) (p present, err error) {
	if p.gift, err = v.gift(key); err != nil {
		return p, err
	}
	if p.made, err = read(p.gift.made); err != nil {
		return p, err
	}
	if _, _, err = v.wallet(p.made.Wallet); paywall.ErrorCode(err) == paywall.CodeNoWallet {
		err = paywall.ErrGiftOver // the giver was erased
	}
	if err != nil {
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
	return p.giver.refunded.IsZero() && p.unlock.Live(now)
}

func (p *present) state() paywall.GiftState {
	return paywall.GiftState{
		Site: p.unlock.Site, Resource: p.unlock.Resource, URL: bare(p.bought), Title: p.unlock.Title,
		Readers: p.made.Readers, Opened: p.opened, MadeAt: p.made.Time, ExpiresAt: p.unlock.ExpiresAt,
	}
}

// Gift implements [paywall.Store].
func (s *Store) Gift(ctx context.Context, key paywall.Hash) (paywall.GiftState, error) {
	return query(ctx, s, s.latest, func(v *view) (paywall.GiftState, error) {
		p, err := s.present(v, s.readRecord, key)
		if err != nil {
			return paywall.GiftState{}, err
		}
		if !p.opens(s.now()) || p.opened >= p.made.Readers {
			err = paywall.ErrGiftOver
		}
		return p.state(), err
	})
}

// Gifts implements [paywall.Store].
func (s *Store) Gifts(ctx context.Context, wallet string, limit int) ([]paywall.GiftState, error) {
	return query(ctx, s, s.latest, func(v *view) ([]paywall.GiftState, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		list, _, err := s.gifts(ctx, v, w, w.gave, limit)
		return list, err
	})
}

// gifts reads so many gifts of a wallet from a place on, newest first, and says
// where the one before them stands.
func (s *Store) gifts(ctx context.Context, v *view, w wallet, at journal.Ref, limit int) (list []paywall.GiftState, next journal.Ref, err error) {
	list = []paywall.GiftState{}
	for !at.IsZero() && len(list) < limit {
		if err := s.interrupted(ctx); err != nil {
			return nil, at, err
		}
		r, err := s.journal.Read(at)
		if err != nil {
			return nil, at, err
		}
		p, err := s.present(v, s.readRecord, r.Gift)
		if err != nil {
			return nil, at, err
		}
		state := p.state()
		state.Unlock = p.made.Unlock
		if w.forgets(p.unlock.At) {
			state.Resource, state.URL, state.Title = "", "", ""
		}
		list, at = append(list, state), p.prev
	}
	return list, at, nil
}
