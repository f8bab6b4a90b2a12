package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// third gives a wallet two more keys, a minute apart.
func (h *suite) third(a reader) (second, third paywall.KeyHashes) {
	h.t.Helper()
	for _, next := range []*paywall.KeyHashes{&second, &third} {
		h.clock.sleep(time.Minute)
		*next = newKeys(h.t)
		if _, err := h.store.AddKey(h.t.Context(), a.keys.Code, *next); err != nil {
			h.t.Fatal(err)
		}
	}
	return second, third
}

func (h *suite) opens(a reader, key paywall.Hash) bool {
	h.t.Helper()
	w, err := h.store.Wallet(h.t.Context(), key)
	if err != nil {
		h.wantError(err, paywall.ErrNoWallet)
		return false
	}
	return w.ID == a.ID
}

func (h *suite) devices(a reader, key paywall.Hash) []paywall.Device {
	h.t.Helper()
	list, err := h.store.Devices(h.t.Context(), a.ID, key)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// testDevices: each is listed, and one of them can be dropped.
func testDevices(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.reader(100), h.reader(100)
	began := h.clock.now()
	second, third := h.third(a)
	list := h.devices(a, second.Key)
	if len(list) != 3 {
		t.Fatalf("the devices are %+v", list)
	}
	for i, d := range list {
		if d.ID == "" || !d.AddedAt.Equal(began.Add(time.Duration(i)*time.Minute)) || d.Current != (i == 1) {
			t.Errorf("device %d is %+v", i, d)
		}
	}
	offer := h.offer("/articles/a", 20)
	h.buy(a, offer)
	if err := h.store.Drop(ctx, a.ID, paywall.Drop{Device: list[2].ID}); err != nil {
		t.Fatal(err)
	}
	if h.opens(a, third.Key) || !h.opens(a, second.Key) || !h.opens(a, a.keys.Key) {
		t.Error("a dropped key opens the wallet, or another does not")
	}
	_, err := h.store.Owned(ctx, third.Key, site, "/articles/a")
	h.wantError(err, paywall.ErrNoWallet)
	if len(h.devices(a, second.Key)) != 2 {
		t.Error("a dropped device is listed")
	}
	before, _ := h.export()
	if err := h.store.Drop(ctx, a.ID, paywall.Drop{Device: list[2].ID}); err != nil {
		t.Errorf("dropping it again: %v", err)
	}
	if after, _ := h.export(); len(after) != len(before) {
		t.Error("a key was dropped twice")
	}
	// Its key is never taken again, its code still leads to the wallet.
	_, err = h.store.AddKey(ctx, a.keys.Code, third)
	h.wantError(err, paywall.ErrConflict)
	_, err = h.store.OpenWallet(ctx, third, paywall.Welcome{Amount: euro(60)})
	h.wantError(err, paywall.ErrConflict)
	if w, err := h.store.AddKey(ctx, third.Code, newKeys(t)); err != nil || w.ID != a.ID {
		t.Errorf("recovering with a dropped device's code: %+v, %v", w, err)
	}
	h.wantError(h.store.Drop(ctx, b.ID, paywall.Drop{Device: list[1].ID}), paywall.ErrNoDevice)
	h.wantError(h.store.Drop(ctx, a.ID, paywall.Drop{Device: "x"}), paywall.ErrNoDevice)
	h.wantError(h.store.Drop(ctx, a.ID, paywall.Drop{}), paywall.ErrNoDevice)
	h.wantError(h.store.Drop(ctx, paywall.NewID(), paywall.Drop{Device: list[1].ID}), paywall.ErrNoWallet)
	_, err = h.store.Devices(ctx, paywall.NewID(), second.Key)
	h.wantError(err, paywall.ErrNoWallet)

	// The last code stays, and with it a way in.
	only := h.devices(b, b.keys.Key)[0].ID
	if err := h.store.Drop(ctx, b.ID, paywall.Drop{Device: only, Codes: true}); paywall.ErrorCode(err) != paywall.CodeMalformed {
		t.Errorf("dropping the only way in: %v", err)
	}
	if err := h.store.Drop(ctx, b.ID, paywall.Drop{Device: only}); err != nil || h.opens(b, b.keys.Key) {
		t.Errorf("signing out the only device: %v", err)
	}
	if w, err := h.store.AddKey(ctx, b.keys.Code, newKeys(t)); err != nil || w.ID != b.ID {
		t.Errorf("recovering a wallet without a device: %+v, %v", w, err)
	}
}

// testDropOthers: all but one, with their codes.
func testDropOthers(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.reader(100), h.reader(100)
	second, third := h.third(a)
	h.wantError(h.store.Drop(ctx, a.ID, paywall.Drop{Except: b.keys.Key}), paywall.ErrNoDevice)
	if !h.opens(a, a.keys.Key) {
		t.Error("a stranger's key dropped others")
	}
	if err := h.store.Drop(ctx, a.ID, paywall.Drop{Except: second.Key, Codes: true}); err != nil {
		t.Fatal(err)
	}
	if h.opens(a, a.keys.Key) || h.opens(a, third.Key) || !h.opens(a, second.Key) || !h.opens(b, b.keys.Key) {
		t.Error("others were not dropped, or this one was")
	}
	for _, gone := range []paywall.KeyHashes{a.keys, third} {
		_, err := h.store.AddKey(ctx, gone.Code, newKeys(t))
		h.wantError(err, paywall.ErrNoWallet)
		_, err = h.store.AddKey(ctx, second.Code, gone)
		h.wantError(err, paywall.ErrConflict)
	}
	if list := h.devices(a, second.Key); len(list) != 1 || !list[0].Current {
		t.Errorf("the devices are %+v", list)
	}
	if w, err := h.store.AddKey(ctx, second.Code, newKeys(t)); err != nil || w.ID != a.ID {
		t.Errorf("recovering with the code that is left: %+v, %v", w, err)
	}
	if err := h.store.Erase(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	if w, err := h.store.OpenWallet(ctx, third, paywall.Welcome{Amount: euro(0)}); err != nil || w.ID == a.ID {
		t.Errorf("after the wallet is erased its dropped key is free: %+v, %v", w, err)
	}
}

// testManyDevices: 50 browsers are let in, and each one more takes the place of the
// one that came first, whose recovery code stays.
func testManyDevices(t *testing.T, h *suite) {
	ctx := t.Context()
	a := h.reader(100)
	keys := []paywall.KeyHashes{a.keys}
	for range paywall.MaxDevices + 2 {
		next := newKeys(t)
		h.clock.sleep(time.Second)
		if _, err := h.store.AddKey(ctx, a.keys.Code, next); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, next)
	}
	list := h.devices(a, keys[len(keys)-1].Key)
	if len(list) != paywall.MaxDevices || !list[len(list)-1].Current {
		t.Errorf("%d devices are listed, the last is %+v", len(list), list[len(list)-1])
	}
	for i, k := range keys {
		if opens := i >= len(keys)-paywall.MaxDevices; h.opens(a, k.Key) != opens {
			t.Errorf("device %d of %d opens the wallet: %v, want %v", i, len(keys), !opens, opens)
		}
	}
	if _, err := h.store.AddKey(ctx, keys[1].Code, newKeys(t)); err != nil {
		t.Errorf("the recovery code of a device that had to make room: %v", err)
	}
	if _, err := h.store.AddKey(ctx, a.keys.Code, keys[0]); !errors.Is(err, paywall.ErrConflict) {
		t.Errorf("the key of a device that had to make room is taken again: %v", err)
	}
	before := h.devices(a, keys[0].Key)
	if _, err := h.store.AddKey(ctx, a.keys.Code, keys[len(keys)-1]); err != nil { // sent again
		t.Fatal(err)
	}
	if after := h.devices(a, keys[0].Key); !slices.Equal(after, before) {
		t.Error("a device that is let in already takes another's place")
	}
	if err := h.store.Drop(ctx, a.ID, paywall.Drop{Except: keys[len(keys)-1].Key, Codes: true}); err != nil {
		t.Fatal(err)
	}
	if left := h.devices(a, keys[len(keys)-1].Key); len(left) != 1 || !left[0].Current {
		t.Errorf("of all devices %+v are left", left)
	}
}
