package topup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

const (
	// bookedLate is how much longer ago a movement may have happened at its provider than
	// it was booked here: both sides are read from so long before.
	bookedLate = 35 * 24 * time.Hour
	// maxDifferences bounds the list; the rest is counted.
	maxDifferences = 10_000
	// progressEvery is after how many movements progress is told.
	progressEvery = 100
)

// DifferenceKind says how a provider and the journal differ about a movement.
type DifferenceKind string

// The kinds of difference.
const (
	MissingHere  DifferenceKind = "missing-here"  // the provider has it, the journal had not
	MissingThere DifferenceKind = "missing-there" // the journal has it, the provider has not
	OtherAmount  DifferenceKind = "other-amount"
)

// Difference is a movement that a provider and the journal do not agree on.
type Difference struct {
	Kind     DifferenceKind
	Movement paywall.Movement // the provider's, or the journal's if the provider has none; ids in clear
	Here     paywall.Money    // what the journal says, of OtherAmount
	Mended   bool             // missing here, and booked now
	Err      error            // why it could not be booked
}

// Reconciled is the outcome of a comparison.
type Reconciled struct {
	Since       time.Time // what is older was not compared
	Asked       []string  // ways
	Manual      []string  // ways whose statements are imported by hand: nobody could be asked
	Earlier     int       // movements at providers from before the way's first top-up: none of ours, left alone
	There, Here int       // movements read from providers, and from the journal
	Mended      int       // movements that were missing here and are booked now
	Open        int       // differences that are left
	Differences []Difference
}

// OK reports whether nothing is left to look at.
func (r Reconciled) OK() bool { return r.Open == 0 }

// Reconcile compares every movement that providers name with the journal, both ways, and
// books what is missing here. What happened before the first top-up by a way was begun is
// none of ours: it is never booked. It needs memory for 40 bytes per movement. Progress is told
// how many movements were read, and may be nil. Since is raised to the oldest time at
// which the journal's ids can still be opened.
func (s *Service) Reconcile(ctx context.Context, since time.Time, progress func(done int)) (Reconciled, error) {
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return Reconciled{}, err
	}
	if reach := s.o.Seals.reach(); since.Before(reach) {
		since = reach
	}
	c := &comparison{
		service: s, ledger: l, progress: progress, out: Reconciled{Since: since},
		looked: map[string]bool{}, found: map[movementKey]struct{}{},
	}
	if err := c.readJournal(ctx); err != nil {
		return c.out, fmt.Errorf("reading the journal: %w", err)
	}
	for _, way := range s.o.Ways {
		err := c.readWay(ctx, way)
		if errors.Is(err, ErrManual) {
			c.out.Manual = append(c.out.Manual, way.Name())
			continue
		}
		if err != nil {
			return c.out, fmt.Errorf("reading the movements of %s: %w", way.Name(), err)
		}
		c.out.Asked = append(c.out.Asked, way.Name())
	}
	if err := c.findMissingThere(ctx); err != nil {
		return c.out, fmt.Errorf("reading the journal: %w", err)
	}
	if progress != nil {
		progress(c.done)
	}
	return c.out, nil
}
