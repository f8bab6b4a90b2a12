package topup

import (
	"context"
	"errors"

	"github.com/tuppence/tuppence/paywall"
)

// Look asks the provider what became of a top-up, and books what the ledger lacks. It
// answers within about three seconds: when the provider takes longer, with what the
// ledger knows, and [Status.Late]. An id that is none of ours is [paywall.CodeNotFound].
func (s *Service) Look(ctx context.Context, id string) (Status, error) {
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return Status{}, err
	}
	in, err := s.find(ctx, l, id)
	if err != nil {
		return Status{}, err
	}
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := s.settle(asking, l, in)
	late := err != nil
	switch {
	case ctx.Err() != nil:
		return Status{}, ctx.Err()
	case late && errors.Is(err, paywall.ErrUnavailable):
		return Status{}, err
	case late:
		s.o.Logger.Warn("a top-up could not be looked up in full", "way", in.Way, "error", err)
		s.lookAgain(id)
	}
	status, err := s.status(ctx, out.intent)
	if err != nil {
		return Status{}, err
	}
	status.Late, status.Credited = late, out.credited
	if status.Next == nil && out.found.URL != "" && status.Intent.State == paywall.IntentOffered {
		status.Next = &Next{Object: status.Intent.Object, URL: out.found.URL, ExpiresAt: status.Intent.ExpiresAt}
	}
	return status, nil
}

// Show answers what the ledger knows of a top-up, and asks nobody. Of a way that readers
// pay by a transfer, it says how.
func (s *Service) Show(ctx context.Context, id string) (Status, error) {
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return Status{}, err
	}
	in, err := s.find(ctx, l, id)
	if err != nil {
		return Status{}, err
	}
	return s.status(ctx, in)
}

// Waiting are a wallet's top-ups that can still be paid, newest first, a few at most.
func (s *Service) Waiting(ctx context.Context, wallet string) ([]paywall.Intent, error) {
	l, err := s.o.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	list, err := l.Waiting(ctx, wallet)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i], err = s.opened(list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// status opens an intent for its reader.
func (s *Service) status(ctx context.Context, in paywall.Intent) (Status, error) {
	in, err := s.opened(in)
	if err != nil {
		return Status{}, err
	}
	status := Status{Intent: in, Credited: paywall.Money{Currency: in.Amount.Currency}}
	way := s.ways[in.Way]
	if way == nil || way.asks() || in.State.Final() {
		return status, nil
	}
	next, err := way.Begin(ctx, Begin{ID: in.ID, Amount: in.Amount, Expires: in.ExpiresAt})
	if err != nil {
		return Status{}, paywall.Errorf(paywall.CodeUnavailable, "how to transfer the money cannot be said at the moment: %w", err)
	}
	status.Next = &next
	return status, nil
}

// lookAgain has the sweeper look at an intent soon.
func (s *Service) lookAgain(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.again) < maxAgain {
		s.again[id] = struct{}{}
	}
}

// maxAgain bounds the intents that wait for the sweeper; those beyond it wait for the
// provider's next call or for their end.
const maxAgain = 10_000
