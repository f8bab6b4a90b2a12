package ledger

import (
	"context"
	"strconv"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

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
