package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/badgerstore"
	"github.com/tuppence/tuppence/paywall/checkout"
	"github.com/tuppence/tuppence/paywall/token"
)

// folder is a data folder in use: the keys and, unless something is wrong with
// it, the ledger; and what else must outlive a reload: a guesser of codes must
// not start afresh with each.
type folder struct {
	dir      string
	currency paywall.Currency
	limits   *checkout.Limits
	logins   *checkout.Ceremonies
	logger   atomic.Pointer[slog.Logger] // of the newest config

	standing atomic.Pointer[standing]
	mending  sync.Mutex // one opening at a time
	watching sync.WaitGroup
	end      chan struct{}
}

// ledger is an open ledger with its keys.
type ledger struct {
	store *badgerstore.Store
	ring  *token.Ring
}

// standing is what a folder can do at one moment; it never changes. With err
// the store is closed, and the ring verifies at least.
type standing struct {
	ledger
	err error // carries paywall.CodeUnavailable
}

// retryEvery is how often a folder is looked at whose fault may pass by itself.
const retryEvery = 5 * time.Second

func openFolder(dir string, currency paywall.Currency, logger *slog.Logger) (*folder, error) {
	f := &folder{dir: dir, currency: currency, limits: checkout.NewLimits(), logins: checkout.NewCeremonies(), end: make(chan struct{})}
	f.logger.Store(logger)
	now, err := f.open(nil)
	if err != nil {
		return nil, err
	}
	f.standing.Store(now)
	f.watching.Go(f.watch)
	return f, nil
}

// ledger is the open ledger. The error carries [paywall.CodeUnavailable] and
// says what was found.
func (f *folder) ledger() (*ledger, error) {
	now := f.standing.Load()
	if now.err != nil {
		return nil, now.err
	}
	return &now.ledger, nil
}

// open opens what is in the folder. ring is the one in use, if any: gates hold
// it, so a second one would not see them rotate. The error is a mistake of the
// config, or of the keys; whatever else is wrong closes the ledger only.
func (f *folder) open(ring *token.Ring) (*standing, error) {
	m := f.readMarker()
	logger := f.logger.Load()
	store, err := badgerstore.Open(context.Background(), badgerstore.Options{
		Dir: f.dir, Currency: f.currency, Logger: logger, Ledger: m.Ledger, Progress: newProgress(logger),
	})
	if err != nil {
		return f.closed(ring, &m, err)
	}
	if ring == nil {
		// Keys that sold access are gone for good when they are lost; making new
		// ones in silence would lock out everyone who paid.
		if ring, err = token.OpenRing(f.keysDir(), store.Fresh()); err != nil {
			return nil, errors.Join(fmt.Errorf("opening the signing keys: %w", err), store.Close())
		}
	}
	logger.Info("store open", "dir", f.dir, "currency", f.currency)
	now := &standing{ledger: ledger{store: store, ring: ring}}
	f.mark(now.ledger)
	return now, nil
}

func (f *folder) keysDir() string { return filepath.Join(f.dir, "keys") }

// closed is how a folder stands whose ledger cannot be opened. Tokens need the
// keys only, and those, where the folder itself is away, stand in the marker.
func (f *folder) closed(ring *token.Ring, m *marker, fault error) (*standing, error) {
	for _, mistake := range []error{badgerstore.ErrInUse, badgerstore.ErrCurrency, badgerstore.ErrFolder} {
		if errors.Is(fault, mistake) {
			return nil, fmt.Errorf("opening the store: %w", fault)
		}
	}
	if errors.Is(fault, badgerstore.ErrAbsent) {
		fault = fmt.Errorf("%w; what is kept here stands in %s: only if that is no longer so, remove that file", fault, markerPath(f.dir))
	}
	var err error
	keys, _ := filepath.Glob(filepath.Join(f.keysDir(), "*.pem"))
	switch {
	case ring != nil:
	case m.Keys != nil && (errors.Is(fault, badgerstore.ErrAbsent) || len(keys) == 0):
		ring, err = token.NewPublicRing(m.Keys)
	case len(keys) == 0:
		return nil, fmt.Errorf("opening the store: %w", fault) // nothing was sold here that could be served
	default:
		ring, err = token.OpenRing(f.keysDir(), false)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the signing keys: %w", err), fmt.Errorf("opening the store: %w", fault))
	}
	f.complain(fault)
	unavailable := &paywall.Error{Code: paywall.CodeUnavailable, Message: paywall.ErrUnavailable.Message, Err: fault}
	return &standing{ledger: ledger{ring: ring}, err: unavailable}, nil
}

// complain says once, and loudly, why nothing is sold.
func (f *folder) complain(fault error) {
	retry := "reload the config, or restart, when it is mended"
	if passes(fault) {
		retry = "by itself, every " + retryEvery.String()
	}
	if was := f.standing.Load(); was != nil && was.err != nil && passes(was.err) && passes(fault) {
		return
	}
	f.logger.Load().Error("THE LEDGER IS CLOSED: nothing can be bought. Free pages, and readers who have paid, are served",
		"folder", f.dir, "found", fault, "retry", retry)
}

// passes tells a fault that can go away without anybody's doing.
func passes(fault error) bool { return errors.Is(fault, badgerstore.ErrNoSpace) }

// mend opens the ledger again if it is closed or takes no more changes. Closing
// it needs room, as opening does. The error is a mistake of the config.
func (f *folder) mend() error {
	f.mending.Lock()
	defer f.mending.Unlock()
	was := f.standing.Load()
	if was.err == nil && was.store.Failure() == nil {
		return nil
	}
	ring := was.ring
	if was.store != nil {
		if badgerstore.Room(f.dir) != nil {
			return nil
		}
		f.standing.Store(&standing{ledger: ledger{ring: ring}, err: paywall.ErrUnavailable})
		if err := was.store.Close(); err != nil {
			f.logger.Load().Error("closing a ledger that failed", "folder", f.dir, "error", err)
		}
	}
	if errors.Is(was.err, badgerstore.ErrAbsent) {
		ring = nil // it may be the marker's
	}
	now, err := f.open(ring)
	if err != nil {
		f.standing.Store(&standing{ledger: ledger{ring: was.ring}, err: &paywall.Error{
			Code: paywall.CodeUnavailable, Message: paywall.ErrUnavailable.Message, Err: err,
		}})
		return err
	}
	f.standing.Store(now)
	return nil
}

// watch mends what passes by itself.
func (f *folder) watch() {
	look := time.NewTicker(retryEvery)
	defer look.Stop()
	for {
		select {
		case <-f.end:
			return
		case <-look.C:
		}
		now := f.standing.Load()
		if !passes(now.err) && (now.store == nil || !passes(now.store.Failure())) {
			continue
		}
		if err := f.mend(); err != nil {
			f.logger.Load().Error("opening the ledger again failed", "folder", f.dir, "error", err)
		}
	}
}
