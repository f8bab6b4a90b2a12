package audit

import (
	"maps"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

type gift struct {
	state.Gift
	giver   state.WalletID
	unlock  [12]byte
	readers int
}

// addGifts keeps what became of all gifts; what is wrong is told in one part only.
func (a *Audit) addGifts(r *journal.Record, at Ref, id state.WalletID) {
	switch {
	case r.Kind == paywall.KindGift:
		if a.gifts[r.Gift] != nil && a.mine(id[0]) {
			a.problem(r, "its key is another gift's")
		}
		a.gifts[r.Gift] = &gift{Gift: state.Gift{Made: at}, giver: id, unlock: state.UnlockHash(r.Unlock), readers: r.Readers}
	case r.Kind == paywall.KindErase:
		maps.DeleteFunc(a.gifts, func(_ paywall.Hash, g *gift) bool { return g.giver == id })
	case r.Kind == paywall.KindUnlock && r.Gift != (paywall.Hash{}):
		a.addOpened(r, id)
	}
}

func (a *Audit) addOpened(r *journal.Record, id state.WalletID) {
	g := a.gifts[r.Gift]
	if g == nil {
		if a.mine(id[0]) {
			a.problem(r, "there is no such gift")
		}
		return
	}
	if g.Opened++; !a.mine(g.giver[0]) {
		return
	}
	if g.Opened > g.readers {
		a.problem(r, "its gift was opened by %d before", g.readers)
	}
	u := a.unlocks[g.unlock]
	if u == nil { // told when the gift was made
		return
	}
	u.Given = true
	bought, err := a.record(u.Bought)
	if err != nil {
		a.problem(r, "reading what is given: %v", err)
		return
	}
	ends := bought.Access == 0 && r.Access == 0 || bought.Access > 0 && bought.Time.Add(bought.Access).Equal(r.Time.Add(r.Access))
	if bought.Site != r.Site || bought.Resource != r.Resource || !ends || !live(bought, r.Time) || !u.Refunded.IsZero() {
		a.problem(r, "it opens what its giver does not own so long")
	}
}

// addGiving checks a gift against the giver's purchase.
func (a *Audit) addGiving(r *journal.Record, at Ref, w *wallet) {
	a.gifts[r.Gift].Prev, w.Gave = w.Gave, at
	if u := a.unlocks[state.UnlockHash(r.Unlock)]; u == nil || u.Number != w.Number || !u.Refunded.IsZero() {
		a.problem(r, "its wallet does not own what it gives")
	}
	gifts := state.GiftsKey(w.Number)
	if n := w.counted(gifts, month(r.Time)); r.Limit > 0 && n >= int64(r.Limit) {
		a.problem(r, "its wallet had made %d gifts this month already", n)
	}
	w.count(gifts, month(r.Time), 1)
}
