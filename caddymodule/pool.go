package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/badgerstore"
	"github.com/tuppence/tuppence/paywall/checkout"
	"github.com/tuppence/tuppence/paywall/token"
)

// ledgers holds the open stores. On a reload the new config starts before the
// old one is cleaned up, and a store cannot be opened twice, so both share one.
// The key is the absolute folder and nothing else: with an option in the key,
// changing it would open the same folder again and fail on its lock.
var ledgers = caddy.NewUsagePool()

// ledger is an open data folder, the money and the keys, and what else must
// outlive a reload: a guesser of codes must not start afresh with each.
type ledger struct {
	store    *badgerstore.Store
	ring     *token.Ring
	limits   *checkout.Limits
	currency paywall.Currency
}

// acquire opens the folder or joins its present users. Each success is to be
// paid back with one release.
func acquire(dir string, currency paywall.Currency, logger *slog.Logger) (*ledger, error) {
	value, loaded, err := ledgers.LoadOrNew(dir, func() (caddy.Destructor, error) {
		return openLedger(dir, currency, logger)
	})
	if err != nil {
		return nil, err
	}
	l := value.(*ledger)
	if l.currency != currency {
		_ = release(dir)
		return nil, fmt.Errorf("the store in %s is kept in %s, not in %s: another currency needs another storage path", dir, l.currency, currency)
	}
	if loaded {
		logger.Debug("sharing the open store", "dir", dir)
	}
	return l, nil
}

func release(dir string) error {
	_, err := ledgers.Delete(dir)
	return err
}

func openLedger(dir string, currency paywall.Currency, logger *slog.Logger) (*ledger, error) {
	existed, err := badgerstore.HasJournal(dir)
	if err != nil {
		return nil, fmt.Errorf("looking into %s: %w", dir, err)
	}
	store, err := badgerstore.Open(context.Background(), badgerstore.Options{Dir: dir, Currency: currency, Logger: logger})
	if err != nil {
		return nil, fmt.Errorf("opening the store in %s: %w", dir, err)
	}
	// Keys that sold access are gone for good when they are lost; making new
	// ones in silence would lock out everyone who paid.
	ring, err := token.OpenRing(filepath.Join(dir, "keys"), !existed)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the signing keys: %w", err), store.Close())
	}
	logger.Info("store open", "dir", dir, "currency", currency)
	return &ledger{store: store, ring: ring, limits: checkout.NewLimits(), currency: currency}, nil
}

// Destruct closes the store when its last user is gone. Requests of the last
// config may still run; they get [paywall.ErrUnavailable].
func (l *ledger) Destruct() error { return l.store.Close() }

// Interface guards
var _ caddy.Destructor = (*ledger)(nil)
