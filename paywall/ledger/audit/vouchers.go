package audit

import (
	"strconv"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

type voucher struct {
	state.Voucher
	batch uint64 // the number of the record that made it
}

func (a *Audit) addVouchers(r *journal.Record) {
	a.batches[r.Seq] = false
	for _, v := range r.Vouchers {
		if !a.mine(v.Code[0]) {
			continue
		}
		if _, twice := a.vouchers[v.Code]; twice || v.Amount.Micros <= 0 {
			a.problem(r, "a voucher is made twice, or worth nothing")
		}
		made := voucher{Voucher: state.Voucher{Amount: v.Amount.Micros}, batch: r.Seq}
		if !v.ExpiresAt.IsZero() {
			made.Expires = v.ExpiresAt.UnixMilli()
		}
		a.vouchers[v.Code] = made
	}
}

func (a *Audit) addRedeem(r *journal.Record) {
	if !a.mine(r.Voucher[0]) {
		return
	}
	v, made := a.vouchers[r.Voucher]
	id, _ := state.ParseWalletID(r.Wallet)
	switch {
	case !made:
		a.problem(r, "its voucher was never made")
	case v.Used != [16]byte{}:
		a.problem(r, "its voucher was redeemed before")
	case a.batches[v.batch]:
		a.problem(r, "its voucher was revoked before")
	case v.Amount != -of(r, paywall.AccountVoucher) || v.Expires != 0 && r.Time.UnixMilli() >= v.Expires:
		a.problem(r, "its voucher was worth %d millionths, or had expired", v.Amount)
	}
	v.Used = state.UsedBy(id, r.Voucher)
	a.vouchers[r.Voucher] = v
}

// addRevoke checks that a batch of vouchers is revoked once, and none that is not there.
func (a *Audit) addRevoke(r *journal.Record, at Ref) {
	if revoked, made := a.batches[r.Batch]; !made || revoked {
		a.fault(r, "record %d made no vouchers, or they were revoked before", r.Batch)
	}
	a.batches[r.Batch] = true
	a.booked[movement{named{"", strconv.FormatUint(r.Batch, 10)}, state.BookedRevoke}] = at
	for code, v := range a.vouchers {
		if v.batch == r.Batch && v.Used == [16]byte{} {
			v.Revoked = true
			a.vouchers[code] = v
		}
	}
}
