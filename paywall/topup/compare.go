package topup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

// movementKey is what a movement is compared by.
type movementKey [16]byte

// keyOf identifies a movement with its ids in clear. A refund for a cash-out is known by
// the part that it completes, whatever the provider calls it.
func keyOf(m paywall.Movement) (key movementKey) {
	id := "/id/" + m.ID
	if m.Kind == paywall.MovedRefund && m.CashOut != "" {
		id = "/part/" + m.CashOut
	}
	sum := sha256.Sum256([]byte(m.Way + "/" + string(m.Kind) + id))
	copy(key[:], sum[:])
	return key
}

// entry is a movement of the journal.
type entry struct {
	key    movementKey
	micros int64
	seen   bool // at its provider
}

func (e entry) compare(key movementKey) int { return bytes.Compare(e.key[:], key[:]) }

// comparison is one run of Reconcile.
type comparison struct {
	service  *Service
	ledger   Ledger
	progress func(int)
	done     int
	journal  []entry                  // sorted by key
	began    time.Time                // the first top-up of the way that is read
	looked   map[string]bool          // intents that were settled since something was missing, and whether they are over
	found    map[movementKey]struct{} // what moved for them
	out      Reconciled
}

func (c *comparison) step() {
	c.done++
	if c.progress != nil && c.done%progressEvery == 0 {
		c.progress(c.done)
	}
}

// readJournal comes before the providers: what it has must have happened there already.
func (c *comparison) readJournal(ctx context.Context) error {
	for m, err := range c.ledger.Movements(ctx, c.out.Since.Add(-bookedLate)) {
		if err != nil {
			return err
		}
		m = c.opened(m)
		c.journal = append(c.journal, entry{key: keyOf(m), micros: moved(m)})
		c.out.Here++
		c.step()
	}
	slices.SortFunc(c.journal, func(a, b entry) int { return a.compare(b.key) })
	return nil
}

// opened is a movement of the journal with its ids in clear. Those whose key is gone stay
// as they are: they are older than what is compared.
func (c *comparison) opened(m paywall.Movement) paywall.Movement {
	for _, id := range []*string{&m.ID, &m.Payment, &m.Intent} {
		if text, err := c.service.o.Seals.open(*id); err == nil {
			*id = text
		}
	}
	return m
}

// moved is what a movement changes the provider's account by, apart from its direction.
func moved(m paywall.Movement) int64 { return m.Amount.Micros + m.Fee.Micros }

// find looks a movement up in the journal.
func (c *comparison) find(m paywall.Movement) *entry {
	i, found := slices.BinarySearchFunc(c.journal, keyOf(m), entry.compare)
	if !found {
		return nil
	}
	return &c.journal[i]
}

// readWay compares what a way's provider has.
func (c *comparison) readWay(ctx context.Context, way Offered) error {
	var err error
	if c.began, err = c.ledger.Began(ctx, way.Name()); err != nil {
		return err
	}
	if c.began.IsZero() {
		c.began = c.service.o.Now()
	}
	c.began = c.began.Truncate(time.Second) // as providers tell the time
	since := c.out.Since
	if since.Before(c.began) {
		since = c.began
	}
	for m, err := range way.Movements(ctx, since.Add(-bookedLate)) {
		if err != nil {
			return err
		}
		m.Way = way.Name()
		c.out.There++
		c.step()
		if err := c.compare(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) compare(ctx context.Context, m paywall.Movement) error {
	here := c.find(m)
	for _, booked := range bookedAs(m) {
		switch other := c.find(booked); {
		case other == nil:
		case here == nil:
			here, m = other, booked
		default:
			other.seen = true // a person had said so before the provider did
		}
	}
	switch {
	case here == nil && m.At.Before(c.began):
		c.out.Earlier++
		return nil
	case here == nil:
		return c.book(ctx, m)
	case here.micros != moved(m) && !m.At.Before(c.out.Since):
		c.add(Difference{Kind: OtherAmount, Movement: m, Here: paywall.Money{Micros: here.micros, Currency: c.service.o.Currency}})
	}
	here.seen = true
	return nil
}

// bookedAs is what else the journal may have a movement as: a refund that belongs to no
// cash-out of ours, and what came while its payment was not known.
func bookedAs(m paywall.Movement) (others []paywall.Movement) {
	if m.CashOut != "" {
		other := m
		other.CashOut = ""
		others = append(others, other)
	}
	if other, moves := unexplained(m); moves {
		others = append(others, other)
	}
	return others
}

// book mends a movement that the journal has not. When it was booked since the journal was
// read, it is no difference. Only a look at the intent says whether a payment is what the
// intent asked for, so that comes first.
func (c *comparison) book(ctx context.Context, m paywall.Movement) error {
	known, err := c.settle(ctx, m)
	if !known && err == nil {
		if m.Kind == paywall.MovedPayment {
			m.Intent = "" // a look does not say that it pays for that
		}
		var booked paywall.Booked
		booked, err = c.service.book(ctx, c.ledger, m.Way, m)
		if err == nil && !booked.Replayed {
			c.mended(m)
		}
	}
	switch {
	case ctx.Err() != nil, errors.Is(err, paywall.ErrUnavailable):
		return err
	case err != nil && !m.At.Before(c.out.Since):
		c.add(Difference{Kind: MissingHere, Movement: m, Err: err})
	}
	return nil
}

// settle looks at the intent that a missing movement names, once, and reports whether the
// movement was among what moved for it.
func (c *comparison) settle(ctx context.Context, m paywall.Movement) (known bool, err error) {
	in, err := c.service.paidFor(ctx, c.ledger, m)
	if err != nil || in.ID == "" {
		return false, err
	}
	if _, done := c.looked[in.ID]; !done {
		out, err := c.service.settle(ctx, c.ledger, in)
		if err != nil {
			return false, err
		}
		c.looked[in.ID] = out.intent.State.Final()
		for _, found := range out.found.Movements {
			found.Way = in.Way
			c.found[keyOf(found)] = struct{}{}
		}
		for _, found := range out.news {
			found.Way, found.Intent = in.Way, m.Intent
			c.mended(found)
		}
	}
	if _, known = c.found[keyOf(m)]; !known && m.Kind == paywall.MovedPayment && !c.looked[in.ID] {
		return false, errNotSettled
	}
	return known, nil
}

var errNotSettled = errors.New("its top-up is not over; compare again when it is")

func (c *comparison) mended(m paywall.Movement) {
	c.out.Mended++
	c.add(Difference{Kind: MissingHere, Movement: m, Mended: true})
}

// findMissingThere reads the journal again for what no provider named.
func (c *comparison) findMissingThere(ctx context.Context) error {
	if !slices.ContainsFunc(c.journal, func(e entry) bool { return !e.seen }) {
		return nil
	}
	for m, err := range c.ledger.Movements(ctx, c.out.Since) {
		if err != nil {
			return err
		}
		m = c.opened(m)
		here := c.find(m)
		if here == nil || here.seen || !slices.Contains(c.out.Asked, m.Way) || m.At.Before(c.out.Since) {
			continue
		}
		here.seen = true
		c.add(Difference{Kind: MissingThere, Movement: m})
	}
	return nil
}

func (c *comparison) add(d Difference) {
	if !d.Mended {
		c.out.Open++
	}
	if len(c.out.Differences) < maxDifferences {
		d.Movement.At = d.Movement.At.Truncate(time.Second)
		c.out.Differences = append(c.out.Differences, d)
	}
}
