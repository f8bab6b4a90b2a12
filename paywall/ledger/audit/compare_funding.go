package audit

import (
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// compareFunding looks up what the state must have of money in and out.
func (c *comparison) compareFunding() {
	for id, in := range c.intents {
		if c.told(in.wallet) {
			c.compareIntent(id, in)
		}
	}
	for of, p := range c.payments {
		if c.told(p.wallet) {
			c.want(state.PaymentKey(of.way, of.id), p.Encode(), "a payment")
		}
	}
	for part, out := range c.cashOuts {
		if !c.told(out.wallet) {
			continue
		}
		if c.want(state.CashOutKey(part), out.Encode(), "a cash-out"); !ended(out.State) {
			c.want(state.OpenPartKey(part), []byte{}, "a cash-out that has not ended")
		}
	}
	for wallet, number := range c.gone {
		if owes := c.owes[wallet]; owes != 0 && c.told(wallet) {
			c.want(state.DebtKey(number), state.EncodeBalance(owes), "what an erased wallet owes")
		}
	}
	if c.part == 0 {
		c.compareNobodys()
	}
}

// compareNobodys looks up what is no wallet's.
func (c *comparison) compareNobodys() {
	for m, at := range c.booked {
		c.want(state.BookedKey(m.kind, m.way, m.id), state.AppendRef(nil, at), "a movement that was booked")
	}
	for as, s := range c.unclaimed {
		c.want(state.UnclaimedKey(as.way, as.id), s.Encode(), "unclaimed money")
	}
	if owes := c.owes[""]; owes != 0 {
		c.want(state.DebtKey(state.Number{}), state.EncodeBalance(owes), "what nobody owes")
	}
}

func (c *comparison) compareIntent(id string, in *intent) {
	c.want(state.IntentKey(id), in.Encode(), "a top-up that was begun")
	if in.State.Final() {
		return
	}
	open := state.OpenIntentKey(id)
	c.want(open, []byte{}, "a top-up that is not over")
	wallet, _ := state.ParseWalletID(in.wallet)
	if w := c.wallets[wallet]; w != nil {
		c.want(state.IndexKey(w.Number, open), []byte{}, "the index of a wallet's top-ups that are not over")
	}
}
