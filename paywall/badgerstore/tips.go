package badgerstore

import (
	"context"
	"crypto/sha256"
	"slices"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

func transferPrefix(n number) []byte {
	return append(append(make([]byte, 0, 14), tagTransfer), n[:]...)
}

func transferKey(n number, cause string) []byte {
	h := sha256.Sum256([]byte(cause))
	return append(transferPrefix(n), h[:8]...)
}

// Tip implements [paywall.Store].
func (s *Store) Tip(ctx context.Context, wallet string, t paywall.Tip) (paywall.Wallet, error) {
	names := t.ID != "" && len(t.ID) <= 64 && t.Site != "" && utf8.ValidString(t.ID+t.Site+t.Resource)
	if !names || t.Amount.IsZero() || !s.amount(t.Amount) || t.Amount.Micros > maxTip {
		return paywall.Wallet{}, paywall.Errorf(paywall.CodeMalformed, "a tip of %s %s cannot be given here", t.Amount, t.Amount.Currency)
	}
	legs, err := paywall.Split(t.Amount, t.Site, t.Shares)
	if err != nil {
		return paywall.Wallet{}, err
	}
	r := journal.Record{Wallet: wallet, Tip: t.ID, Site: t.Site, Resource: t.Resource}
	r.Kind = paywall.KindTip
	r.Legs = slices.Insert(legs, 0, paywall.Leg{Account: paywall.WalletAccount(wallet), Micros: -t.Amount.Micros})
	return change(ctx, s, false, func(g *group) (paywall.Wallet, error) { return g.tipOnce(&r) })
}

// maxTip is the largest price that can be paid, a million units: within it no sum overflows.
const maxTip = 1_000_000 * 1_000_000

func (g *group) tipOnce(r *journal.Record) (paywall.Wallet, error) {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return paywall.Wallet{}, err
	}
	place, err := g.get(transferKey(w.number, "tip/"+r.Wallet+"/"+r.Tip))
	if err != nil {
		return paywall.Wallet{}, err
	}
	if place != nil {
		return g.s.wallet(id, w), g.tippedBefore(place, r)
	}
	if err := g.affords(w, r.Paid(), g.now); err != nil {
		return paywall.Wallet{}, err
	}
	if w.forget {
		r.Resource = "" // nobody owns anything by it
	}
	if err := g.record(r); err != nil {
		return paywall.Wallet{}, err
	}
	_, w, err = g.walletByID(id)
	return g.s.wallet(id, w), err
}

func (g *group) tippedBefore(place []byte, r *journal.Record) error {
	at, _, err := cutPtr(place)
	if err != nil {
		return err
	}
	first, err := g.read(at)
	if err != nil {
		return err
	}
	resource := first.Resource == r.Resource || first.Resource == ""
	if first.Tip != r.Tip || first.Site != r.Site || !resource || !slices.Equal(first.Legs, r.Legs) {
		return paywall.ErrOfferChanged
	}
	return nil
}

func (g *group) applyTip(r *journal.Record, at journal.Ptr) error {
	_, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	g.put(transferKey(w.number, r.Cause), appendPtr(nil, at))
	return g.countPaid(w, r, r.Paid())
}

// Shares implements [paywall.Store].
func (s *Store) Shares(ctx context.Context, wallet, unlock string) ([]paywall.Share, error) {
	return query(ctx, s, s.latest, func(v *view) ([]paywall.Share, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		u, ok, err := v.unlock(unlock)
		if err != nil {
			return nil, err
		}
		if !ok || u.number != w.number || u.refunded != (journal.Ptr{}) {
			return nil, paywall.ErrNotFound
		}
		bought, err := s.journal.Read(u.bought)
		if err == nil && bought.Paid() == 0 {
			err = paywall.ErrNotFound
		}
		return paywall.SharesOf(bought.Legs), err
	})
}

// Tips implements [paywall.Store].
func (s *Store) Tips(ctx context.Context, wallet string) ([]paywall.TipState, error) {
	return query(ctx, s, s.settled, func(v *view) ([]paywall.TipState, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		list, err := s.transfers(v, w.number)
		tips := []paywall.TipState{}
		for i := range list {
			if list[i].Kind == paywall.KindTip {
				tips = append(tips, s.tipState(&list[i]))
			}
		}
		return tips, err
	})
}

func (s *Store) tipState(r *journal.Record) paywall.TipState {
	return paywall.TipState{Site: r.Site, Resource: r.Resource, Amount: s.money(r.Paid()), At: r.Time}
}

// transfers reads the tips and top-ups of a wallet, newest first.
func (s *Store) transfers(v *view, n number) (list []journal.Record, err error) {
	err = v.each(transferPrefix(n), func(_, value []byte) error {
		at, _, err := cutPtr(value)
		if err != nil {
			return err
		}
		r, err := s.journal.Read(at)
		list = append(list, r)
		return err
	})
	slices.SortFunc(list, func(a, b journal.Record) int { return b.Time.Compare(a.Time) })
	return list, err
}
