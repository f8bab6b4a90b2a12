package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

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
