package audit

import (
	"slices"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

func (a *Audit) addUnlock(r *journal.Record, at Ref, w *wallet) {
	a.addPaid(r)
	if r.Gift == (paywall.Hash{}) {
		a.mayBuy(r)
		a.addCharge(r, w)
	} else if len(r.Legs) > 0 || r.Price != 0 || r.Cap != 0 || r.Refund != 0 || r.Auto {
		a.problem(r, "a gift moves money or has a price")
	}
	id := state.UnlockHash(r.Unlock)
	if a.unlocks[id] != nil {
		a.problem(r, "its offer was used before")
	}
	a.unlocks[id] = &state.Unlock{Number: w.Number, Bought: at, Prev: w.Bought, Free: a.addFree(r, w) - r.Free}
	w.Bought = at
	key := state.ResourceHash(r.Site, r.Resource)
	o := w.resources[key]
	if o == nil {
		o = &owned{}
		w.resources[key] = o
	}
	// Earlier versions sold a resource again in other letter case.
	if !o.Stands.IsZero() && o.name == r.Resource && (o.expires.IsZero() || r.Time.Before(o.expires)) {
		a.problem(r, "its wallet owns the resource already")
	}
	o.Stands, o.name, o.expires = at, r.Resource, time.Time{}
	if r.Access > 0 {
		o.expires = r.Time.Add(r.Access)
	}
}

func (a *Audit) addRefund(r *journal.Record, at Ref, w *wallet) {
	u := a.unlocks[state.UnlockHash(r.Unlock)]
	if u == nil || u.Number != w.Number {
		a.problem(r, "it refunds a purchase that its wallet never made")
		return
	}
	if !u.Refunded.IsZero() {
		a.problem(r, "its purchase was refunded before")
	}
	if u.Given {
		a.problem(r, "a gift of its purchase was opened")
	}
	u.Refunded = at
	bought, err := a.record(u.Bought)
	if err != nil {
		a.problem(r, "reading its purchase: %v", err)
		return
	}
	back := slices.EqualFunc(r.Legs, bought.Legs, func(a, b paywall.Leg) bool {
		return a.Account == b.Account && a.Micros == -b.Micros
	})
	if !back || r.Site != bought.Site || r.Resource != bought.Resource {
		a.problem(r, "it does not give back what record %d took", bought.Seq)
	}
	if !r.Time.Before(bought.Time.Add(bought.Refund)) {
		a.problem(r, "the time for a refund of record %d was over", bought.Seq)
	}
	if o := w.resources[state.ResourceHash(r.Site, r.Resource)]; o != nil {
		if o.Undone++; o.Stands == u.Bought {
			o.Stands = Ref{}
		}
	}
	refunds := state.RefundsKey(w.Number)
	if n := w.counted(refunds, month(r.Time)); r.Limit > 0 && n >= int64(r.Limit) {
		a.problem(r, "its wallet had %d refunds this month already", n)
	}
	w.count(refunds, month(r.Time), 1)
	w.Free += bought.Free + u.Free
	a.said(r, bought.Free+u.Free)
	w.takeBack(bought, r.Paid())
	a.revoke(r.Unlock, r.Time)
}

// addErase forgets everything that the state must have forgotten. The unlocks stay as
// tombstones.
func (a *Audit) addErase(r *journal.Record, id state.WalletID, w *wallet) {
	for at := w.Bought; !at.IsZero(); {
		bought, err := a.record(at)
		if err != nil {
			a.problem(r, "reading a purchase: %v", err)
			break
		}
		had := a.unlocks[state.UnlockHash(bought.Unlock)]
		if had.Refunded.IsZero() && live(bought, r.Time) {
			a.revoke(bought.Unlock, r.Time)
		}
		at = had.Prev
		*had = state.Unlock{}
	}
	for _, hash := range w.keys {
		delete(a.keys, hash)
	}
	for _, hash := range w.codes {
		delete(a.codes, hash)
	}
	delete(a.wallets, id)
	a.erased[id] = true
}

// live reports whether a purchase that was not refunded opened its resource at a time.
func live(r *journal.Record, at time.Time) bool {
	return r.Access == 0 || at.Before(r.Time.Add(r.Access))
}

// month numbers the months of the UTC calendar.
func month(t time.Time) uint64 {
	t = t.UTC()
	return uint64(t.Year())*12 + uint64(t.Month()) - 1
}

func (a *Audit) revoke(unlock string, at time.Time) {
	if until := at.Add(paywall.AccessTTL + time.Hour); until.After(a.now) {
		a.revoked[unlock] = until
	}
}
