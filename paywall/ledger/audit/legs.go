package audit

import (
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// leg is what a record must move.
type leg = paywall.Leg

// of is what a record moves into an account.
func of(r *journal.Record, account string) (micros int64) {
	for _, l := range r.Legs {
		if l.Account == account {
			micros += l.Micros
		}
	}
	return micros
}

// wantLegs checks that a record moves exactly these, in any order; legs of nothing are
// left out.
func (a *Audit) wantLegs(r *journal.Record, legs ...leg) {
	n, fits := 0, true
	for _, l := range legs {
		if l.Micros != 0 {
			n++
			fits = fits && of(r, l.Account) == l.Micros
		}
	}
	if !fits || n != len(r.Legs) {
		a.fault(r, "it moves %v where %v was due", r.Legs, legs)
	}
}

// whose is the wallet that a record concerns: its payment's if that was erased.
func (a *Audit) whose(r *journal.Record) string {
	if r.Wallet != "" {
		return r.Wallet
	}
	if p := a.payments[named{r.Way, r.Payment}]; p != nil {
		return p.wallet
	}
	return ""
}

// credit is how an amount comes into a wallet: what it owes is paid first. What is left
// for a wallet that is closed or gone is unclaimed.
func (a *Audit) credit(r *journal.Record, from string, amount int64) []leg {
	whose := a.whose(r)
	debt, account := min(a.owes[whose], amount), walletPrefix+r.Wallet
	if a.closed(r.Wallet) {
		account = paywall.AccountUnclaimed
	}
	return []leg{{Account: from, Micros: -amount}, {Account: paywall.AccountReceivable, Micros: debt}, {Account: account, Micros: amount - debt}}
}

// debit is how an amount that was taken back leaves a wallet: paid credit first, then
// free, and what is missing is owed. What belongs to no wallet leaves unclaimed.
func (a *Audit) debit(r *journal.Record, amount int64) []leg {
	account := walletPrefix + r.Wallet
	had, free := -of(r, account), r.Free
	if w := a.own(r); w != nil {
		had = min(w.Balance, amount)
		free = max(had-(w.Balance-w.Free), 0)
		w.Free -= free
	}
	if p := a.payments[named{r.Way, r.Payment}]; p != nil && p.wallet == "" {
		account, had = paywall.AccountUnclaimed, 0
		if s := a.unclaimed[p.waits]; s != nil {
			had = min(s.Amount, amount)
			a.place(p.waits, had)
		}
	}
	a.free(r, free)
	return []leg{{Account: account, Micros: -had}, {Account: paywall.AccountReceivable, Micros: had - amount}}
}

// free checks what a record says of the free credit in it.
func (a *Audit) free(r *journal.Record, want int64) {
	if r.Free != want {
		a.fault(r, "it says that %d millionths are free credit, where %d are", r.Free, want)
	}
}

// owe counts what a record leaves a wallet owing.
func (a *Audit) owe(r *journal.Record) {
	debt, whose := -of(r, paywall.AccountReceivable), a.whose(r)
	a.owed += debt
	if a.owes[whose] += debt; a.owes[whose] == 0 {
		delete(a.owes, whose)
	}
	if a.owes[whose] < 0 {
		a.fault(r, "it pays a debt that nobody has")
	}
}
