package badgerstore

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// device is a key of a wallet.
type device struct {
	key   paywall.Hash
	at    journal.Ref // of the record that added it
	added *journal.Record
	paywall.Device
}

// deviceBytes of the hash of a key are a device's id; nothing follows from them that opens.
const deviceBytes = 9

func deviceID(key paywall.Hash) string {
	return base64.RawURLEncoding.EncodeToString(key[:deviceBytes])
}

// devices reads the keys that open a wallet, the first one first.
func (s *Store) devices(v *view, n number) (all []device, err error) {
	live, err := v.devices(n)
	if err != nil {
		return nil, err
	}
	return s.readDevices(live)
}

func (s *Store) readDevices(live []device) (all []device, err error) {
	for _, d := range live {
		r, err := s.journal.Read(d.at)
		if err != nil {
			return nil, err
		}
		d.added, d.Device = &r, paywall.Device{ID: deviceID(d.key), AddedAt: r.Time}
		all = append(all, d)
	}
	return all, err
}

// devices finds the keys that open a wallet, without what their records say.
func (v *view) devices(n number) (all []device, err error) {
	prefix := append(indexPrefix(n), tagKey)
	err = v.each(prefix, func(key, value []byte) error {
		at, _, err := cutPtr(value)
		all = append(all, device{key: paywall.Hash(key[len(prefix):]), at: at})
		return err
	})
	slices.SortFunc(all, func(a, b device) int {
		return bytes.Compare(a.at[:], b.at[:])
	})
	return all, err
}

// Devices implements [paywall.Store].
func (s *Store) Devices(ctx context.Context, wallet string, key paywall.Hash) ([]paywall.Device, error) {
	return query(ctx, s, s.latest, func(v *view) ([]paywall.Device, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		live, err := v.devices(w.number)
		if err != nil {
			return nil, err
		}
		all, err := s.readDevices(newestDevices(live, key))
		list := make([]paywall.Device, 0, len(all))
		for _, d := range all {
			d.Current = d.key == key
			list = append(list, d.Device)
		}
		return list, err
	})
}

// newestDevices are as many as a wallet may have, with the current one among them.
// A ledger of an older version may have wallets with thousands.
func newestDevices(live []device, current paywall.Hash) []device {
	if len(live) <= paywall.MaxDevices {
		return live
	}
	older, newest := live[:len(live)-paywall.MaxDevices], live[len(live)-paywall.MaxDevices:]
	if i := slices.IndexFunc(older, func(d device) bool { return d.key == current }); i >= 0 {
		newest[0] = older[i]
	}
	return newest
}

// dropAtOnce bounds the keys that one change drops.
const dropAtOnce = 2 * paywall.MaxDevices

// Drop implements [paywall.Store].
func (s *Store) Drop(ctx context.Context, wallet string, d paywall.Drop) error {
	for {
		more, err := change(ctx, s, false, func(g *group) (more bool, err error) {
			_, w, err := g.wallet(wallet)
			if err != nil {
				return false, err
			}
			out, err := g.dropped(w.number, d)
			if err != nil {
				return false, err
			}
			for _, gone := range out[:min(len(out), dropAtOnce)] {
				if err := g.drop(wallet, gone, d.Codes); err != nil {
					return false, err
				}
			}
			return len(out) > dropAtOnce, nil
		})
		if err != nil || !more {
			return err
		}
	}
}

// drop records that a key opens its wallet no more.
func (g *group) drop(wallet string, d device, code bool) error {
	r := journal.Record{Wallet: wallet, Key: d.key}
	r.Kind = paywall.KindDrop
	if code {
		added, err := g.read(d.at)
		if err != nil {
			return err
		}
		r.Code = added.Code
	}
	return g.record(&r)
}

// dropped is which of a wallet's keys a drop takes that open it still.
func (g *group) dropped(n number, d paywall.Drop) (out []device, err error) {
	all, err := g.devices(n)
	if err != nil {
		return nil, err
	}
	found := false
	for _, one := range all {
		kept := one.key == d.Except
		if found = found || kept; d.Device != "" {
			kept = deviceID(one.key) != d.Device
		}
		if !kept {
			out = append(out, one)
		}
	}
	if d.Device != "" {
		if found = len(out) > 0; !found {
			found, err = g.wasDropped(n, d.Device)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, paywall.ErrNoDevice
	case !d.Codes || len(out) == 0:
		return out, nil
	}
	left, err := g.codesLeft(n, out)
	if err == nil && !left {
		err = paywall.Errorf(paywall.CodeMalformed, "this would leave no way into the wallet; keep its recovery code")
	}
	return out, err
}

// wasDropped reports whether a wallet had a device that was dropped.
func (v *view) wasDropped(n number, id string) (was bool, err error) {
	hash, err := base64.RawURLEncoding.Strict().DecodeString(id)
	if err != nil || len(hash) != deviceBytes {
		return false, nil //nolint:nilerr // it is no id of ours
	}
	err = v.each(append(append(indexPrefix(n), tagDropped), hash...), func(_, _ []byte) error {
		was = true
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return was, err
}

// codesLeft reports whether a recovery code leads to a wallet when those of some
// devices do so no more. It reads as many codes as there are devices, and one.
func (g *group) codesLeft(n number, out []device) (left bool, err error) {
	gone := map[paywall.Hash]bool{}
	for _, d := range out {
		added, err := g.read(d.at)
		if err != nil {
			return false, err
		}
		gone[added.Code] = true
	}
	prefix := append(indexPrefix(n), tagCode)
	err = g.each(prefix, func(key, _ []byte) error {
		if left = !gone[paywall.Hash(key[len(prefix):])]; left {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return left, err
}

// applyDrop leaves the key without a wallet, so that it is never taken again.
func (g *group) applyDrop(r *journal.Record) error {
	_, w, err := g.wallet(r.Wallet)
	if err != nil {
		return err
	}
	key := keyKey(r.Key)
	g.put(key, []byte{})
	g.put(indexKey(w.number, key), nil)
	g.put(indexKey(w.number, append([]byte{tagDropped}, r.Key[:]...)), []byte{})
	if r.Code != (paywall.Hash{}) {
		g.put(codeKey(r.Code), nil)
		g.put(indexKey(w.number, codeKey(r.Code)), nil)
	}
	return nil
}
