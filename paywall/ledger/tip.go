package ledger

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// maxTip is the largest price that can be paid, a million units: within it no sum overflows.
const maxTip = 1_000_000 * 1_000_000

// Tip moves money as a purchase does, and gives nothing for it; it cannot be undone. It
// answers the wallet after it. Keys: the wallet and the tip's ID; the same ID with other
// content is [paywall.ErrConflict]. [paywall.ErrOverBudget],
// [paywall.ErrInsufficientFunds], [paywall.ErrNoWallet], [paywall.ErrOwing],
// [paywall.ErrWalletClosed].
func (l *Ledger) Tip(ctx context.Context, wallet string, t paywall.Tip) (paywall.Wallet, error) {
	names := t.ID != "" && len(t.ID) <= 64 && t.Site != "" && utf8.ValidString(t.ID+t.Site+t.Resource)
	if !names || t.Amount.IsZero() || !amount(t.Amount, l.info.Currency) || t.Amount.Micros > maxTip {
		return paywall.Wallet{}, paywall.Errorf(paywall.CodeMalformed, "a tip of %s %s cannot be given here", t.Amount, t.Amount.Currency)
	}
	if _, err := paywall.Split(t.Amount, t.Site, t.Shares); err != nil {
		return paywall.Wallet{}, err
	}
	return change(ctx, l, walletReads(wallet), func(v *view) (*journal.Record, paywall.Wallet, error) {
		return decideTip(v, wallet, &t)
	})
}

func decideTip(v *view, wallet string, t *paywall.Tip) (_ *journal.Record, after paywall.Wallet, err error) {
	id, w, err := v.wallet(wallet)
	if err != nil {
		return nil, after, err
	}
	r := &journal.Record{Wallet: wallet, Tip: t.ID, Site: t.Site, Resource: t.Resource}
	r.Kind = paywall.KindTip
	earlier, err := v.Get(state.TransferKey(w.Number, "tip/"+wallet+"/"+t.ID))
	if err != nil {
		return nil, after, err
	}
	if earlier != nil {
		return nil, v.publicWallet(id, &w), sameTip(v, earlier, r, t)
	}
	switch {
	case w.Leaving.Closes:
		return nil, after, paywall.ErrWalletClosed
	case w.Owed > 0:
		return nil, after, paywall.ErrOwing
	case overBudget(&w, t.Amount.Micros, v.now):
		return nil, after, paywall.ErrOverBudget
	case t.Amount.Micros > w.Balance:
		return nil, after, paywall.ErrInsufficientFunds
	}
	free := takeFree(&w, t.Amount.Micros)
	w.Balance -= t.Amount.Micros
	if w.Forget {
		r.Resource = "" // nobody owns anything by it
	}
	return r, v.publicWallet(id, &w), take(r, t.Amount, free, t.Shares, t.FreeShares)
}

// sameTip refuses another tip than the one that was given before.
func sameTip(v *view, earlier []byte, r *journal.Record, t *paywall.Tip) error {
	was, err := state.DecodeTransfer(earlier)
	if err != nil {
		return err
	}
	first, err := v.Record(was.At)
	if err != nil {
		return err
	}
	if err := take(r, t.Amount, first.Free, t.Shares, len(first.Shares) == 0); err != nil {
		return err
	}
	resource := first.Resource == r.Resource || first.Resource == ""
	divided := slices.Equal(first.Legs, r.Legs) && slices.Equal(first.Shares, r.Shares)
	if first.Tip != r.Tip || first.Site != r.Site || !resource || !divided {
		return paywall.ErrConflict
	}
	return nil
}

// Shares answers how the money of a wallet's purchase was divided, for tips to be divided
// alike. When it was refunded or took nothing, or is another wallet's:
// [paywall.ErrNotFound]. [paywall.ErrNoWallet].
func (l *Ledger) Shares(ctx context.Context, wallet, unlock string) ([]paywall.Share, error) {
	return look(ctx, l, walletReads(wallet, state.UnlockKey(unlock)), func(v *view) ([]paywall.Share, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		u, err := v.bought(w.Number, unlock)
		if err != nil {
			return nil, err
		}
		if !u.Refunded.IsZero() {
			return nil, paywall.ErrNotFound
		}
		bought, err := v.Record(u.Bought)
		switch {
		case err != nil:
			return nil, err
		case bought.Paid() == 0:
			return nil, paywall.ErrNotFound
		case len(bought.Shares) > 0: // the legs are not divided alike
			return bought.Shares, nil
		}
		return paywall.SharesOf(bought.Legs), nil
	})
}

// Tips lists the tips among a wallet's newest tips and top-ups, limit of them together,
// newest first. [paywall.ErrNoWallet].
func (l *Ledger) Tips(ctx context.Context, wallet string, limit int) ([]paywall.TipState, error) {
	return look(ctx, l, walletReads(wallet), func(v *view) ([]paywall.TipState, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		list, _, err := transfers(ctx, l, v, w.Number, w.Moved, limit)
		return v.tips(&w, list), err
	})
}

func (v *view) tips(w *state.Wallet, list []*journal.Record) []paywall.TipState {
	tips := []paywall.TipState{}
	for _, r := range list {
		if r.Kind != paywall.KindTip {
			continue
		}
		t := paywall.TipState{Site: r.Site, Resource: r.Resource, Amount: v.money(r.Paid()), At: r.Time}
		if forgets(w.Settings, t.At) {
			t.Resource = ""
		}
		tips = append(tips, t)
	}
	return tips
}

// transfers reads limit tips and top-ups of a wallet from a ref on, newest first, and
// says where the one before them stands.
func transfers(ctx context.Context, l *Ledger, v *view, n state.Number, at Ref, limit int) (list []*journal.Record, next Ref, err error) {
	for !at.IsZero() && len(list) < limit {
		if err := l.interrupted(ctx); err != nil {
			return nil, at, err
		}
		r, err := v.Record(at)
		if err != nil {
			return nil, at, err
		}
		value, err := v.Get(state.TransferKey(n, r.Cause))
		if err != nil {
			return nil, at, err
		}
		t, err := state.DecodeTransfer(value)
		if err != nil {
			return nil, at, err
		}
		list, at = append(list, r), t.Prev
	}
	return list, at, nil
}
