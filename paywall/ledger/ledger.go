// Package ledger is the rules of money: what each change may do, which record it
// becomes, and what a record does to the state. It is a state machine over keys and
// values that records feed; an [Engine] underneath runs the changes in order and keeps
// what they leave.
//
// Each rule stands here once, as a decision that reads the state and answers a record
// and a receipt. Its only other opinion is package audit's.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// Ledger is the one place where money moves. Every method is safe for concurrent use.
//
// Durability: a method that changes something answers nil only when the change is
// durable and every later read sees it. When it answers an error, nothing was taken,
// except that a caller whose context ended may not learn the outcome of a change
// already submitted; the same call again answers it.
//
// Idempotency: changes have natural keys, named at each method. The same key with the
// same content answers the first receipt again and moves nothing. The same key with
// other content is [paywall.ErrConflict], of an offer [paywall.ErrOfferChanged].
//
// A ledger that is closed, failing, out of disk space or too busy answers
// [paywall.ErrUnavailable] to changes; reads go on where they can.
type Ledger struct {
	engine  Engine
	info    Info
	revoked revocations
	totals  totals
	wake    chan struct{} // an erasure is left

	life context.Context // ends when Close begins, so that long reads stop
	end  context.CancelFunc
	done sync.WaitGroup
}

// New makes the ledger that an engine keeps. Close closes both.
func New(e Engine) (*Ledger, error) {
	l := &Ledger{engine: e, info: e.Info(), wake: make(chan struct{}, 1)}
	l.life, l.end = context.WithCancel(context.Background())
	e.Watch(l.revoked.add)
	if err := loadRevoked(l); err != nil {
		return nil, fmt.Errorf("reading the revocations: %w", err)
	}
	l.done.Go(func() { tidy(l) })
	return l, nil
}

// Close lets the calls that run finish, and closes the engine. Afterwards every call
// answers [paywall.ErrUnavailable]. A second Close does nothing.
func (l *Ledger) Close() error {
	l.end()
	l.done.Wait()
	return l.engine.Close()
}

// Info says what is kept, and whether changes are taken.
func (l *Ledger) Info() Info { return l.engine.Info() }

// Backup writes a consistent copy of the ledger; see [Archiver]. An engine that is none:
// [errors.ErrUnsupported].
func (l *Ledger) Backup(ctx context.Context, w io.Writer, o paywall.BackupOptions) error {
	a, ok := l.engine.(Archiver)
	if !ok {
		return fmt.Errorf("this engine writes no backups: %w", errors.ErrUnsupported)
	}
	return a.Backup(ctx, w, o)
}

// amount reports whether an amount that may be nothing is one of this ledger's.
func amount(m paywall.Money, currency paywall.Currency) bool {
	return m.IsZero() || m.Micros > 0 && m.Currency == currency
}

// change makes a change of one record, or of none. decide may be called again.
func change[T any](ctx context.Context, l *Ledger, reads Reads, decide func(*view) (*journal.Record, T, error)) (T, error) {
	return commit(ctx, l, Change{Reads: reads}, func(tx *Tx) (T, error) {
		r, answer, err := decide(&tx.view)
		if err == nil && r != nil {
			err = tx.Append(r)
		}
		return answer, err
	})
}

// act is change for a change that answers nothing.
func act(ctx context.Context, l *Ledger, reads Reads, decide func(*view) (*journal.Record, error)) error {
	_, err := change(ctx, l, reads, func(v *view) (*journal.Record, struct{}, error) {
		r, err := decide(v)
		return r, struct{}{}, err
	})
	return err
}

// commit has the engine run a change with an answer.
func commit[T any](ctx context.Context, l *Ledger, c Change, run func(*Tx) (T, error)) (T, error) {
	var answer, none T
	c.Run = func(tx *Tx) (err error) {
		answer, err = run(tx)
		return err
	}
	if err := l.engine.Commit(ctx, c); err != nil {
		return none, err // a change that outlives its caller may still write answer
	}
	return answer, nil
}

// look reads the state at one moment.
func look[T any](ctx context.Context, l *Ledger, reads Reads, at func(*view) (T, error)) (T, error) {
	var answer, none T
	err := l.engine.View(ctx, reads, func(s State) (err error) {
		answer, err = at(l.view(s))
		return err
	})
	if err != nil {
		return none, err
	}
	return answer, nil
}

func (l *Ledger) view(s State) *view {
	return &view{State: s, now: milliseconds(l.info.Now()), currency: l.info.Currency}
}

// walletReads are a wallet's key and others that are read with it.
func walletReads(wallet string, others ...[]byte) Reads {
	id, _ := state.ParseWalletID(wallet)
	return Reads{Keys: append(others, state.WalletKey(id))}
}

// interrupted is why a long read has to stop: its caller left, or the ledger closes.
func (l *Ledger) interrupted(ctx context.Context) error {
	if l.life.Err() != nil {
		return paywall.ErrUnavailable
	}
	return ctx.Err()
}
