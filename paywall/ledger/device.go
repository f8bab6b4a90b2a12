package ledger

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// device is a key of a wallet, and the ref of the record that added it.
type device struct {
	key paywall.Hash
	at  Ref
}

// deviceBytes of the hash of a key are a device's id; nothing that opens follows from them.
const deviceBytes = 9

func deviceID(key paywall.Hash) string {
	return base64.RawURLEncoding.EncodeToString(key[:deviceBytes])
}

// devices finds the keys that open a wallet, the first one first.
func (v *view) devices(n state.Number) (all []device, err error) {
	prefix := append(state.IndexPrefix(n), state.TagKey)
	err = v.Each(prefix, func(key, value []byte) error {
		at, _, err := state.CutRef(value)
		all = append(all, device{key: paywall.Hash(key[len(prefix):]), at: at})
		return err
	})
	slices.SortFunc(all, func(a, b device) int { return bytes.Compare(a.at[:], b.at[:]) })
	return all, err
}

// publicDevices reads when devices were added.
func (v *view) publicDevices(live []device) ([]paywall.Device, error) {
	list := make([]paywall.Device, 0, len(live))
	for _, d := range live {
		r, err := v.Record(d.at)
		if err != nil {
			return nil, err
		}
		list = append(list, paywall.Device{ID: deviceID(d.key), AddedAt: r.Time})
	}
	return list, nil
}

// Devices lists who is let into a wallet, the first one first. The one with this key is
// the current one. [paywall.ErrNoWallet].
func (l *Ledger) Devices(ctx context.Context, wallet string, key paywall.Hash) ([]paywall.Device, error) {
	reads := walletReads(wallet)
	reads.List = true
	return look(ctx, l, reads, func(v *view) ([]paywall.Device, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		live, err := v.devices(w.Number)
		if err != nil {
			return nil, err
		}
		live = newestDevices(live, key)
		list, err := v.publicDevices(live)
		for i := range list {
			list[i].Current = live[i].key == key
		}
		return list, err
	})
}

// newestDevices are as many as a wallet may have, with the current one among them. A
// ledger of an older version may have wallets with thousands.
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

// Drop takes keys from a wallet; from its answer on they open nothing. Key: each dropped
// key. Without such a device, or when Except is not a key of the wallet:
// [paywall.ErrNoDevice]. When no recovery code would be left: [paywall.CodeMalformed].
// [paywall.ErrNoWallet].
func (l *Ledger) Drop(ctx context.Context, wallet string, d paywall.Drop) error {
	reads := walletReads(wallet)
	reads.List = true
	for {
		more, err := commit(ctx, l, Change{Reads: reads}, func(tx *Tx) (bool, error) {
			records, more, err := decideDrop(&tx.view, wallet, d)
			if err != nil {
				return false, err
			}
			return more, tx.appendAll(records)
		})
		if err != nil || !more {
			return err
		}
	}
}

// decideDrop decides about dropping keys; more says that there are others to drop after
// these.
func decideDrop(v *view, wallet string, d paywall.Drop) (records []*journal.Record, more bool, err error) {
	_, w, err := v.wallet(wallet)
	if err != nil {
		return nil, false, err
	}
	out, err := wanted(v, w.Number, d)
	if err != nil {
		return nil, false, err
	}
	for _, gone := range out[:min(len(out), dropAtOnce)] {
		r, err := dropOf(v, wallet, gone, d.Codes)
		if err != nil {
			return nil, false, err
		}
		records = append(records, r)
	}
	return records, len(out) > dropAtOnce, nil
}

// dropOf is the record by which a key opens its wallet no more.
func dropOf(v *view, wallet string, d device, code bool) (*journal.Record, error) {
	r := &journal.Record{Wallet: wallet, Key: d.key}
	r.Kind = paywall.KindDrop
	if code {
		added, err := v.Record(d.at)
		if err != nil {
			return nil, err
		}
		r.Code = added.Code
	}
	return r, nil
}

// wanted is the keys of a wallet that a drop takes and that open it still.
func wanted(v *view, n state.Number, d paywall.Drop) (out []device, err error) {
	all, err := v.devices(n)
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
			found, err = wasDropped(v, n, d.Device)
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
	left, err := codesLeft(v, n, out)
	if err == nil && !left {
		err = paywall.Errorf(paywall.CodeMalformed, "this would leave no way into the wallet; keep its recovery code")
	}
	return out, err
}

// errEnough ends a walk over keys before its end.
var errEnough = errors.New("enough")

// wasDropped reports whether a wallet had a device that was dropped.
func wasDropped(v *view, n state.Number, id string) (was bool, err error) {
	hash, err := base64.RawURLEncoding.Strict().DecodeString(id)
	if err != nil || len(hash) != deviceBytes {
		return false, nil //nolint:nilerr // it is no id of ours
	}
	prefix := append(append(state.IndexPrefix(n), state.TagDropped), hash...)
	err = v.Each(prefix, func(_, _ []byte) error {
		was = true
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return was, err
}

// codesLeft reports whether a recovery code leads to a wallet when those of some devices
// do so no more. It reads one code more than there are devices.
func codesLeft(v *view, n state.Number, out []device) (left bool, err error) {
	gone := map[paywall.Hash]bool{}
	for _, d := range out {
		added, err := v.Record(d.at)
		if err != nil {
			return false, err
		}
		gone[added.Code] = true
	}
	prefix := append(state.IndexPrefix(n), state.TagCode)
	err = v.Each(prefix, func(key, _ []byte) error {
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
