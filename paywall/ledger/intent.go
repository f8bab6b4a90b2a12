package ledger

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// maxOpenIntents is how many top-ups of a wallet by one way may wait for their reader at
// once: transfers, which wait for a month, are in nobody's way to pay by card.
const maxOpenIntents = 3

// maxName bounds an id of a provider's or a client's, in bytes.
const maxName = 255

// named reports whether a text can be an id, with or without slashes.
func named(id string, slashes bool) bool {
	return id != "" && len(id) <= maxName && utf8.ValidString(id) && (slashes || !strings.Contains(id, "/"))
}

// isWay reports whether an account's name can be a way's: it is none that means something
// else.
func isWay(name string) bool {
	switch name {
	case paywall.AccountPromo, paywall.AccountVoucher, paywall.AccountFees, paywall.AccountTransit,
		paywall.AccountReceivable, paywall.AccountLosses, paywall.AccountUnclaimed, paywall.AccountSuspense:
		return false
	}
	return named(name, false)
}

// BeginTopUp records that a top-up was begun, before its way is asked for anything. Key:
// the intent's ID; the same wallet, way and amount again get the first intent, others
// [paywall.ErrConflict]. Above three of its way that are neither final nor past their end:
// [paywall.ErrTooManyTopUps]. [paywall.ErrNoWallet], [paywall.ErrWalletClosed].
func (l *Ledger) BeginTopUp(ctx context.Context, in paywall.Intent) (paywall.Intent, error) {
	in.ExpiresAt = milliseconds(in.ExpiresAt)
	if !named(in.ID, false) || !isWay(in.Way) || in.Amount.IsZero() || !amount(in.Amount, l.info.Currency) || in.Amount.Micros > maxPayment || in.ExpiresAt.Year() < 2000 {
		return paywall.Intent{}, paywall.Errorf(paywall.CodeMalformed, "a top-up of %s %s cannot be begun by %q", in.Amount, in.Amount.Currency, in.Way)
	}
	reads := walletReads(in.Wallet, state.IntentKey(in.ID))
	reads.List = true
	return change(ctx, l, reads, func(v *view) (*journal.Record, paywall.Intent, error) { return decideIntent(v, in) })
}

func decideIntent(v *view, in paywall.Intent) (_ *journal.Record, _ paywall.Intent, err error) {
	_, w, err := v.wallet(in.Wallet)
	if err != nil {
		return nil, in, err
	}
	switch first, known, err := v.intent(in.ID); {
	case err != nil:
		return nil, in, err
	case known:
		return nil, first.public(v), first.same(v, in)
	case w.Leaving.Closes:
		return nil, in, paywall.ErrWalletClosed
	}
	open := 0
	err = v.Each(state.OpenIntentsPrefix(w.Number), func(key, _ []byte) error {
		other, _, err := v.intent(string(key[len(state.OpenIntentsPrefix(w.Number)):]))
		if err == nil && other.begun.Way == in.Way && v.now.Before(other.begun.Until) {
			open++
		}
		return err
	})
	switch {
	case err != nil:
		return nil, in, err
	case open >= maxOpenIntents:
		return nil, in, paywall.ErrTooManyTopUps
	}
	r := &journal.Record{Wallet: in.Wallet, Funding: &journal.Funding{
		Intent: in.ID, State: string(paywall.IntentOpen), Way: in.Way, Amount: in.Amount.Micros, Until: in.ExpiresAt,
	}}
	r.Kind = paywall.KindIntent
	in.State, in.Object, in.Begun = paywall.IntentOpen, "", v.now
	return r, in, nil
}

// intent is a top-up that was begun, with what its records say.
type intent struct {
	state.Intent
	begun  *journal.Record
	object string
	alive  bool // its wallet is there
	wallet state.Wallet
}

// intent finds a top-up that was begun by its id; known is false if there is none.
func (v *view) intent(id string) (i intent, known bool, err error) {
	value, err := v.Get(state.IntentKey(id))
	if err != nil || value == nil {
		return i, false, err
	}
	if i.Intent, err = state.DecodeIntent(value); err != nil {
		return i, false, err
	}
	if i.begun, err = v.Record(i.Begun); err != nil {
		return i, false, err
	}
	if !i.Named.IsZero() {
		named, err := v.Record(i.Named)
		if err != nil {
			return i, false, err
		}
		i.object = named.Object
	}
	_, i.wallet, err = v.wallet(i.begun.Wallet)
	if i.alive = err == nil; paywall.ErrorCode(err) == paywall.CodeNoWallet {
		err = nil
	}
	return i, true, err
}

// owner is the wallet of an intent, "" if it was erased.
func (i *intent) owner() string {
	if !i.alive {
		return ""
	}
	return i.begun.Wallet
}

// public is an intent in the words of the port.
func (i *intent) public(v *view) paywall.Intent {
	return paywall.Intent{
		ID: i.begun.Intent, Wallet: i.owner(), Way: i.begun.Way, Amount: v.money(i.begun.Amount),
		State: i.State, Object: i.object, Begun: i.begun.Time, ExpiresAt: i.begun.Until,
	}
}

// same refuses another intent than the one that was begun with its id before.
func (i *intent) same(v *view, in paywall.Intent) error {
	if i.begun.Wallet != in.Wallet || i.begun.Way != in.Way || v.money(i.begun.Amount) != in.Amount {
		return paywall.ErrConflict
	}
	return nil
}

// Intent finds a top-up that was begun; of an erased wallet it names none.
// [paywall.ErrNoIntent].
func (l *Ledger) Intent(ctx context.Context, id string) (paywall.Intent, error) {
	return look(ctx, l, Reads{Keys: [][]byte{state.IntentKey(id)}}, func(v *view) (paywall.Intent, error) {
		i, known, err := v.intent(id)
		if err != nil || !known {
			return paywall.Intent{}, orNot(err, paywall.ErrNoIntent)
		}
		return i.public(v), nil
	})
}

// orNot is an error of the engine's or, without one, that something is not there.
func orNot(err error, none *paywall.Error) error {
	if err != nil {
		return err
	}
	return none
}

// MoveIntent records how far a top-up is, and what the way calls it. Going back, or
// staying, changes nothing and is no error. Neither is [paywall.IntentPaid]: an intent is
// paid when a payment for it is booked or assigned. [paywall.ErrNoIntent].
func (l *Ledger) MoveIntent(ctx context.Context, id string, to paywall.IntentState, object string) (paywall.Intent, error) {
	if _, known := intentRank(to); !known || object != "" && !named(object, false) {
		return paywall.Intent{}, paywall.Errorf(paywall.CodeMalformed, "a top-up cannot be %q", to)
	}
	return change(ctx, l, Reads{Keys: [][]byte{state.IntentKey(id)}}, func(v *view) (*journal.Record, paywall.Intent, error) {
		return decideMoveIntent(v, id, to, object)
	})
}

func decideMoveIntent(v *view, id string, to paywall.IntentState, object string) (*journal.Record, paywall.Intent, error) {
	i, known, err := v.intent(id)
	if err != nil || !known {
		return nil, paywall.Intent{}, orNot(err, paywall.ErrNoIntent)
	}
	was, _ := intentRank(i.State)
	rank, _ := intentRank(to)
	if rank <= was || to == paywall.IntentPaid {
		return nil, i.public(v), nil
	}
	r := &journal.Record{Wallet: i.owner(), Funding: &journal.Funding{Intent: id, State: string(to)}}
	if r.Kind = paywall.KindIntent; object != i.object {
		r.Object = object
	}
	if i.State = to; object != "" {
		i.object = object
	}
	return r, i.public(v), nil
}

// intentRank orders the states of an intent: it only ever goes to a higher one.
func intentRank(s paywall.IntentState) (int, bool) {
	switch s {
	case paywall.IntentOpen:
		return 0, true
	case paywall.IntentOffered:
		return 1, true
	case paywall.IntentPending:
		return 2, true
	case paywall.IntentFailed, paywall.IntentExpired, paywall.IntentRefused:
		return 3, true
	case paywall.IntentPaid:
		return 4, true
	}
	return 0, false
}

// maxWaiting is how many top-ups of one wallet are listed.
const maxWaiting = 20

// Waiting lists top-ups of a wallet that are neither final nor past their end, newest
// first, twenty at most. [paywall.ErrNoWallet].
func (l *Ledger) Waiting(ctx context.Context, wallet string) ([]paywall.Intent, error) {
	reads := walletReads(wallet)
	reads.List = true
	return look(ctx, l, reads, func(v *view) ([]paywall.Intent, error) {
		_, w, err := v.wallet(wallet)
		if err != nil {
			return nil, err
		}
		list := []paywall.Intent{}
		err = v.after(state.OpenIntentsPrefix(w.Number), "", maxWaiting, func(id string, _ []byte) error {
			i, known, err := v.intent(id)
			if err != nil || !known {
				return orNot(err, paywall.ErrNoIntent)
			}
			if v.now.Before(i.begun.Until) {
				list = append(list, i.public(v))
			}
			return nil
		})
		slices.SortFunc(list, func(a, b paywall.Intent) int { return b.Begun.Compare(a.Begun) })
		return list, err
	})
}

// OpenIntents lists top-ups that are not final, at most limit of them, in the order of
// their ids and after the given one.
func (l *Ledger) OpenIntents(ctx context.Context, after string, limit int) ([]paywall.Intent, error) {
	return look(ctx, l, Reads{List: true}, func(v *view) ([]paywall.Intent, error) {
		list := []paywall.Intent{}
		err := v.after(state.OpenIntentKey(""), after, limit, func(id string, _ []byte) error {
			i, known, err := v.intent(id)
			if err != nil || !known {
				return orNot(err, paywall.ErrNoIntent)
			}
			list = append(list, i.public(v))
			return nil
		})
		return list, err
	})
}

// after lists the keys with a prefix whose rest is after a text, at most limit of them.
func (v *view) after(prefix []byte, after string, limit int, yield func(rest string, value []byte) error) error {
	err := v.Each(prefix, func(key, value []byte) error {
		rest := string(key[len(prefix):])
		if after != "" && rest <= after {
			return nil
		}
		if limit--; limit < 0 {
			return errEnough
		}
		return yield(rest, value)
	})
	if err == errEnough { //nolint:errorlint // it is this one or another
		return nil
	}
	return err
}
