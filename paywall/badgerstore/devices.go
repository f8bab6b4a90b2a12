package badgerstore

import (
	"bytes"
	"context"
	"encoding/base64"
	"slices"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// device is a key of a wallet.
type device struct {
	key   paywall.Hash
	added *journal.Record
	opens bool // it was not dropped
	paywall.Device
}

// deviceID is 72 bits of the hash of a key, from which nothing follows that opens.
func deviceID(key paywall.Hash) string { return base64.RawURLEncoding.EncodeToString(key[:9]) }

// devices reads all keys that a wallet had, the first one first.
func (s *Store) devices(v *view, n number) (all []device, err error) {
	prefix := append(indexPrefix(n), tagKey)
	err = v.each(prefix, func(key, value []byte) error {
		hash := paywall.Hash(key[len(prefix):])
		opens, err := v.get(keyKey(hash))
		if err != nil {
			return err
		}
		at, _, err := cutPtr(value)
		if err != nil {
			return err
		}
		r, err := s.journal.Read(at)
		if err != nil {
			return err
		}
		all = append(all, device{hash, &r, len(opens) > 0, paywall.Device{ID: deviceID(hash), AddedAt: r.Time}})
		return nil
	})
	slices.SortFunc(all, func(a, b device) int {
		if c := a.AddedAt.Compare(b.AddedAt); c != 0 {
			return c
		}
		return bytes.Compare(a.key[:], b.key[:])
	})
	return all, err
}

// Devices implements [paywall.Store].
func (s *Store) Devices(ctx context.Context, wallet string, key paywall.Hash) ([]paywall.Device, error) {
	return query(ctx, s, s.settled, func(v *view) ([]paywall.Device, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		all, err := s.devices(v, w.number)
		list := make([]paywall.Device, 0, len(all))
		for _, d := range all {
			if d.Current = d.key == key; d.opens {
				list = append(list, d.Device)
			}
		}
		return list, err
	})
}

// Drop implements [paywall.Store].
func (s *Store) Drop(ctx context.Context, wallet string, d paywall.Drop) error {
	return s.submit(ctx, true, func(g *group) error {
		_, w, err := g.wallet(wallet)
		if err != nil {
			return err
		}
		all, err := s.devices(&g.view, w.number)
		if err != nil {
			return err
		}
		out, err := g.dropped(all, d)
		if err != nil {
			return err
		}
		for _, gone := range out {
			r := journal.Record{Wallet: wallet, Key: gone.key}
			r.Kind = paywall.KindDrop
			if d.Codes {
				r.Code = gone.added.Code
			}
			if err := g.record(&r); err != nil {
				return err
			}
		}
		return nil
	})
}

// dropped is which of a wallet's keys a drop takes that open it still.
func (g *group) dropped(all []device, d paywall.Drop) (out []device, err error) {
	found, codes := false, 0
	for _, one := range all {
		code, err := g.get(codeKey(one.added.Code))
		if err != nil {
			return nil, err
		}
		kept, meant := one.key == d.Except, one.key == d.Except && one.opens
		if d.Device != "" {
			kept, meant = one.ID != d.Device, one.ID == d.Device
		}
		found = found || meant
		if code != nil && (kept || !d.Codes || !one.opens) {
			codes++
		}
		if !kept && one.opens {
			out = append(out, one)
		}
	}
	switch {
	case !found:
		return nil, paywall.ErrNoDevice
	case codes == 0 && len(out) > 0:
		return nil, paywall.Errorf(paywall.CodeMalformed, "this would leave no way into the wallet; keep its recovery code")
	}
	return out, nil
}

// applyDrop leaves the key without a wallet, so that it is never taken again.
func (g *group) applyDrop(r *journal.Record) error {
	_, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	g.put(keyKey(r.Key), []byte{})
	if r.Code != (paywall.Hash{}) {
		g.put(codeKey(r.Code), nil)
		g.put(indexKey(w.number, codeKey(r.Code)), nil)
	}
	return nil
}
