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
