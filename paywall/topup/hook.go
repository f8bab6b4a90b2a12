package topup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

const (
	// hookTime is how long a provider's call is worked on. Providers hang up later.
	hookTime = 15 * time.Second
	// maxNamed bounds what one call may name.
	maxNamed = 1000
)

// Hook answers a provider's call to the way with that name. The answer is 200 only when
// all that the call named is in the ledger, and else 503, so that the provider calls
// again. The error is for the log; the request is answered in any case.
func (s *Service) Hook(name string, w http.ResponseWriter, r *http.Request) error {
	way, err := s.way(name)
	if err != nil {
		http.Error(w, paywall.ErrorMessage(err), http.StatusNotFound)
		return err
	}
	named, err := way.Hook(w, r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), hookTime)
	defer cancel()
	if err := s.named(ctx, way, named); err != nil {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "this cannot be recorded at the moment; call again", http.StatusServiceUnavailable)
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// named books all that a call named.
func (s *Service) named(ctx context.Context, way *openWay, named Named) error {
	if len(named.Intents)+len(named.Movements) > maxNamed {
		return fmt.Errorf("a call of %s names more than %d things", way.Name(), maxNamed)
	}
	if len(named.Intents)+len(named.Movements) == 0 {
		return nil
	}
	l, err := s.o.Ledger(ctx)
	var failed []error
	for _, ref := range named.Intents {
		if err == nil {
			if err := s.settleNamed(ctx, l, way, ref); err != nil {
				failed = append(failed, err)
				s.lookAgain(ref.Intent)
			}
			continue
		}
		s.lookAgain(ref.Intent)
	}
	if err != nil {
		return err
	}
	for _, m := range inOrder(named.Movements) {
		if _, err := s.book(ctx, l, way.Name(), m); err != nil && !lost(err) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// lost reports whether the same call can never be booked: of money in another currency,
// or of a payment from before all keys. It is in the log.
func lost(err error) bool { return errors.Is(err, errForeign) || errors.Is(err, errForgotten) }

// settleNamed settles an intent that a call named.
func (s *Service) settleNamed(ctx context.Context, l Ledger, way *openWay, ref Reference) error {
	in, err := s.find(ctx, l, ref.Intent)
	switch {
	case errors.Is(err, errNoIntent):
		return s.settleUnknown(ctx, l, way, ref)
	case err != nil:
		return err
	case in.Way != way.Name():
		s.o.Logger.Error("a call named a top-up of another way", "way", way.Name())
		return nil
	}
	if in.Object == "" && ref.Object != "" { // the answer to Begin was lost
		if in, err = s.offered(ctx, l, &begun{sealed: in.ID}, ref.Object); err != nil {
			return err
		}
	}
	_, err = s.settle(ctx, l, in)
	return err
}

// settleUnknown books what moved for an intent that the ledger does not know, such as one
// from after its backup. The money stands in unclaimed.
func (s *Service) settleUnknown(ctx context.Context, l Ledger, way *openWay, ref Reference) error {
	s.o.Logger.Error("a call named a top-up that is not known here", "way", way.Name())
	if ref.Object == "" || !intentID(ref.Intent) {
		return nil
	}
	found, err := way.Look(ctx, paywall.Intent{ID: ref.Intent, Way: way.Name(), Object: ref.Object, State: paywall.IntentOffered})
	if err != nil {
		return err
	}
	for _, m := range inOrder(found.Movements) {
		if _, err := s.book(ctx, l, way.Name(), m); err != nil && !lost(err) {
			return err
		}
	}
	return nil
}
