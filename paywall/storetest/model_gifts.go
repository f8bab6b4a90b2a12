package storetest

import (
	"errors"
	"fmt"

	"pgregory.net/rapid"

	"github.com/tuppence/tuppence/paywall"
)

// given reports whether somebody opened a gift of a purchase.
func (m *model) given(u *modelUnlock) bool {
	for _, g := range m.gifts {
		if g.of == u && len(g.opened) > 0 {
			return true
		}
	}
	return false
}

func (m *model) give() {
	r, u := m.pick()
	now := m.clock.now()
	limit, made := rapid.IntRange(0, 3).Draw(m.rt, "limit"), 0
	for _, g := range m.gifts {
		if g.giver == r && g.made.Format("2006-01") == now.Format("2006-01") {
			made++
		}
	}
	g := &modelGift{
		key: code(fmt.Sprint("gift", len(m.gifts))), giver: r, of: u, made: now,
		readers: rapid.IntRange(1, 3).Draw(m.rt, "readers"), opened: map[*modelReader]*modelUnlock{},
	}
	err := m.store.AddGift(m.t.Context(), r.ID, paywall.Gift{Key: g.key, Unlock: u.unlock.ID, Readers: g.readers, Limit: limit})
	switch {
	case r.erased:
		m.want("giving", err, paywall.ErrNoWallet)
	case !u.unlock.Live(now) || u.unlock.Gift != paywall.Hash{}:
		m.want("giving what is not owned", err, paywall.ErrNotFound)
	case limit > 0 && made >= limit:
		m.want("giving too often", err, paywall.ErrTooManyGifts)
	case m.want("giving", err, nil):
		m.gifts = append(m.gifts, g)
	}
}

func (m *model) pickGift() *modelGift {
	if len(m.gifts) == 0 {
		m.rt.Skip("nothing given")
	}
	return rapid.SampledFrom(m.gifts).Draw(m.rt, "gift")
}

func (m *model) take() {
	g, r := m.pickGift(), m.any()
	receipt, err := m.store.OpenGift(m.t.Context(), r.ID, g.key)
	now := m.clock.now()
	live := r.live(g.of.unlock.Resource, now)
	switch {
	case r.erased:
		m.want("taking", err, paywall.ErrNoWallet)
	case g.giver.erased:
		m.want("taking what nobody gives", err, paywall.ErrGiftOver)
	case live != nil:
		if m.want("taking what is owned", err, nil) && (receipt.Unlock != m.shown(r, live) || receipt.AlreadyOwned != (live.unlock.Gift != g.key)) {
			m.rt.Fatalf("owned %+v, took %+v", live.unlock, receipt)
		}
	case !g.of.unlock.Live(now) || len(g.opened) >= g.readers:
		m.want("taking what is over", err, paywall.ErrGiftOver)
	case m.want("taking", err, nil):
		m.taken(g, r, receipt)
	}
}

func (m *model) taken(g *modelGift, r *modelReader, receipt paywall.Receipt) {
	u := receipt.Unlock
	if u.Gift != g.key || !u.Paid.IsZero() || !u.ExpiresAt.Equal(g.of.unlock.ExpiresAt) || u.Resource != g.of.unlock.Resource {
		m.rt.Fatalf("of %+v was taken %+v", g.of.unlock, u)
	}
	taken := &modelUnlock{offer: paywall.Offer{Resource: u.Resource}, unlock: u}
	r.unlocks = append(r.unlocks, taken)
	g.opened[r] = taken
}

// doomedTake opens a gift; that it is over is an answer, too.
func (m *model) doomedTake(r *modelReader) func() error {
	if len(m.gifts) == 0 || r.erased {
		return nil
	}
	g := m.pickGift()
	return func() error {
		receipt, err := m.store.OpenGift(m.t.Context(), r.ID, g.key)
		if errors.Is(err, paywall.ErrGiftOver) {
			return nil
		}
		if err == nil && !receipt.AlreadyOwned && g.opened[r] == nil {
			m.taken(g, r, receipt)
		}
		return err
	}
}
