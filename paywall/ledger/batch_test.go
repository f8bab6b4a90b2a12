package ledger_test

import (
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

func TestRevokedVouchersPayIntoNoWallet(t *testing.T) {
	r := newRig(t)
	w := r.wallet(0)
	ends := r.now.Add(time.Hour)
	for batch := range 2 {
		var made []paywall.Voucher
		for i := range 3 {
			made = append(made, paywall.Voucher{Code: paywall.Hash{byte(batch), byte(i), 1}, Amount: euro(2), ExpiresAt: ends, Campaign: "autumn"})
		}
		r.fails(r.AddVouchers(r.ctx, made), nil)
	}
	must[paywall.TopUp](t)(r.Redeem(r.ctx, w, paywall.Hash{0, 0, 1}))
	list := must[[]paywall.VoucherBatch](t)(r.VoucherBatches(r.ctx))
	want := paywall.VoucherBatch{Number: 3, Campaign: "autumn", Count: 3, Amount: euro(6), ExpiresAt: ends, Redeemed: 1, MadeAt: r.now}
	if len(list) != 2 || list[0] != want {
		t.Fatalf("the batches are %+v", list)
	}
	for range 2 {
		if n, err := r.RevokeVouchers(r.ctx, list[0].Number); n != 2 || err != nil {
			t.Errorf("revoked are %d, %v", n, err)
		}
	}
	_, err := r.Redeem(r.ctx, w, paywall.Hash{0, 1, 1})
	if err != paywall.ErrVoucherRevoked {
		t.Errorf("a revoked voucher gives %v", err)
	}
	if _, err := r.Voucher(r.ctx, paywall.Hash{0, 2, 1}); err != paywall.ErrVoucherRevoked {
		t.Errorf("a revoked voucher is %v", err)
	}
	if top := must[paywall.TopUp](t)(r.Redeem(r.ctx, w, paywall.Hash{0, 0, 1})); !top.Replayed || top.Credited != euro(2) {
		t.Errorf("one that was redeemed before gives %+v", top)
	}
	must[paywall.TopUp](t)(r.Redeem(r.ctx, w, paywall.Hash{1, 0, 1})) // of another batch
	if got := must[[]paywall.VoucherBatch](t)(r.VoucherBatches(r.ctx))[0]; got.Revoked != 2 || got.Redeemed != 1 {
		t.Errorf("the batch is %+v", got)
	}
	for _, none := range []uint64{0, 1, 99} {
		_, err := r.RevokeVouchers(r.ctx, none)
		r.fails(err, paywall.ErrNoBatch)
	}
}
