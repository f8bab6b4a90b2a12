package gate

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// maxProbes is how many probes of one gate run at a time. Each may go on when
	// the reader who caused it has gone, which no proxied request does: without a
	// bound, a crowd that hangs up at once would leave any number of them running.
	maxProbes = 256
	// probesOfResource is how many of them may be for one resource. Every query makes
	// another page of it, and a slow resource must not hold all of the gate's probes.
	probesOfResource = 4
	// waitersOfResource is how many more wait for one of those. Whoever comes then is
	// answered at once, from what is known already.
	waitersOfResource = 256
)

var errBusy = errors.New("the site has been asked too much at once")

// semaphores bound the probes that run at a time: one for the gate, and one for each
// resource and kind of request that somebody is waiting for.
type semaphores struct {
	all chan struct{}
	mu  sync.Mutex
	of  map[pageKey]*semaphore
}

type semaphore struct {
	held  chan struct{}
	users int // that hold it or wait for it
}

func newSemaphores() *semaphores {
	return &semaphores{all: make(chan struct{}, maxProbes), of: make(map[pageKey]*semaphore)}
}

// acquire waits until one more probe of a resource may run, for as long as a probe
// may take. The error is the context's, or errBusy.
func (s *semaphores) acquire(ctx context.Context, resource, kind string) (release func(), err error) {
	key := keyOf(resource, kind)
	s.mu.Lock()
	own := s.of[key]
	if own == nil {
		own = &semaphore{held: make(chan struct{}, probesOfResource)}
		s.of[key] = own
	}
	if own.users == probesOfResource+waitersOfResource {
		s.mu.Unlock()
		return nil, errBusy
	}
	own.users++
	s.mu.Unlock()
	done := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(s.of, key)
		}
	}
	timeout := time.NewTimer(probeTimeout)
	defer timeout.Stop()
	if err := take(ctx, own.held, timeout.C); err != nil {
		done()
		return nil, err
	}
	if err := take(ctx, s.all, timeout.C); err != nil {
		<-own.held
		done()
		return nil, err
	}
	return func() {
		<-s.all
		<-own.held
		done()
	}, nil
}

// take acquires a semaphore.
func take(ctx context.Context, held chan struct{}, timeout <-chan time.Time) error {
	select {
	case held <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timeout:
		return errBusy
	}
}
