package ledger

import (
	"slices"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

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
