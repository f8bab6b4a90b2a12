package ledger

import (
	"context"
	"slices"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// maxPayment is the largest top-up, a million units; maxMovement the largest movement, a
// thousand times that. Within them no sum overflows.
const (
	maxPayment  = maxTip
	maxMovement = 1000 * maxTip
)

// Book records what moved at a provider or a bank. Key: way, kind and ID; the same again
// is answered with Replayed set, other content is [paywall.ErrConflict].
//
// A payment goes into the wallet of its intent, after what that owes. Without a known
// intent of the same way, or when the wallet is closing or erased, it stands in unclaimed.
// A payment is booked before what belongs to it, and a refund or dispute before its end:
// else [paywall.ErrNoPayment], and nothing is booked. A dispute ends once: one that was
// won is not lost any more. Money that comes back after it was lost, or another amount
// than was taken, is [paywall.ErrNeverTaken]. A refund of what a person sent back by hand
// tells of that, and moves what goes beyond it.
func (l *Ledger) Book(ctx context.Context, m paywall.Movement) (paywall.Booked, error) {
	if m.Kind == paywall.MovedPayment && m.Payment == "" {
		m.Payment = m.ID
	}
	if err := checkMovement(l.info.Currency, &m); err != nil {
		return paywall.Booked{}, err
	}
	reads := Reads{Keys: [][]byte{state.BookedKey(m.Kind, m.Way, m.ID), state.PaymentKey(m.Way, m.Payment), state.IntentKey(m.Intent)}}
	return change(ctx, l, reads, func(v *view) (*journal.Record, paywall.Booked, error) { return decideMovement(v, &m) })
}

// checkMovement refuses what can be no movement: [paywall.CodeMalformed].
func checkMovement(currency paywall.Currency, m *paywall.Movement) error {
	names := isWay(m.Way) && named(m.ID, m.Payment == "")
	for _, id := range []string{m.Payment, m.Intent, m.CashOut} {
		names = names && (id == "" || named(id, false))
	}
	fits := m.Amount.Currency == currency && m.Amount.Micros >= -maxMovement && m.Amount.Micros <= maxMovement && amount(m.Fee, currency) && m.Fee.Micros <= maxMovement
	switch m.Kind {
	case paywall.MovedPayment, paywall.MovedFee:
		fits = fits && m.Amount.Micros > 0
	case paywall.MovedRefund, paywall.MovedRefundFailed:
		fits = fits && m.Amount.Micros > 0 && (m.Payment != "" || m.CashOut != "")
	case paywall.MovedDispute, paywall.MovedDisputeWon:
		fits = fits && m.Amount.Micros > 0 && m.Payment != ""
	case paywall.MovedDisputeLost:
		fits = amount(m.Amount, currency) && m.Payment != ""
	case paywall.MovedPayout, paywall.MovedPayoutFailed:
		fits = fits && m.Amount.Micros > 0 && m.Way != paywall.AccountBank
	case paywall.MovedOther:
		fits = fits && !m.Amount.IsZero()
	default:
		fits = false
	}
	if !fits || !names || !m.Fee.IsZero() && m.Kind != paywall.MovedDispute {
		return paywall.Errorf(paywall.CodeMalformed, "a movement of the kind %q over %s %s cannot be booked for %q", m.Kind, m.Amount, m.Amount.Currency, m.Way)
	}
	return nil
}

func decideMovement(v *view, m *paywall.Movement) (*journal.Record, paywall.Booked, error) {
	value, err := v.Get(state.BookedKey(m.Kind, m.Way, m.ID))
	if err != nil {
		return nil, paywall.Booked{}, err
	}
	if value != nil {
		return bookedBefore(v, value, m)
	}
	switch m.Kind {
	case paywall.MovedPayment:
		return decidePayment(v, m)
	case paywall.MovedFee:
		return decideFee(v, m)
	case paywall.MovedRefund:
		if m.CashOut != "" {
			return decideReturned(v, m)
		}
		return decideReversal(v, m)
	case paywall.MovedRefundFailed:
		if m.CashOut != "" {
			return decideReturned(v, m)
		}
		return decideRestored(v, m, paywall.KindReversalFailed, paywall.MovedRefund)
	case paywall.MovedDispute:
		return decideDispute(v, m)
	case paywall.MovedDisputeWon:
		return decideRestored(v, m, paywall.KindDisputeWon, paywall.MovedDispute)
	case paywall.MovedDisputeLost:
		return decideLost(v, m)
	case paywall.MovedPayout:
		return plain(paywall.KindSettlement, m, m.Amount.Micros, paywall.AccountBank)
	case paywall.MovedPayoutFailed:
		return plain(paywall.KindSettlementFailed, m, -m.Amount.Micros, paywall.AccountBank)
	default:
		r, booked, err := plain(paywall.KindSuspense, m, -m.Amount.Micros, paywall.AccountSuspense)
		booked.Placed = false
		return r, booked, err
	}
}

// movementRecord begins the record of a movement.
func movementRecord(kind paywall.Kind, m *paywall.Movement) *journal.Record {
	r := &journal.Record{Funding: &journal.Funding{Way: m.Way, ID: m.ID, Payment: m.Payment}}
	r.Kind = kind
	return r
}

// plain is a movement between a way's account, to which it adds micros, and another.
func plain(kind paywall.Kind, m *paywall.Movement, micros int64, other string) (*journal.Record, paywall.Booked, error) {
	r := movementRecord(kind, m)
	r.Legs = []paywall.Leg{{Account: m.Way, Micros: micros}, {Account: other, Micros: -micros}}
	if kind != paywall.KindSuspense {
		r.Payment = ""
	}
	return r, paywall.Booked{Placed: true}, nil
}

func decideFee(v *view, m *paywall.Movement) (*journal.Record, paywall.Booked, error) {
	if m.Payment != "" {
		if _, known, err := v.payment(m.Way, m.Payment); err != nil || !known {
			return nil, paywall.Booked{}, orNot(err, paywall.ErrNoPayment)
		}
	}
	r := movementRecord(paywall.KindFee, m)
	r.Legs = []paywall.Leg{{Account: paywall.AccountFees, Micros: -m.Amount.Micros}, {Account: m.Way, Micros: m.Amount.Micros}}
	return r, paywall.Booked{Placed: true}, nil
}

func decidePayment(v *view, m *paywall.Movement) (*journal.Record, paywall.Booked, error) {
	if _, known, err := v.payment(m.Way, m.Payment); err != nil || known { // under another ID
		return nil, paywall.Booked{}, orNot(err, paywall.ErrConflict)
	}
	i, known, err := v.intent(m.Intent)
	if err != nil {
		return nil, paywall.Booked{}, err
	}
	if !known || i.begun.Way != m.Way || !i.alive || i.wallet.Leaving.Closes {
		r := movementRecord(paywall.KindUnclaimed, m)
		r.Intent = m.Intent
		r.Legs = []paywall.Leg{{Account: m.Way, Micros: -m.Amount.Micros}, {Account: paywall.AccountUnclaimed, Micros: m.Amount.Micros}}
		return r, paywall.Booked{}, nil
	}
	h := holder{id: i.owner(), wallet: i.wallet, owed: i.wallet.Owed}
	r := movementRecord(paywall.KindTopUp, m)
	r.Intent, r.Wallet = m.Intent, h.id
	r.Legs = h.credit(m.Way, m.Amount.Micros)
	return r, h.booked(v, r), nil
}

// payment finds a payment by its way and id; known is false if there is none.
func (v *view) payment(way, id string) (p state.Payment, known bool, err error) {
	value, err := v.Get(state.PaymentKey(way, id))
	if err != nil || value == nil {
		return p, false, err
	}
	p, err = state.DecodePayment(value)
	return p, true, err
}

// holder is whom a payment concerns: its wallet, or what an erased one owes. The zero
// holder is nobody.
type holder struct {
	id     string // "": the wallet is gone, or there never was one
	number state.Number
	wallet state.Wallet
	owed   int64
}

// holder finds whom a payment concerns.
func (v *view) holder(p state.Payment) (h holder, err error) {
	if h.number = p.Number; p.Number != (state.Number{}) {
		r, err := v.Record(p.Booked)
		if err != nil {
			return h, err
		}
		_, h.wallet, err = v.wallet(r.Wallet)
		if err == nil {
			h.id, h.owed = r.Wallet, h.wallet.Owed
			return h, nil
		}
		if paywall.ErrorCode(err) != paywall.CodeNoWallet {
			return h, err
		}
	}
	h.owed, err = v.debt(h.number)
	return h, err
}

// debt is what an erased wallet owes.
func (v *view) debt(n state.Number) (int64, error) {
	value, err := v.Get(state.DebtKey(n))
	if err != nil || value == nil {
		return 0, err
	}
	return state.DecodeBalance(value)
}

// open reports whether money can go into the wallet.
func (h *holder) open() bool { return h.id != "" && !h.wallet.Leaving.Closed() }

// credit is the legs by which an amount from an account pays what is owed, and goes into
// the wallet. Without an open one it stands in unclaimed.
func (h *holder) credit(from string, micros int64) []paywall.Leg {
	legs := []paywall.Leg{{Account: from, Micros: -micros}}
	owed := min(h.owed, micros)
	if owed > 0 {
		legs = append(legs, paywall.Leg{Account: paywall.AccountReceivable, Micros: owed})
	}
	if owed == micros {
		return legs
	}
	to := paywall.AccountUnclaimed
	if h.open() {
		to = paywall.WalletAccount(h.id)
	}
	return append(legs, paywall.Leg{Account: to, Micros: micros - owed})
}

// take is the legs by which a wallet gives up what it has of an amount, and owes the rest.
func (h *holder) take(micros int64) (legs []paywall.Leg) {
	taken := int64(0)
	if h.id != "" {
		taken = min(h.wallet.Balance, micros)
	}
	if taken > 0 {
		legs = append(legs, paywall.Leg{Account: paywall.WalletAccount(h.id), Micros: -taken})
	}
	if taken < micros {
		legs = append(legs, paywall.Leg{Account: paywall.AccountReceivable, Micros: taken - micros})
	}
	return legs
}

// freeTaken is how much of what a record takes from the wallet is free credit: what the
// paid credit does not cover.
func (h *holder) freeTaken(r *journal.Record) int64 {
	if h.id == "" {
		return 0
	}
	return max(r.Paid()-(h.wallet.Balance-h.wallet.Free), 0)
}

// booked is the answer to a record that was decided.
func (h *holder) booked(v *view, r *journal.Record) paywall.Booked {
	in := legOf(r, paywall.WalletAccount(h.id))
	b := paywall.Booked{Wallet: h.id, Credited: v.money(in), Balance: v.money(0), Placed: legOf(r, paywall.AccountUnclaimed) <= 0}
	if h.id != "" {
		b.Balance = v.money(h.wallet.Balance + in)
	}
	return b
}

// legOf is what a record moves into an account.
func legOf(r *journal.Record, account string) int64 {
	i := slices.IndexFunc(r.Legs, func(l paywall.Leg) bool { return l.Account == account })
	if i < 0 {
		return 0
	}
	return r.Legs[i].Micros
}
