package ledger

import (
	"context"
	"strings"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// waiting is money that belongs to no wallet, with the record that put it there.
type waiting struct {
	state.Unclaimed
	record *journal.Record
}

// payment reports whether it is a payment: other money came back for a wallet that was
// closed or gone.
func (u *waiting) payment() bool { return u.record.Kind == paywall.KindUnclaimed }

// cameBy is the payment that unclaimed money came by, or was to give back.
func (v *view) cameBy(u *waiting) (string, error) {
	if u.record.Kind != paywall.KindCashOut {
		return u.record.Payment, nil
	}
	p, known, err := v.part(u.record.CashOut)
	if err != nil || !known {
		return "", orNot(err, paywall.ErrNoCashOut)
	}
	return p.plan.Payment, nil
}

// unclaimed finds money that belongs to no wallet: [paywall.ErrNotUnclaimed].
func (v *view) unclaimed(way, id string) (u waiting, err error) {
	value, err := v.Get(state.UnclaimedKey(way, id))
	if err != nil || value == nil {
		return u, orNot(err, paywall.ErrNotUnclaimed)
	}
	if u.Unclaimed, err = state.DecodeUnclaimed(value); err != nil {
		return u, err
	}
	u.record, err = v.Record(u.Came)
	return u, err
}

// unclaimedPayment finds what is left in unclaimed of a payment that went into no wallet,
// and its key.
func (v *view) unclaimedPayment(way string, p state.Payment) (u state.Unclaimed, key []byte, err error) {
	came, err := v.Record(p.Booked)
	if err != nil {
		return u, nil, err
	}
	key = state.UnclaimedKey(way, came.ID)
	value, err := v.Get(key)
	if err != nil || value == nil {
		return u, key, err
	}
	u, err = state.DecodeUnclaimed(value)
	return u, key, err
}

// Unclaimed lists money that came and belongs to no wallet, at most limit of it, in the
// order of "way/id" and after the given one. The ID of what came back for a closed or
// erased wallet is that of the cash-out's part, refund or dispute.
func (l *Ledger) Unclaimed(ctx context.Context, after string, limit int) ([]paywall.Unclaimed, error) {
	return look(ctx, l, Reads{List: true}, func(v *view) ([]paywall.Unclaimed, error) {
		list := []paywall.Unclaimed{}
		err := v.after([]byte{state.TagUnclaimed}, after, limit, func(rest string, value []byte) error {
			u, err := state.DecodeUnclaimed(value)
			if err != nil {
				return err
			}
			came, err := v.Record(u.Came)
			if err != nil {
				return err
			}
			way, id, _ := strings.Cut(rest, "/")
			list = append(list, paywall.Unclaimed{Way: way, ID: id, Amount: v.money(u.Amount), At: came.Time})
			return nil
		})
		return list, err
	})
}

// Assign pays unclaimed money into the wallet of an intent, which is paid with that. Key:
// way and ID; for another intent, or after it was sent back: [paywall.ErrConflict].
// Unknown: [paywall.ErrNotUnclaimed], [paywall.ErrNoIntent]. [paywall.ErrNoWallet],
// [paywall.ErrWalletClosed].
func (l *Ledger) Assign(ctx context.Context, way, id, intent string) (paywall.Booked, error) {
	reads := Reads{Keys: [][]byte{state.UnclaimedKey(way, id), state.IntentKey(intent)}}
	return change(ctx, l, reads, func(v *view) (*journal.Record, paywall.Booked, error) {
		return decideAssign(v, way, id, intent)
	})
}

func decideAssign(v *view, way, id, intent string) (*journal.Record, paywall.Booked, error) {
	i, known, err := v.intent(intent)
	if err != nil || !known {
		return nil, paywall.Booked{}, orNot(err, paywall.ErrNoIntent)
	}
	h := holder{id: i.owner(), wallet: i.wallet, owed: i.wallet.Owed}
	first, err := v.bookedAs(state.BookedAssign, way, id)
	if err != nil {
		return nil, paywall.Booked{}, err
	}
	if first != nil {
		booked := h.again(v, first)
		if first.Intent != intent {
			err = paywall.ErrConflict
		}
		return nil, booked, err
	}
	u, err := placeable(v, way, id)
	switch {
	case err != nil:
		return nil, paywall.Booked{}, err
	case !i.alive:
		return nil, paywall.Booked{}, paywall.ErrNoWallet
	case i.wallet.Leaving.Closes:
		return nil, paywall.Booked{}, paywall.ErrWalletClosed
	}
	r := &journal.Record{Wallet: h.id, Funding: &journal.Funding{Way: way, ID: id, Intent: intent}}
	r.Kind, r.Legs = paywall.KindAssign, h.credit(paywall.AccountUnclaimed, u.Amount)
	return r, h.booked(v, r), nil
}

// placeable finds unclaimed money that nobody placed yet.
func placeable(v *view, way, id string) (waiting, error) {
	u, err := v.unclaimed(way, id)
	if paywall.ErrorCode(err) != paywall.CodeNotFound {
		return u, err
	}
	for _, placed := range []paywall.MovementKind{state.BookedAssign, state.BookedSendBack} {
		switch r, err := v.bookedAs(placed, way, id); {
		case err != nil:
			return u, err
		case r != nil:
			return u, paywall.ErrConflict
		}
	}
	return u, err
}

// SendBack records that a person sent unclaimed money back the way it came. Key: way and
// ID; after it was assigned: [paywall.ErrConflict]. [paywall.ErrNotUnclaimed].
func (l *Ledger) SendBack(ctx context.Context, way, id string) error {
	return act(ctx, l, Reads{Keys: [][]byte{state.UnclaimedKey(way, id)}}, func(v *view) (*journal.Record, error) {
		if first, err := v.bookedAs(state.BookedSendBack, way, id); err != nil || first != nil {
			return nil, err
		}
		u, err := placeable(v, way, id)
		if err != nil {
			return nil, err
		}
		r := &journal.Record{Funding: &journal.Funding{Way: way, ID: id}}
		r.Kind = paywall.KindSendBack
		r.Legs = []paywall.Leg{{Account: paywall.AccountUnclaimed, Micros: -u.Amount}, {Account: way, Micros: u.Amount}}
		return r, nil
	})
}
