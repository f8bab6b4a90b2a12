package storetest

import (
	"context"
	"fmt"

	"github.com/tuppence/tuppence/paywall"
)

// takeBack is a refund that somebody made at the provider.
func (c *teller) takeBack() {
	p, ok := one(c, c.payments)
	if !ok {
		return
	}
	c.refund(p, c.moved(p.way, paywall.MovedRefund, p.id, c.number(1, p.amount)))
}

// refund takes what a person did not send back by hand before.
func (c *teller) refund(p *payment, mv paywall.Movement) {
	told := min(p.byHand, cents(mv.Amount))
	p.byHand -= told
	p.returned += cents(mv.Amount) - told
	c.sums[p.way] += cents(mv.Amount) - told
	c.take(p, mv, cents(mv.Amount)-told)
}

func (c *teller) dispute() {
	p, ok := one(c, c.payments)
	if !ok || p.taken {
		return
	}
	mv := c.moved(p.way, paywall.MovedDispute, p.id, p.amount)
	mv.Fee = euro(c.number(0, 1) * 20)
	p.taken = true
	c.sums[p.way] += p.amount + cents(mv.Fee)
	c.sums[paywall.AccountFees] -= cents(mv.Fee)
	c.take(p, mv, p.amount)
}

func (c *teller) take(p *payment, mv paywall.Movement, amount int64) {
	before := p.of.cents
	t := &tellerTaken{Movement: mv, of: p}
	t.free, t.missing = p.of.take(c.sums, amount)
	c.taken = append(c.taken, t)
	c.wantBooked(c.record(mv), p.of, p.of.cents-before)
}

// takeEnds has a refund come back, or a dispute end; once.
func (c *teller) takeEnds() {
	t, ok := one(c, c.taken)
	if !ok || t.over {
		return
	}
	t.over = true
	mv, amount := t.Movement, cents(t.Amount)
	mv.Fee, mv.At = euro(0), c.clock.now()
	switch {
	case mv.Kind == paywall.MovedRefund:
		mv.Kind = paywall.MovedRefundFailed
		t.of.returned -= amount
	case c.dice(2) == 0:
		mv.Kind = paywall.MovedDisputeWon
		t.of.taken = false
	default:
		mv.Kind, t.of.lost = paywall.MovedDisputeLost, true
		owed := min(t.of.of.owed, t.missing)
		_, missing := t.of.of.take(c.sums, owed) // of what came back meanwhile
		t.of.of.owed -= missing + owed
		c.sums[paywall.AccountReceivable] += missing + owed
		c.sums[paywall.AccountLosses] -= missing
		c.record(mv)
		return
	}
	c.sums[mv.Way] -= amount
	c.record(mv)
	c.back(t.of, mv, t.free)
}

// back is money that comes back to a wallet, or to nobody if it is gone. What is owed is
// paid first, but not from what was to leave.
func (c *teller) back(p *payment, mv paywall.Movement, free int64) {
	of := p.of
	if !of.erased && !of.closed() {
		before := of.cents
		of.add(c.sums, cents(mv.Amount))
		of.free += min(free, of.cents-before)
		return
	}
	debt := min(of.owed, cents(mv.Amount))
	of.owed -= debt
	c.sums[paywall.AccountReceivable] += debt
	c.unclaimed(mv.Way, mv.ID, cents(mv.Amount)-debt, p)
}

func (c *teller) unclaimed(way, id string, amount int64, of *payment) {
	if amount > 0 {
		c.sums[paywall.AccountUnclaimed] += amount
		c.strays = append(c.strays, &tellerStray{way: way, id: id, of: of, cents: amount})
	}
}

func (c *teller) cashOutAny() {
	r, closes := c.any(), c.dice(6) == 0
	parts, rest := r.offer()
	id := paywall.NewID()
	var out paywall.CashOut
	offer, offered := c.store.CashOutOffer(c.t.Context(), r.ID)
	err := c.try(func(ctx context.Context) (err error) {
		out, err = c.store.CashOut(ctx, r.ID, id, closes)
		return err
	})
	if !sameError(offered, err) && offered != nil {
		c.fail("what is offered answers %v, cashing out %v", offered, err)
	}
	switch {
	case r.erased:
		c.want("cashing an erased wallet out", err, paywall.ErrNoWallet)
	case r.owed > 0:
		c.want("cashing out while owing", err, paywall.ErrOwing)
	case len(parts) == 0:
		c.want("cashing nothing out", err, paywall.ErrConflict)
	case c.want("cashing out", err, nil):
		r.closing = r.closing || closes
		c.planned(r, out, parts, rest, closes)
		if offer.Amount != out.Amount || offer.Rest != out.Rest || len(offer.Parts) != len(out.Parts) {
			c.fail("offered was %+v, cashed out %+v", offer, out)
		}
	}
}

// planned checks a cash-out against what it must be.
func (c *teller) planned(r *holder, out paywall.CashOut, parts []*part, rest int64, closes bool) {
	sum := int64(0)
	for i, p := range parts {
		p.id = fmt.Sprintf("%s-%d", out.ID, i)
		sum += p.cents
		p.of.returned += p.cents
		if i >= len(out.Parts) {
			break
		}
		if got := out.Parts[i]; got.ID != p.id || got.Amount != euro(p.cents) || got.Payment != p.of.id || got.Way != p.of.way || got.State != paywall.CashOutPlanned {
			c.fail("part %d is %+v, want %d cents of %s", i, got, p.cents, p.of.id)
		}
	}
	if len(out.Parts) != len(parts) || out.Amount != euro(sum) || out.Rest != euro(rest) || out.Closes != closes {
		c.fail("cashed out is %+v; want %d cents in %d parts, and %d that stay", out, sum, len(parts), rest)
	}
	r.cents -= sum
	r.leaving += len(parts)
	c.sums[paywall.AccountTransit] += sum
	c.parts = append(c.parts, parts...)
}

// goes reports whether a part goes to a state; what is told late changes nothing.
func (p *part) goes(to paywall.CashOutState) bool {
	switch p.state {
	case paywall.CashOutPlanned:
		return to != paywall.CashOutPlanned
	case paywall.CashOutSent:
		return to == paywall.CashOutPending || to == paywall.CashOutDone || to == paywall.CashOutFailed
	case paywall.CashOutPending:
		return to == paywall.CashOutDone || to == paywall.CashOutFailed
	case paywall.CashOutDone:
		return to == paywall.CashOutFailed
	case paywall.CashOutFailed, paywall.CashOutCanceled:
	}
	return false
}

// movePart tells how far a part of a cash-out is, itself or by a movement.
func (c *teller) movePart() {
	p, ok := one(c, c.parts)
	if !ok {
		return
	}
	states := []paywall.CashOutState{paywall.CashOutSent, paywall.CashOutPending, paywall.CashOutDone, paywall.CashOutDone, paywall.CashOutFailed, paywall.CashOutCanceled}
	to := states[c.dice(len(states))]
	goes := p.goes(to)
	switch byMovement := c.dice(2) == 0; {
	case goes && byMovement && to == paywall.CashOutDone:
		mv := c.moved(p.of.way, paywall.MovedRefund, p.of.id, p.cents)
		mv.CashOut, p.refund = p.id, mv.ID
		c.record(mv)
	case goes && byMovement && to == paywall.CashOutFailed && p.refund != "":
		mv := c.moved(p.of.way, paywall.MovedRefundFailed, p.of.id, p.cents)
		mv.CashOut, mv.ID = p.id, p.refund
		c.record(mv)
	case byMovement && to == paywall.CashOutDone && p.state == to: // a person had said so, or it is another
		mv := c.moved(p.of.way, paywall.MovedRefund, p.of.id, p.cents)
		mv.CashOut = p.id
		c.refund(p.of, mv)
	default:
		c.tellPart(p, to, goes)
	}
	if goes {
		c.partMoved(p, to)
	}
}

func (c *teller) tellPart(p *part, to paywall.CashOutState, goes bool) {
	var got paywall.CashOutPart
	err := c.try(func(ctx context.Context) (err error) {
		got, err = c.store.MoveCashOut(ctx, p.id, to)
		return err
	})
	want := p.state
	if goes {
		want = to
	}
	if to == paywall.CashOutCanceled && want != to {
		c.want("canceling what was sent", err, paywall.ErrConflict)
		return
	}
	if c.want("moving a cash-out", err, nil) && got.State != want {
		c.fail("from %s to %s a part is %s", p.state, to, got.State)
	}
}

// partMoved does what a part in another state does to the sums.
func (c *teller) partMoved(p *part, to paywall.CashOutState) {
	was, of := p.state, p.of.of
	p.state = to
	from := paywall.AccountTransit
	switch {
	case to == paywall.CashOutDone:
		c.sums[from] -= p.cents
		c.sums[p.of.way] += p.cents
		of.leaving--
		if p.refund == "" {
			p.of.byHand += p.cents
		}
		return
	case to != paywall.CashOutFailed && to != paywall.CashOutCanceled:
		return
	case was == paywall.CashOutDone:
		from = p.of.way
	}
	c.sums[from] -= p.cents
	p.of.returned -= p.cents
	if was == paywall.CashOutDone && p.refund == "" {
		p.of.byHand -= min(p.of.byHand, p.cents)
	}
	if of.erased || of.closed() || p.of.lost {
		c.unclaimed(p.of.way, p.id, p.cents, p.of)
	} else {
		of.cents += p.cents
	}
	if was != paywall.CashOutDone {
		of.leaving--
	}
}

func (c *teller) assign() {
	s, found := one(c, c.strays)
	in, ok := one(c, c.intents)
	if !found || !ok {
		return
	}
	var b paywall.Booked
	err := c.try(func(ctx context.Context) (err error) {
		b, err = c.store.Assign(ctx, s.way, s.id, in.ID)
		return err
	})
	switch {
	case s.placed:
		if err != nil || !b.Replayed {
			c.want("assigning again", err, paywall.ErrConflict)
		}
	case in.by.erased:
		c.want("assigning to an erased wallet", err, paywall.ErrNoWallet)
	case in.by.closing:
		c.want("assigning to a closed wallet", err, paywall.ErrWalletClosed)
	case c.want("assigning", err, nil):
		s.placed, b.Replayed = true, false
		for i, was := range c.booked {
			if was.Way == s.way && was.Movement.ID == s.id && was.Kind == paywall.MovedPayment {
				c.booked[i].Credited = b.Credited
			}
		}
		c.sums[paywall.AccountUnclaimed] -= s.cents
		p := &payment{way: s.way, amount: s.cents}
		if s.of == nil {
			p.id = s.id
		}
		c.credited(in, b, p)
	}
}

func (c *teller) sendBack() {
	s, ok := one(c, c.strays)
	if !ok {
		return
	}
	err := c.try(func(ctx context.Context) error { return c.store.SendBack(ctx, s.way, s.id) })
	if s.placed {
		return // it was sent back before, or is a reader's: nothing moves
	}
	c.want("sending back", err, nil)
	if s.placed = true; s.of != nil {
		s.of.byHand += s.cents
		s.of.returned += s.cents
	}
	c.sums[paywall.AccountUnclaimed] -= s.cents
	c.sums[s.way] += s.cents
}
