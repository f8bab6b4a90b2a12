package storetest

import (
	"context"
	"errors"
	"slices"

	"github.com/tuppence/tuppence/paywall"
)

// teller brings money into wallets and out of them by chance, and knows by adding up what
// must come of it. The model and the month are run by it.
type teller struct {
	*suite
	dice func(n int) int                // a number below n
	fail func(text string, args ...any) // ends the run
	any  func() *holder

	// try makes a call that may be made again: where a caller loses answers it is, and
	// then a movement may be replayed the first time it is asked for.
	try   func(call func(context.Context) error) error
	loses bool

	sums     sums
	intents  []*tellerIntent
	payments []*payment
	booked   []tellerBooked
	taken    []*tellerTaken
	parts    []*part
	strays   []*tellerStray
	payouts  []paywall.Movement
}

type tellerIntent struct {
	paywall.Intent
	by    *holder
	state paywall.IntentState
}

// tellerBooked is a movement and what became of it.
type tellerBooked struct {
	paywall.Movement
	paywall.Booked
}

// tellerTaken is what a refund or a dispute took.
type tellerTaken struct {
	paywall.Movement
	of            *payment
	free, missing int64
	over          bool
}

// tellerStray is money that belongs to nobody.
type tellerStray struct {
	way, id string
	of      *payment // that was to go back into a wallet; nil: it is a payment itself
	cents   int64
	placed  bool
}

// calls are all that a teller does, by name.
func (c *teller) calls() map[string]func() {
	return map[string]func(){
		"top-up": c.topUp, "intent": c.moveIntent, "pay": c.pay, "fee": c.fee, "take-back": c.takeBack, "dispute": c.dispute, "take-ends": c.takeEnds,
		"cash-out": c.cashOutAny, "cash-out-moves": c.movePart, "stray": c.stray, "assign": c.assign, "send-back": c.sendBack, "payout": c.payout,
		"again": c.bookAgain,
	}
}

func (c *teller) want(what string, err, want error) bool {
	if !errors.Is(err, want) {
		c.fail("%s: got %v, want %v", what, err, want)
	}
	return want == nil
}

// number is one from low to high.
func (c *teller) number(low, high int64) int64 { return low + int64(c.dice(int(high-low+1))) }

// one draws one of several, if there are any.
func one[T any](c *teller, from []T) (drawn T, ok bool) {
	if len(from) == 0 {
		return drawn, false
	}
	return from[c.dice(len(from))], true
}

// begin begins a top-up, and answers it if it may be.
func (c *teller) begin(r *holder, way string, amount int64) *tellerIntent {
	in := c.intent(r.reader, way, amount)
	waiting := 0
	for _, other := range c.intents {
		if other.by == r && other.Way == way && !other.state.Final() && c.clock.now().Before(other.ExpiresAt) {
			waiting++
		}
	}
	err := c.try(func(ctx context.Context) error {
		_, err := c.store.BeginTopUp(ctx, in)
		return err
	})
	switch {
	case r.erased:
		c.want("beginning a top-up", err, paywall.ErrNoWallet)
	case r.closing:
		c.want("topping a closed wallet up", err, paywall.ErrWalletClosed)
	case waiting >= 3:
		c.want("beginning too many", err, paywall.ErrTooManyTopUps)
	case c.want("beginning a top-up", err, nil):
		begun := &tellerIntent{in, r, paywall.IntentOpen}
		c.intents = append(c.intents, begun)
		return begun
	}
	return nil
}

func (c *teller) topUp() {
	way := card
	if c.dice(4) == 0 {
		way = bank
	}
	c.begin(c.any(), way, c.number(1, 200))
}

// moveIntent tells how far a top-up is; what goes backwards changes nothing.
func (c *teller) moveIntent() {
	in, ok := one(c, c.intents)
	if !ok {
		return
	}
	order := []paywall.IntentState{paywall.IntentOpen, paywall.IntentOffered, paywall.IntentPending, paywall.IntentFailed, paywall.IntentExpired}
	to := c.dice(len(order))
	if !in.state.Final() && to > slices.Index(order, in.state) {
		in.state = order[to]
	}
	var got paywall.Intent
	err := c.try(func(ctx context.Context) (err error) {
		got, err = c.store.MoveIntent(ctx, in.ID, order[to], "object of "+in.ID)
		return err
	})
	if c.want("moving a top-up", err, nil) && got.State != in.state {
		c.fail("a top-up that is told to be %s is %s, want %s", order[to], got.State, in.state)
	}
}

// record books a movement that must succeed.
func (c *teller) record(mv paywall.Movement) (b paywall.Booked) {
	err := c.try(func(ctx context.Context) (err error) {
		b, err = c.store.Book(ctx, mv)
		return err
	})
	c.want("booking a "+string(mv.Kind), err, nil)
	if b.Replayed && !c.loses {
		c.fail("the first %s is booked as %+v", mv.Kind, b)
	}
	b.Replayed = false
	c.booked = append(c.booked, tellerBooked{mv, b})
	return b
}

func (c *teller) pay() {
	if in, ok := one(c, c.intents); ok {
		c.payIntent(in)
	}
}

// payIntent pays a top-up, which may be over, and may have been paid before.
func (c *teller) payIntent(in *tellerIntent) {
	mv := c.pays(in.Intent)
	b := c.record(mv)
	c.sums[mv.Way] -= cents(mv.Amount)
	if in.by.erased || in.by.closing {
		c.strayed(mv, b)
		return
	}
	c.credited(in, b, &payment{way: mv.Way, id: mv.ID, amount: cents(mv.Amount)})
}

// credited is a payment, or other money, that came into the wallet of an intent.
func (c *teller) credited(in *tellerIntent, b paywall.Booked, p *payment) {
	before := in.by.cents
	in.by.add(c.sums, p.amount)
	if in.state = paywall.IntentPaid; p.id != "" {
		p.of = in.by
		in.by.payments, c.payments = append(in.by.payments, p), append(c.payments, p)
	}
	c.wantBooked(b, in.by, in.by.cents-before)
}

// wantBooked checks what is told of a movement; of an erased wallet nothing is.
func (c *teller) wantBooked(b paywall.Booked, of *holder, credited int64) {
	wallet := of.ID
	if of.erased {
		wallet, credited, b.Balance = "", 0, euro(of.cents)
	}
	if b.Wallet != wallet || cents(b.Credited) != credited || cents(b.Balance) != of.cents || !b.Placed {
		c.fail("booked is %+v, want %d cents for wallet %q with %d", b, credited, wallet, of.cents)
	}
}

func (c *teller) strayed(mv paywall.Movement, b paywall.Booked) {
	if b.Placed || !b.Credited.IsZero() {
		c.fail("money for nobody is booked as %+v", b)
	}
	c.unclaimed(mv.Way, mv.ID, cents(mv.Amount), nil)
}

func (c *teller) fee() {
	p, ok := one(c, c.payments)
	if !ok {
		return
	}
	mv := c.moved(p.way, paywall.MovedFee, p.id, c.number(1, 30))
	c.record(mv)
	c.sums[p.way] += cents(mv.Amount)
	c.sums[paywall.AccountFees] -= cents(mv.Amount)
}

func (c *teller) stray() {
	mv := c.moved(bank, paywall.MovedPayment, "", c.number(1, 100))
	mv.Payment = mv.ID
	c.sums[bank] -= cents(mv.Amount)
	c.strayed(mv, c.record(mv))
}

func (c *teller) payout() {
	if len(c.payouts) > 0 && c.dice(3) == 0 {
		mv := c.payouts[0]
		mv.Kind, c.payouts = paywall.MovedPayoutFailed, c.payouts[1:]
		c.record(mv)
		c.sums[card] -= cents(mv.Amount)
		c.sums[bank] += cents(mv.Amount)
		return
	}
	mv := c.moved(card, paywall.MovedPayout, "", c.number(1, 100))
	c.record(mv)
	c.payouts = append(c.payouts, mv)
	c.sums[card] += cents(mv.Amount)
	c.sums[bank] -= cents(mv.Amount)
}

// bookAgain brings a movement that was booked before, as it was or with another amount.
func (c *teller) bookAgain() {
	was, ok := one(c, c.booked)
	if !ok {
		return
	}
	mv := was.Movement
	if mv.Kind != paywall.MovedDisputeLost && c.dice(2) == 0 { // which moves nothing
		mv.Amount.Micros += 10_000
		err := c.try(func(ctx context.Context) error {
			_, err := c.store.Book(ctx, mv)
			return err
		})
		c.want("the same movement of another amount", err, paywall.ErrConflict)
		return
	}
	var b paywall.Booked
	err := c.try(func(ctx context.Context) (err error) {
		b, err = c.store.Book(ctx, mv)
		return err
	})
	c.want("booking again", err, nil)
	if gone := b.Wallet == ""; !b.Replayed || b.Credited.Micros != was.Credited.Micros && !gone {
		c.fail("booked again is %+v, first it was %+v", b, was.Booked)
	}
}

// checkSums holds the accounts of others against what must be in them.
func (c *teller) checkSums(got map[string]int64) {
	for account, cents := range c.sums {
		if got[account] != cents*10_000 {
			c.fail("the account %s has %d millionths, want %d cents", account, got[account], cents)
		}
	}
}
