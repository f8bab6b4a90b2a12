package badgerstore

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/tuppence/tuppence/paywall"
)

const (
	// queueLength bounds the changes that wait. At the slowest disk measured (2 ms a
	// sync) they are all answered within 50 ms.
	queueLength = 4096
	// groupMembers bounds a group, and with it how long its first member waits.
	groupMembers = 512
	// yields is how often the writer lets others run before it closes a group, so
	// that buyers who were just answered can be in it. Measured: 15.9 of 16 buyers
	// in each group instead of 8.0, and 1.5 times the purchases.
	yields = 4
)

// request is a change on its way through the writer.
type request struct {
	run   func(*group) error
	alone bool // shares its group with no other
	state atomic.Int32
	err   error
	done  chan struct{}
}

const (
	queued int32 = iota
	taken
	abandoned
)

// submit has the writer run a change and waits until it is durable and visible.
// A context that ends while the change is queued withdraws it; one that ends
// later does not: the change goes on, and the caller learns of it by calling again.
func (s *Store) submit(ctx context.Context, alone bool, run func(*group) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.RUnlock()
	if err := cmp.Or(s.refusal(), ctx.Err()); err != nil {
		return unavailable(err)
	}
	r := &request{run: run, alone: alone, done: make(chan struct{})}
	select {
	case s.queue <- r:
	default:
		return unavailable(errFull)
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
	}
	if r.state.CompareAndSwap(queued, abandoned) {
		return unavailable(ctx.Err())
	}
	select {
	case <-r.done: // answered at the same moment
		return r.err
	default:
		return fmt.Errorf("waiting for a change that was already submitted: %w", ctx.Err())
	}
}

// change is submit for a change with an answer.
func change[T any](ctx context.Context, s *Store, alone bool, run func(*group) (T, error)) (T, error) {
	var answer, none T
	err := s.submit(ctx, alone, func(g *group) (err error) {
		answer, err = run(g)
		return err
	})
	if err != nil {
		return none, err // a change that outlives its caller may still write answer
	}
	return answer, nil
}

// refusal is why no change can be made now, if so.
func (s *Store) refusal() error {
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	if s.tight.Load() {
		return errSpace
	}
	return nil
}

// write is the writer goroutine. It ends when the queue is closed and empty.
func (s *Store) write() {
	space := time.NewTicker(time.Second)
	defer space.Stop()
	forget := time.NewTicker(10 * time.Minute)
	defer forget.Stop()
	batch := make([]*request, 0, groupMembers)
	for {
		select {
		case r, ok := <-s.queue:
			if !ok {
				return
			}
			batch = s.collect(append(batch[:0], r))
			s.checkSpace()
			s.process(batch)
			clear(batch)
		case <-space.C:
			s.checkSpace()
		case <-forget.C:
			if err := s.forgetRevoked(); err != nil {
				s.log.Warn("forgetting old revocations failed", "error", err)
			}
		}
	}
}

// collect takes what waits.
func (s *Store) collect(batch []*request) []*request {
	for i := 0; ; {
		select {
		case r, ok := <-s.queue:
			if !ok {
				return batch
			}
			if batch = append(batch, r); len(batch) == cap(batch) {
				return batch
			}
			continue
		default:
		}
		if i++; i > yields {
			return batch
		}
		runtime.Gosched()
	}
}

func (s *Store) process(batch []*request) {
	g := s.newGroup()
	for _, r := range batch {
		if !r.state.CompareAndSwap(queued, taken) {
			continue
		}
		if err := s.refusal(); err != nil {
			r.err = unavailable(err)
			close(r.done)
			continue
		}
		if len(g.members) > 0 && (r.alone || g.full()) {
			g.finish()
			g = s.newGroup()
		}
		g.take(r)
		if r.alone || g.err != nil {
			g.finish()
			g = s.newGroup()
		}
	}
	g.finish()
}

// take runs a member. A panic in it spoils its group, whose changes are dropped,
// and nothing else.
func (g *group) take(r *request) {
	g.members = append(g.members, r)
	defer func() {
		if p := recover(); p != nil {
			r.err = g.spoil(fmt.Errorf("running a change: panic: %v", p))
		}
	}()
	r.err = r.run(g)
}

// finish commits the group, if it changed anything, and answers its members.
func (g *group) finish() {
	g.txn.Discard()
	var err error
	if g.mark.Seq > 0 || g.err != nil {
		err = g.commit()
	}
	if err != nil {
		g.s.journal.Discard()
		g.s.log.Error("a group of changes was not made", "error", err, "changes", len(g.members))
	}
	for _, r := range g.members {
		// What a member was told may rest on another's change, so all get the error; a
		// lone member keeps one that says what to do.
		if err != nil && (len(g.members) > 1 || paywall.ErrorCode(r.err) == paywall.CodeInternal) {
			r.err = unavailable(err)
		}
		close(r.done)
	}
}
