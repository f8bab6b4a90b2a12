package topup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

const (
	sweepEvery = 30 * time.Second
	slowEvery  = 15 * time.Minute // for what waits on a provider for days
	sweepTime  = 20 * time.Second // of one question to a provider
	pageSize   = 100
)

// Run sweeps until ctx ends: see [Service.Sweep]. A ledger or a provider that is away is
// asked again later. Of services that share a [Memory] one sweeps at a time: the next waits
// until the one before has ended.
func (s *Service) Run(ctx context.Context) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return
	}
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	var slow time.Time
	failing := false
	for {
		now := s.o.Now()
		all := now.Sub(slow) >= slowEvery
		if all {
			slow = now
		}
		err := s.sweep(ctx, all)
		if err != nil && !failing && ctx.Err() == nil {
			s.o.Logger.Warn("money in and out is not followed completely; it is tried again", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-ticker.C:
		}
	}
}

// Sweep goes once through all that is open: it settles intents that are past their end,
// or that a call named while they could not be booked, asks ways again whose answer was
// lost, and sends cash-outs. One that fails does not keep the others back.
func (s *Service) Sweep(ctx context.Context) error { return s.sweep(ctx, true) }

// sweep is Sweep; unless all is set, what waits on a provider for long is left out.
func (s *Service) sweep(ctx context.Context, all bool) error {
	failed := []error{s.o.Seals.Tidy()}
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return errors.Join(append(failed, err)...)
	}
	failed = append(failed,
		s.sweepNamed(ctx, l),
		s.sweepBegun(ctx, l),
		s.sweepIntents(ctx, l, all),
		s.sweepCashOuts(ctx, l, all),
	)
	return errors.Join(failed...)
}

// sweepNamed settles what could not be settled when it was named.
func (s *Service) sweepNamed(ctx context.Context, l Ledger) error {
	s.mu.Lock()
	ids := slices.Collect(maps.Keys(s.again))
	clear(s.again)
	s.mu.Unlock()
	var failed []error
	for _, id := range ids {
		in, err := s.find(ctx, l, id)
		if errors.Is(err, errNoIntent) {
			continue
		}
		if err == nil {
			err = s.settleSoon(ctx, l, in)
		}
		if err != nil {
			failed = append(failed, err)
			s.lookAgain(id)
		}
	}
	return firstOf(failed)
}

// sweepBegun asks ways again for what they did not answer. The key is the intent's, so
// that a provider which took it the first time answers the same.
func (s *Service) sweepBegun(ctx context.Context, l Ledger) error {
	s.mu.Lock()
	waiting := maps.Clone(s.begun)
	s.mu.Unlock()
	var failed []error
	for want, b := range waiting {
		if !s.o.Now().Before(b.Expires) {
			s.forget(want, b)
			continue
		}
		if way := s.ways[want.way]; way != nil && s.take(want, b) {
			failed = append(failed, s.beginAgain(ctx, l, way, want, b))
		}
	}
	return firstOf(failed)
}

// take keeps an intent from being asked for twice at a time.
func (s *Service) take(want wanted, b *begun) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun[want] != b || b.answered {
		return false
	}
	delete(s.begun, want)
	return true
}

func (s *Service) beginAgain(ctx context.Context, l Ledger, way *openWay, want wanted, b *begun) error {
	asking, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	next, err := way.Begin(asking, b.Begin)
	if errors.Is(err, ErrRefused) {
		_, err := l.MoveIntent(ctx, b.sealed, paywall.IntentRefused, "")
		return err
	}
	if err == nil {
		_, err = s.offered(ctx, l, b, next.Object)
	}
	b.answered = err == nil
	s.remember(want, b) // for the reader, who may come again
	return err
}

// sweepIntents goes through those that are not final.
func (s *Service) sweepIntents(ctx context.Context, l Ledger, all bool) error {
	var failed []error
	for after := ""; ; {
		page, err := l.OpenIntents(ctx, after, pageSize)
		if err != nil {
			return err
		}
		for _, in := range page {
			after = in.ID
			pending := in.State == paywall.IntentPending
			if s.o.Now().Before(in.ExpiresAt) && !pending || pending && !all {
				continue
			}
			failed = append(failed, s.end(ctx, l, in))
		}
		if len(page) < pageSize || ctx.Err() != nil {
			return firstOf(failed)
		}
	}
}

// end settles an intent whose time is over, and lets it expire if nobody paid. Money that
// is on its way is waited for.
func (s *Service) end(ctx context.Context, l Ledger, in paywall.Intent) error {
	if _, err := s.o.Seals.open(in.ID); errors.Is(err, errForgotten) { // nobody can ask for it any more
		_, err := l.MoveIntent(ctx, in.ID, paywall.IntentExpired, in.Object)
		return err
	}
	if s.ways[in.Way] != nil {
		err := s.settleSoon(ctx, l, in)
		if err != nil && (in.Object != "" || !errors.Is(err, ErrProvider)) {
			return err // without an object no reader was sent to the provider
		}
		if in, err = l.Intent(ctx, in.ID); err != nil {
			return err
		}
	}
	if in.State.Final() || in.State == paywall.IntentPending {
		return nil
	}
	if _, err := l.MoveIntent(ctx, in.ID, paywall.IntentExpired, in.Object); err != nil {
		return err
	}
	if way := s.ways[in.Way]; way != nil && way.asks() && in.Object != "" {
		way.count(false, s.o.Now())
	}
	return nil
}

// settleSoon is settle with the time that the sweeper has for one.
func (s *Service) settleSoon(ctx context.Context, l Ledger, in paywall.Intent) error {
	asking, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	_, err := s.settle(asking, l, in)
	return err
}

// firstOf is the first error, and how many more there are: a provider that is away fails
// for everything.
func firstOf(failed []error) error {
	failed = slices.DeleteFunc(failed, func(err error) bool { return err == nil })
	switch len(failed) {
	case 0:
		return nil
	case 1:
		return failed[0]
	}
	return fmt.Errorf("%w, and %d more", failed[0], len(failed)-1)
}
