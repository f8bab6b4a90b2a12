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
	// bound, a crowd that hangs up at once would leave any number of them behind.
	maxProbes = 256
	// laneWidth is how many of them may be for one resource. Every query makes
	// another page of it, and a slow resource must not take all the places.
	laneWidth = 4
	// laneQueue is how many more wait for a place in a lane. Whoever comes then is
	// answered at once, from what is known already.
	laneQueue = 256
)

var errBusy = errors.New("the site has been asked too much at once")

// lanes keep the probes apart. There are lanes for each resource that somebody
// is waiting for, and none else.
type lanes struct {
	places chan struct{} // of all lanes together
	mu     sync.Mutex
	open   map[pageKey]*lane
}

type lane struct {
	places chan struct{}
	users  int
}

func newLanes() *lanes {
	return &lanes{places: make(chan struct{}, maxProbes), open: make(map[pageKey]*lane)}
}

// enter waits for a place in a lane of a resource, for as long as a probe may
// take. The error is the context's, or errBusy.
func (l *lanes) enter(ctx context.Context, resource, name string) (leave func(), err error) {
	key := keyOf(resource, name)
	l.mu.Lock()
	own := l.open[key]
	if own == nil {
		own = &lane{places: make(chan struct{}, laneWidth)}
		l.open[key] = own
	}
	if own.users == laneWidth+laneQueue {
		l.mu.Unlock()
		return nil, errBusy
	}
	own.users++
	l.mu.Unlock()
	done := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(l.open, key)
		}
	}
	patience := time.NewTimer(probeTimeout)
	defer patience.Stop()
	if err := take(ctx, own.places, patience.C); err != nil {
		done()
		return nil, err
	}
	if err := take(ctx, l.places, patience.C); err != nil {
		<-own.places
		done()
		return nil, err
	}
	return func() {
		<-l.places
		<-own.places
		done()
	}, nil
}

func take(ctx context.Context, places chan struct{}, timeout <-chan time.Time) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timeout:
		return errBusy
	}
}
