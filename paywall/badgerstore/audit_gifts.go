package badgerstore

import (
	"maps"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

type auditGift struct {
	gift
	giver   walletID
	unlock  [12]byte
	readers int
}

// addGifts keeps what became of all gifts; what is wrong is told in one part only.
func (a *audit) addGifts(r *journal.Record, at journal.Ref, id walletID) {
	switch {
	case r.Kind == paywall.KindGift:
		if a.gifts[r.Gift] != nil && a.mine(id[0]) {
			a.problem(r, "its key is another gift's")
		}
		a.gifts[r.Gift] = &auditGift{gift: gift{made: at}, giver: id, unlock: unlockHash(r.Unlock), readers: r.Readers}
	case r.Kind == paywall.KindErase:
		maps.DeleteFunc(a.gifts, func(_ paywall.Hash, g *auditGift) bool { return g.giver == id })
	case r.Kind == paywall.KindUnlock && r.Gift != (paywall.Hash{}):
		a.addOpened(r, id)
	}
}

func (a *audit) addOpened(r *journal.Record, id walletID) {
	g := a.gifts[r.Gift]
	if g == nil {
		if a.mine(id[0]) {
			a.problem(r, "there is no such gift")
		}
		return
	}
	if g.opened++; !a.mine(g.giver[0]) {
		return
	}
	if g.opened > g.readers {
		a.problem(r, "its gift was opened by %d before", g.readers)
	}
	u := a.unlocks[g.unlock]
	if u == nil { // told when the gift was made
		return
	}
	u.given = true
	bought, err := a.journal.Read(u.bought)
	if err != nil {
		a.problem(r, "reading what is given: %v", err)
		return
	}
	own, theirs := unlockOf(&bought, nil, ""), unlockOf(r, nil, "")
	same := own.Site == theirs.Site && own.Resource == theirs.Resource && own.ExpiresAt.Equal(theirs.ExpiresAt)
	if !same || !own.Live(r.Time) || !u.refunded.IsZero() {
		a.problem(r, "it opens what its giver does not own so long")
	}
}

// addGiving checks a gift against the giver's purchase.
func (a *audit) addGiving(r *journal.Record, at journal.Ref, w *auditWallet) {
	a.gifts[r.Gift].prev, w.gave = w.gave, at
	if u := a.unlocks[unlockHash(r.Unlock)]; u == nil || u.number != w.number || !u.refunded.IsZero() {
		a.problem(r, "its wallet does not own what it gives")
	}
	gifts := counterKey(w.number, countGifts)
	if n := w.counted(gifts, month(r.Time)); r.Limit > 0 && n >= int64(r.Limit) {
		a.problem(r, "its wallet had made %d gifts this month already", n)
	}
	w.count(gifts, month(r.Time), 1)
}

// compareGifts looks up those whose giver is in this part.
func (c *comparison) compareGifts() {
	for key, g := range c.gifts {
		if w := c.wallets[g.giver]; w != nil {
			c.want(giftKey(key), g.encode(), "a gift")
			c.want(indexKey(w.number, giftKey(key)), []byte{}, "the index of a wallet's gifts")
		}
	}
}
