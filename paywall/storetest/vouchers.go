package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func testVouchers(t *testing.T, h *suite) {
	ctx := t.Context()
	a, b := h.reader(0), h.reader(0)
	vouchers := []paywall.Voucher{
		{Code: code("one"), Amount: euro(500), Campaign: "autumn \"26\" ü"},
		{Code: code("short"), Amount: euro(100), ExpiresAt: h.clock.now().Add(time.Hour)},
		{Code: code("late"), Amount: euro(100), ExpiresAt: h.clock.now().Add(time.Hour)},
	}
	if err := h.store.AddVouchers(ctx, vouchers); err != nil {
		t.Fatal(err)
	}
	h.wantError(h.store.AddVouchers(ctx, []paywall.Voucher{{Code: code("new"), Amount: euro(1)}, vouchers[0]}), paywall.ErrConflict)
	h.wantError(h.store.AddVouchers(ctx, []paywall.Voucher{{Code: code("x"), Amount: euro(1)}, {Code: code("x"), Amount: euro(1)}}), paywall.ErrConflict)
	if err := h.store.AddVouchers(ctx, []paywall.Voucher{{Code: code("y"), Amount: euro(0)}}); err == nil {
		t.Error("a voucher worth nothing was made")
	}
	_, err := h.store.Redeem(ctx, a.ID, code("new"))
	h.wantError(err, paywall.ErrBadVoucher) // all or none

	worth := func(name string, want paywall.Money, wantErr error) {
		t.Helper()
		got, err := h.store.Voucher(ctx, code(name))
		if h.wantError(err, wantErr); got != want {
			t.Errorf("the code %q is worth %s, want %s", name, got, want)
		}
	}
	worth("one", euro(500), nil)
	worth("late", euro(100), nil)
	worth("unknown", paywall.Money{}, paywall.ErrBadVoucher)
	worth("one", euro(500), nil) // looking changes nothing

	first, err := h.store.Redeem(ctx, a.ID, code("one"))
	if err != nil || first != (paywall.TopUp{Credited: euro(500), Balance: euro(500)}) {
		t.Errorf("the top-up is %+v, %v", first, err)
	}
	h.buy(a, h.offer("/articles/a", 20))
	again, err := h.store.Redeem(ctx, a.ID, code("one"))
	if err != nil || again != (paywall.TopUp{Credited: euro(500), Balance: euro(480), Replayed: true}) {
		t.Errorf("the same voucher again is %+v, %v", again, err)
	}
	told := func(name string, want error) {
		t.Helper()
		_, looked := h.store.Voucher(ctx, code(name))
		_, redeemed := h.store.Redeem(ctx, b.ID, code(name))
		if looked != want || redeemed != want { //nolint:errorlint // errors.Is takes all codes' errors for one
			t.Errorf("the code %q: %v when looked at, %v when redeemed, want %v", name, looked, redeemed, want)
		}
	}
	told("one", paywall.ErrVoucherUsed)
	told("unknown", paywall.ErrBadVoucher)
	worth("one", paywall.Money{}, paywall.ErrBadVoucher)
	_, err = h.store.Redeem(ctx, b.ID, code("unknown"))
	h.wantError(err, paywall.ErrBadVoucher)
	_, err = h.store.Redeem(ctx, paywall.NewID(), code("short"))
	h.wantError(err, paywall.ErrNoWallet)
	if _, err := h.store.Redeem(ctx, b.ID, code("short")); err != nil {
		t.Errorf("redeeming in time: %v", err)
	}
	h.clock.sleep(time.Hour)
	worth("late", paywall.Money{}, paywall.ErrBadVoucher)
	told("late", paywall.ErrVoucherExpired)
	_, err = h.store.Redeem(ctx, b.ID, code("late"))
	h.wantError(err, paywall.ErrBadVoucher)
	if got, err := h.store.Redeem(ctx, b.ID, code("short")); err != nil || !got.Replayed {
		t.Errorf("a voucher that expired after it was redeemed: %+v, %v", got, err)
	}
	h.wantBalance(b, 100)

	many := make([]paywall.Voucher, 20_000)
	for i := range many {
		many[i] = paywall.Voucher{Code: code(fmt.Sprint("many", i)), Amount: euro(1)}
	}
	if err := h.store.AddVouchers(ctx, many); err != nil {
		t.Errorf("making %d vouchers: %v", len(many), err)
	}
	for _, i := range []int{0, len(many) / 2, len(many) - 1} {
		if _, err := h.store.Redeem(ctx, b.ID, many[i].Code); err != nil {
			t.Errorf("redeeming voucher %d of many: %v", i, err)
		}
	}
}

// testRevoked: of vouchers that were made together and revoked none is redeemed any more;
// those that were stay.
func testRevoked(t *testing.T, h *suite) {
	ctx := t.Context()
	r := h.reader(0)
	made := []paywall.Voucher{{Code: code("used"), Amount: euro(100)}, {Code: code("lying about"), Amount: euro(100)}}
	if err := h.store.AddVouchers(ctx, []paywall.Voucher{{Code: code("others"), Amount: euro(30)}}); err != nil {
		t.Fatal(err)
	}
	if err := h.store.AddVouchers(ctx, made); err != nil {
		t.Fatal(err)
	}
	report, err := h.store.Verify(ctx)
	if err != nil {
		t.Fatal(err)
	}
	batch := report.Seq
	if _, err := h.store.Redeem(ctx, r.ID, code("used")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n, err := h.store.RevokeVouchers(ctx, batch); err != nil || n != 1 {
			t.Errorf("%d vouchers were revoked, %v; want 1", n, err)
		}
	}
	_, err = h.store.Redeem(ctx, r.ID, code("lying about"))
	h.wantError(err, paywall.ErrVoucherRevoked)
	_, err = h.store.Voucher(ctx, code("lying about"))
	h.wantError(err, paywall.ErrVoucherRevoked)
	if again, err := h.store.Redeem(ctx, r.ID, code("used")); err != nil || !again.Replayed {
		t.Errorf("what was redeemed before is %+v, %v", again, err)
	}
	if _, err := h.store.Redeem(ctx, r.ID, code("others")); err != nil {
		t.Errorf("a voucher of another batch: %v", err)
	}
	h.wantBalance(r, 130)
	for _, none := range []uint64{0, batch - 2, batch + 1, 1 << 40} {
		_, err := h.store.RevokeVouchers(ctx, none)
		h.wantError(err, paywall.ErrNoBatch)
	}
}
