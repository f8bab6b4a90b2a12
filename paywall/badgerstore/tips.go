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

// transfer is the value of a tip's or top-up's key.
type transfer struct {
	at   journal.Ref
	prev journal.Ref // the wallet's one before it; zero: none
}

func (t transfer) encode() []byte { return appendLink(appendPtr(nil, t.at), t.prev) }

func decodeTransfer(v []byte) (t transfer, err error) {
	if t.at, v, err = cutPtr(v); err == nil {
		t.prev, v, err = cutLink(v)
	}
	if err == nil && len(v) > 0 {
		err = errValue
	}
	return t, err
}

// Tip implements [paywall.Store].
func (s *Store) Tip(ctx context.Context, wallet string, t paywall.Tip) (paywall.Wallet, error) {
	names := t.ID != "" && len(t.ID) <= 64 && t.Site != "" && utf8.ValidString(t.ID+t.Site+t.Resource)
	if !names || t.Amount.IsZero() || !s.amount(t.Amount) || t.Amount.Micros > maxTip {
		return paywall.Wallet{}, paywall.Errorf(paywall.CodeMalformed, "a tip of %s %s cannot be given here", t.Amount, t.Amount.Currency)
	}
	if _, err := paywall.Split(t.Amount, t.Site, t.Shares); err != nil {
		return paywall.Wallet{}, err
	}
	r := journal.Record{Wallet: wallet, Tip: t.ID, Site: t.Site, Resource: t.Resource}
	r.Kind = paywall.KindTip
	return change(ctx, s, false, func(g *group) (paywall.Wallet, error) { return g.tipOnce(&r, &t) })
}

// maxTip is the largest price that can be paid, a million units: within it no sum overflows.
const maxTip = 1_000_000 * 1_000_000

func (g *group) tipOnce(r *journal.Record, t *paywall.Tip) (paywall.Wallet, error) {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return paywall.Wallet{}, err
	}
	earlier, err := g.get(transferKey(w.number, "tip/"+r.Wallet+"/"+r.Tip))
	if err != nil {
		return paywall.Wallet{}, err
	}
	if earlier != nil {
		return g.s.wallet(id, w), g.tippedBefore(earlier, r, t)
	}
	if err := w.affords(t.Amount.Micros, g.now); err != nil {
		return paywall.Wallet{}, err
	}
	if err := take(r, t.Amount, w.spend(t.Amount.Micros), t.Shares, t.FreeShares); err != nil {
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

func (g *group) tippedBefore(earlier []byte, r *journal.Record, t *paywall.Tip) error {
	was, err := decodeTransfer(earlier)
	if err != nil {
		return err
	}
	first, err := g.read(was.at)
	if err != nil {
		return err
	}
	if err := take(r, t.Amount, first.Free, t.Shares, len(first.Shares) == 0); err != nil {
		return err
	}
	resource := first.Resource == r.Resource || first.Resource == ""
	divided := slices.Equal(first.Legs, r.Legs) && slices.Equal(first.Shares, r.Shares)
	if first.Tip != r.Tip || first.Site != r.Site || !resource || !divided {
		return paywall.ErrOfferChanged
	}
	return nil
}

func (g *group) applyTip(r *journal.Record, at journal.Ref) error {
	id, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	w.spend(r.Paid())
	w.spent.pay(r)
	g.putTransfer(id, w, r, at)
	return nil
}

// putTransfer puts a tip or a top-up in front of a wallet's others.
func (g *group) putTransfer(id walletID, w wallet, r *journal.Record, at journal.Ref) {
	g.put(transferKey(w.number, r.Cause), transfer{at, w.moved}.encode())
	w.moved = at
	g.put(walletKey(id), w.encode())
}

// Shares implements [paywall.Store].
func (s *Store) Shares(ctx context.Context, wallet, unlock string) ([]paywall.Share, error) {
	return query(ctx, s, s.latest, func(v *view) ([]paywall.Share, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		u, err := v.bought(w.number, unlock)
		if err != nil {
			return nil, err
		}
		if !u.refunded.IsZero() {
			return nil, paywall.ErrNotFound
		}
		bought, err := s.journal.Read(u.bought)
		if err == nil && bought.Paid() == 0 {
			err = paywall.ErrNotFound
		}
		if len(bought.Shares) > 0 { // the legs are not divided alike
			return bought.Shares, err
		}
		return paywall.SharesOf(bought.Legs), err
	})
}

// Tips implements [paywall.Store].
func (s *Store) Tips(ctx context.Context, wallet string, limit int) ([]paywall.TipState, error) {
	return query(ctx, s, s.latest, func(v *view) ([]paywall.TipState, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		list, _, err := s.transfers(ctx, v, w.number, w.moved, limit)
		return s.tips(w, list), err
	})
}

func (s *Store) tips(w wallet, list []journal.Record) []paywall.TipState {
	tips := []paywall.TipState{}
	for i := range list {
		r := &list[i]
		if r.Kind != paywall.KindTip {
			continue
		}
		t := paywall.TipState{Site: r.Site, Resource: r.Resource, Amount: s.money(r.Paid()), At: r.Time}
		if w.forgets(t.At) {
			t.Resource = ""
		}
		tips = append(tips, t)
	}
	return tips
}

// transfers reads so many tips and top-ups of a wallet from a place on, newest
// first, and says where the one before them stands.
func (s *Store) transfers(ctx context.Context, v *view, n number, at journal.Ref, limit int) (list []journal.Record, next journal.Ref, err error) {
	for !at.IsZero() && len(list) < limit {
		if err := s.interrupted(ctx); err != nil {
			return nil, at, err
		}
		r, err := s.journal.Read(at)
		if err != nil {
			return nil, at, err
		}
		value, err := v.get(transferKey(n, r.Cause))
		if err != nil {
			return nil, at, err
		}
		t, err := decodeTransfer(value)
		if err != nil {
			return nil, at, err
		}
		list, at = append(list, r), t.prev
	}
	return list, at, nil
}
