package ledger

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

var errVoucherExists = paywall.Errorf(paywall.CodeConflict, "there is a voucher with one of these codes already; none was made")

// AddVouchers makes vouchers, all or none. Key: the hash of each code; a hash that
// exists is [paywall.ErrConflict]. More than [paywall.MaxVouchers]:
// [paywall.CodeTooLarge].
func (l *Ledger) AddVouchers(ctx context.Context, vouchers []paywall.Voucher) error {
	if len(vouchers) == 0 {
		return nil
	}
	made, err := checkVouchers(l.info.Currency, vouchers)
	if err != nil {
		return err
	}
	_, err = commit(ctx, l, Change{Large: true}, func(tx *Tx) (struct{}, error) {
		for _, v := range made {
			value, err := tx.Get(state.VoucherKey(v.Code))
			if err != nil {
				return struct{}{}, err
			}
			if value != nil {
				return struct{}{}, errVoucherExists
			}
		}
		r := &journal.Record{Vouchers: made}
		r.Kind = paywall.KindVoucher
		return struct{}{}, tx.Append(r)
	})
	return err
}

// checkVouchers is the vouchers as they are recorded.
func checkVouchers(currency paywall.Currency, vouchers []paywall.Voucher) ([]paywall.Voucher, error) {
	if len(vouchers) > paywall.MaxVouchers {
		return nil, paywall.Errorf(paywall.CodeTooLarge, "at most %d vouchers can be made at once", paywall.MaxVouchers)
	}
	made := make([]paywall.Voucher, len(vouchers))
	seen := make(map[paywall.Hash]bool, len(vouchers))
	for i, v := range vouchers {
		if v.Amount.Micros <= 0 || v.Amount.Currency != currency || len(v.Campaign) > paywall.MaxCampaign {
			return nil, paywall.Errorf(paywall.CodeMalformed, "a voucher of %s %s cannot be made", v.Amount, v.Amount.Currency)
		}
		if seen[v.Code] {
			return nil, errVoucherExists
		}
		seen[v.Code] = true
		v.Campaign = strings.ToValidUTF8(v.Campaign, "\uFFFD")
		if !v.ExpiresAt.IsZero() {
			v.ExpiresAt = v.ExpiresAt.UTC().Truncate(time.Millisecond)
		}
		made[i] = v
	}
	return made, nil
}

// voucher finds a voucher: [paywall.ErrBadVoucher].
func (v *view) voucher(code paywall.Hash) (state.Voucher, error) {
	value, err := v.Get(state.VoucherKey(code))
	if err != nil {
		return state.Voucher{}, err
	}
	if value == nil {
		return state.Voucher{}, paywall.ErrBadVoucher
	}
	return state.DecodeVoucher(value)
}

// mayRedeem is why a wallet that has not redeemed the voucher cannot, nil if it can.
func mayRedeem(v *view, kept state.Voucher) error {
	switch {
	case kept.Used != ([16]byte{}):
		return paywall.ErrVoucherUsed
	case kept.Revoked:
		return paywall.ErrVoucherRevoked
	case kept.Expires != 0 && v.now.UnixMilli() >= kept.Expires:
		return paywall.ErrVoucherExpired
	}
	return nil
}

// Voucher answers what a code would pay into a wallet that redeems it now. Unknown:
// [paywall.ErrBadVoucher]; redeemed: [paywall.ErrVoucherUsed]; else revoked:
// [paywall.ErrVoucherRevoked]; else expired: [paywall.ErrVoucherExpired].
func (l *Ledger) Voucher(ctx context.Context, code paywall.Hash) (paywall.Money, error) {
	return look(ctx, l, Reads{Keys: [][]byte{state.VoucherKey(code)}}, func(v *view) (paywall.Money, error) {
		kept, err := v.voucher(code)
		if err == nil {
			err = mayRedeem(v, kept)
		}
		return v.money(kept.Amount), err
	})
}

// Redeem pays a voucher into a wallet, once, after what the wallet owes. Key: the voucher;
// the same wallet again gets the first top-up with Replayed set. Unknown, redeemed by
// another wallet, revoked or expired: as [Ledger.Voucher]. [paywall.ErrNoWallet],
// [paywall.ErrWalletClosed].
func (l *Ledger) Redeem(ctx context.Context, wallet string, code paywall.Hash) (paywall.TopUp, error) {
	return change(ctx, l, walletReads(wallet, state.VoucherKey(code)), func(v *view) (*journal.Record, paywall.TopUp, error) {
		return decideRedeem(v, wallet, code)
	})
}

func decideRedeem(v *view, wallet string, code paywall.Hash) (_ *journal.Record, t paywall.TopUp, err error) {
	id, w, err := v.wallet(wallet)
	if err != nil {
		return nil, t, err
	}
	kept, err := v.voucher(code)
	if err != nil {
		return nil, t, err
	}
	t.Balance = v.money(w.Balance)
	if kept.Used == state.UsedBy(id, code) {
		t.Replayed = true
		t.Credited, err = v.redeemed(w.Number, code)
		return nil, t, err
	}
	if err := mayRedeem(v, kept); err != nil {
		return nil, t, err
	}
	if w.Leaving.Closes {
		return nil, t, paywall.ErrWalletClosed
	}
	r := &journal.Record{Wallet: wallet, Voucher: code}
	r.Kind = paywall.KindRedeem
	owed := min(w.Owed, kept.Amount)
	if owed < kept.Amount {
		r.Legs = []paywall.Leg{{Account: paywall.WalletAccount(wallet), Micros: kept.Amount - owed}}
	}
	r.Legs = append(r.Legs, paywall.Leg{Account: paywall.AccountVoucher, Micros: -kept.Amount})
	if owed > 0 {
		r.Legs = append(r.Legs, paywall.Leg{Account: paywall.AccountReceivable, Micros: owed})
	}
	t.Credited = v.money(kept.Amount - owed)
	t.Balance.Micros += t.Credited.Micros
	return r, t, nil
}

// redeemed is what a voucher paid into the wallet that redeemed it.
func (v *view) redeemed(n state.Number, code paywall.Hash) (paywall.Money, error) {
	cause := "redeem/" + base64.RawURLEncoding.EncodeToString(code[:])
	value, err := v.Get(state.TransferKey(n, cause))
	if err != nil {
		return v.money(0), err
	}
	t, err := state.DecodeTransfer(value)
	if err != nil {
		return v.money(0), err
	}
	first, err := v.Record(t.At)
	if err != nil {
		return v.money(0), err
	}
	return v.money(first.Paid()), nil
}

// RevokeVouchers ends the vouchers that one record made, by its number: those that nobody
// redeemed, expired ones among them, pay into no wallet any more. It answers how many
// these are. Key: the number; again it changes nothing and answers the same.
// [paywall.ErrNoBatch].
func (l *Ledger) RevokeVouchers(ctx context.Context, batch uint64) (revoked int, err error) {
	head, err := l.engine.Head(ctx)
	if err != nil {
		return 0, err
	}
	if batch == 0 || batch > head.Seq {
		return 0, paywall.ErrNoBatch
	}
	return commit(ctx, l, Change{Large: true}, func(tx *Tx) (int, error) {
		made, err := tx.Numbered(batch)
		if err != nil {
			return 0, err
		}
		if made.Kind != paywall.KindVoucher {
			return 0, paywall.ErrNoBatch
		}
		before, err := tx.Get(revokedKey(batch))
		if err != nil {
			return 0, err
		}
		if before == nil {
			r := &journal.Record{Funding: &journal.Funding{Batch: batch}}
			r.Kind = paywall.KindRevoke
			if err := tx.Append(r); err != nil {
				return 0, err
			}
		}
		b, err := tx.batch(made)
		return b.Revoked, err
	})
}

func revokedKey(batch uint64) []byte {
	return state.BookedKey(state.BookedRevoke, "", strconv.FormatUint(batch, 10))
}

// applyRevoke ends the vouchers of a batch that nobody redeemed.
func (tx *Tx) applyRevoke(r *journal.Record, at Ref) error {
	made, err := tx.Numbered(r.Batch)
	if err != nil {
		return err
	}
	tx.put(revokedKey(r.Batch), state.AppendRef(nil, at))
	for _, v := range made.Vouchers {
		kept, err := tx.voucher(v.Code)
		if err != nil {
			return err
		}
		if kept.Used != ([16]byte{}) {
			continue
		}
		kept.Revoked = true
		tx.put(state.VoucherKey(v.Code), kept.Encode())
	}
	return nil
}

// batch sums up vouchers that were made together.
func (v *view) batch(made *journal.Record) (b paywall.VoucherBatch, err error) {
	b = paywall.VoucherBatch{Number: made.Seq, Count: len(made.Vouchers), Amount: v.money(0), MadeAt: made.Time}
	for i, voucher := range made.Vouchers {
		if i == 0 {
			b.Campaign, b.ExpiresAt = voucher.Campaign, voucher.ExpiresAt
		}
		if b.Amount, err = b.Amount.Add(voucher.Amount); err != nil {
			return b, err
		}
		kept, err := v.voucher(voucher.Code)
		switch {
		case err != nil:
			return b, err
		case kept.Used != ([16]byte{}):
			b.Redeemed++
		case kept.Revoked:
			b.Revoked++
		}
	}
	return b, nil
}

// VoucherBatches lists the vouchers that were made together, oldest first. Campaign and
// end are those of the first voucher of each. It looks up every voucher, and the first
// call after opening reads the journal through.
func (l *Ledger) VoucherBatches(ctx context.Context) ([]paywall.VoucherBatch, error) {
	numbers, err := l.madeVouchers(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]paywall.VoucherBatch, 0, len(numbers))
	for _, seq := range numbers {
		if err := l.interrupted(ctx); err != nil {
			return nil, err
		}
		b, err := look(ctx, l, Reads{}, func(v *view) (paywall.VoucherBatch, error) {
			made, err := v.Numbered(seq)
			if err != nil {
				return paywall.VoucherBatch{}, err
			}
			return v.batch(made)
		})
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}
