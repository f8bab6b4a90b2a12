package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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

func testPasskeys(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.reader(60), h.reader(0)
	passkey := paywall.Passkey{ID: "AP8", Data: `{"publicKey":"ü","counter":1}`}
	set := func(r reader, p paywall.Passkey) error { return h.store.SetPasskey(ctx, r.ID, p) }
	h.wantError(set(a, passkey), nil)
	passkey.SetAt = h.clock.now()
	if got, w, err := h.store.Passkey(ctx, passkey.ID); err != nil || got != passkey || w != a.Wallet {
		t.Errorf("the passkey is %+v of %+v, %v", got, w, err)
	}
	h.wantError(set(b, passkey), paywall.ErrConflict)
	h.clock.sleep(time.Minute)
	passkey.Data = `{"publicKey":"ü","counter":2}`
	h.wantError(set(a, passkey), nil)
	if got, _, err := h.store.Passkey(ctx, passkey.ID); err != nil || got.Data != passkey.Data || !got.SetAt.Equal(h.clock.now()) {
		t.Errorf("set again the passkey is %+v, %v", got, err)
	}

	// It lets a browser in as a recovery code does.
	keys := newKeys(t)
	for range 2 { // a retry
		if w, err := h.store.Admit(ctx, a.ID, keys); err != nil || w != a.Wallet {
			t.Errorf("admitting a browser: %+v, %v", w, err)
		}
	}
	if !h.opens(a, keys.Key) {
		t.Error("an admitted browser is not let in")
	}
	_, err := h.store.Admit(ctx, b.ID, keys)
	h.wantError(err, paywall.ErrConflict)
	_, err = h.store.Admit(ctx, paywall.NewID(), newKeys(t))
	h.wantError(err, paywall.ErrNoWallet)

	for i := 1; i < paywall.MaxPasskeys; i++ {
		h.wantError(set(a, paywall.Passkey{ID: fmt.Sprintf("id%02d", i), Data: "{}"}), nil)
	}
	eleventh := paywall.Passkey{ID: "eleven-_", Data: "{}"}
	if err := set(a, eleventh); paywall.ErrorCode(err) != paywall.CodeMalformed {
		t.Errorf("an eleventh passkey: %v", err)
	}
	h.wantError(set(a, passkey), nil)
	h.wantError(h.store.RemovePasskey(ctx, b.ID, "id01"), paywall.ErrNoPasskey)
	h.wantError(h.store.RemovePasskey(ctx, a.ID, "id01"), nil)
	h.wantError(h.store.RemovePasskey(ctx, a.ID, "id01"), paywall.ErrNoPasskey)
	_, _, err = h.store.Passkey(ctx, "id01")
	h.wantError(err, paywall.ErrNoPasskey)
	h.wantError(set(a, eleventh), nil)
	h.wantError(set(b, paywall.Passkey{ID: "id01", Data: "{}"}), nil) // free again
	if list, err := h.store.Passkeys(ctx, a.ID); err != nil || len(list) != paywall.MaxPasskeys {
		t.Errorf("the passkeys are %+v, %v", list, err)
	}
	for name, bad := range map[string]paywall.Passkey{
		"no id": {Data: "{}"}, "no data": {ID: "xxxx"}, "invalid UTF-8": {ID: "xxxx", Data: "\xff"},
		"an id that is none": {ID: "xxxx=", Data: "{}"}, "an id in another spelling": {ID: "xxxx\n", Data: "{}"},
		"a long id": {ID: strings.Repeat("xxxx", 342), Data: "{}"}, "loose bits": {ID: "xx", Data: "{}"},
		"much data": {ID: "xxxx", Data: strings.Repeat("x", paywall.MaxPasskeyBytes+1)},
	} {
		if err := set(b, bad); paywall.ErrorCode(err) != paywall.CodeMalformed {
			t.Errorf("a passkey with %s: %v", name, err)
		}
	}
	long := paywall.Passkey{ID: strings.Repeat("xxxx", paywall.MaxPasskeyID/3), Data: strings.Repeat("\x01", paywall.MaxPasskeyBytes)}
	h.wantError(set(b, long), nil)
	if got, _, err := h.store.Passkey(ctx, long.ID); err != nil || got.ID != long.ID || got.Data != long.Data {
		t.Errorf("the longest passkey came back with %d and %d bytes, %v", len(got.ID), len(got.Data), err)
	}
	for _, err := range []error{
		h.store.SetPasskey(ctx, paywall.NewID(), eleventh), h.store.RemovePasskey(ctx, paywall.NewID(), "id01"),
	} {
		h.wantError(err, paywall.ErrNoWallet)
	}
	_, err = h.store.Passkeys(ctx, paywall.NewID())
	h.wantError(err, paywall.ErrNoWallet)
	if err := h.store.Erase(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	_, _, err = h.store.Passkey(ctx, passkey.ID)
	h.wantError(err, paywall.ErrNoPasskey)
	h.wantError(set(b, passkey), nil) // free again
}
