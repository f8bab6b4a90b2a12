package vault

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/badgerstore"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/token"
)

// retryEvery is how often the disk is looked at that was full.
const retryEvery = 5 * time.Second

func openBadger(ctx context.Context, o badgerstore.Options) (ledger.Engine, error) {
	s, err := badgerstore.Open(ctx, o)
	if err != nil {
		return nil, err // a nil Store is no nil Engine
	}
	return s, nil
}

// open opens what is in the folder. ring is the one in use, if any: gates hold it, so a
// second one would not see them rotate. The error is a mistake, see [Open].
func (v *Vault) open(ctx context.Context, ring *token.Ring) (*standing, error) {
	m := v.readMarker()
	engine, l, err := v.openLedger(ctx, &m)
	if err != nil {
		return v.closed(ring, &m, err)
	}
	if ring == nil {
		if ring, err = v.openRing(ctx, engine); err != nil {
			return nil, errors.Join(fmt.Errorf("opening the signing keys: %w", err), l.Close())
		}
	}
	v.logger.Load().Info("ledger open", "folder", v.o.Dir, "currency", v.o.Currency)
	now := &standing{ring: ring, ledger: l, engine: engine}
	v.mark(now)
	return now, nil
}

func (v *Vault) openLedger(ctx context.Context, m *marker) (ledger.Engine, *ledger.Ledger, error) {
	logger := v.logger.Load()
	o := badgerstore.Options{Dir: v.o.Dir, Currency: v.o.Currency, Logger: logger, Ledger: m.Ledger}
	if v.o.Progress != nil {
		o.Progress = v.o.Progress(logger)
	}
	engine, err := v.o.open(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	l, err := ledger.New(engine)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("opening the ledger in %s: %w", v.o.Dir, err), engine.Close())
	}
	return engine, l, nil
}

// openRing opens the keys, and makes the first one if nothing has been recorded yet. Keys
// that sold access are gone for good when they are lost; making new ones in silence would
// lock out everyone who paid.
func (v *Vault) openRing(ctx context.Context, engine ledger.Engine) (*token.Ring, error) {
	head, err := engine.Head(ctx)
	if err != nil {
		return nil, err
	}
	return token.OpenRing(v.keysDir(), head.Seq <= 1) // the first record says whose ledger it is
}

// closed is the standing of a vault whose ledger cannot be opened. Tokens need the keys
// only, and where the folder itself is away, those stand in the marker.
func (v *Vault) closed(ring *token.Ring, m *marker, fault error) (*standing, error) {
	for _, mistake := range []error{badgerstore.ErrInUse, badgerstore.ErrCurrency, badgerstore.ErrFolder} {
		if errors.Is(fault, mistake) {
			return nil, fault
		}
	}
	if errors.Is(fault, badgerstore.ErrAbsent) {
		fault = fmt.Errorf("%w; what is kept here stands in %s: only if that is no longer so, remove that file", fault, v.o.Marker)
	}
	var err error
	keys, _ := filepath.Glob(filepath.Join(v.keysDir(), "*.pem"))
	switch {
	case ring != nil:
	case m.Keys != nil && (errors.Is(fault, badgerstore.ErrAbsent) || len(keys) == 0):
		ring, err = token.NewPublicRing(m.Keys)
	case len(keys) == 0:
		return nil, fault // nothing was sold here that could be served
	default:
		ring, err = token.OpenRing(v.keysDir(), false)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the signing keys: %w", err), fault)
	}
	return &standing{ring: ring, err: unavailable(fault)}, nil
}

// unavailable is [paywall.ErrUnavailable] with what was found.
func unavailable(fault error) error {
	return &paywall.Error{Code: paywall.CodeUnavailable, Message: paywall.ErrUnavailable.Message, Err: fault}
}

// report logs, once and loudly, why nothing is sold.
func (v *Vault) report(was, now *standing) {
	retry := "at the next reload or restart"
	if endsByItself(now.err) {
		retry = "by itself, every " + retryEvery.String()
	}
	if now.err == nil || was != nil && endsByItself(was.err) && endsByItself(now.err) {
		return
	}
	v.logger.Load().Error("THE LEDGER IS CLOSED: nothing can be bought. Free pages, and readers who have paid, are served",
		"folder", v.o.Dir, "found", errors.Unwrap(now.err), "retry", retry)
}

// endsByItself tells a fault that can go away without anybody's doing.
func endsByItself(fault error) bool { return errors.Is(fault, badgerstore.ErrNoSpace) }

// reopen opens the ledger again if it is closed or takes no more changes. One that is to
// be closed first stays open while the disk is full: closing needs room, as opening does.
// The error is a mistake, see [Open].
func (v *Vault) reopen() error {
	v.opening.Lock()
	defer v.opening.Unlock()
	was := v.standing.Load()
	failure := was.failure()
	if v.life.Err() != nil || failure == nil {
		return nil
	}
	if was.ledger != nil {
		if v.o.room(v.o.Dir) != nil {
			return nil
		}
		v.standing.Store(&standing{ring: was.ring, err: unavailable(failure)})
		if err := was.ledger.Close(); err != nil {
			v.logger.Load().Error("closing a ledger that failed", "folder", v.o.Dir, "error", err)
		}
	}
	ring := was.ring
	if errors.Is(failure, badgerstore.ErrAbsent) {
		ring = nil // it may be the marker's
	}
	now, err := v.open(v.life, ring)
	if err != nil {
		now = &standing{ring: was.ring, err: unavailable(err)}
	} else if v.life.Err() == nil {
		v.report(was, now)
	}
	v.standing.Store(now)
	return err
}

// watch opens the ledger again after faults that end by themselves.
func (v *Vault) watch() {
	look := time.NewTicker(retryEvery)
	defer look.Stop()
	for {
		select {
		case <-v.life.Done():
			return
		case <-look.C:
		}
		if !endsByItself(v.standing.Load().failure()) {
			continue
		}
		if err := v.reopen(); err != nil {
			v.logger.Load().Error("opening the ledger again failed", "folder", v.o.Dir, "error", err)
		}
	}
}
