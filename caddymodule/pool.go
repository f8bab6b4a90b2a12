package caddymodule

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/caddyserver/caddy/v2"

	"github.com/tuppence/tuppence/paywall"
)

// ledgers holds the data folders in use. On a reload the new config starts
// before the old one is cleaned up, and a store cannot be opened twice, so both
// share one. The key is the absolute folder and nothing else: with an option in
// the key, changing it would open the same folder again and fail on its lock.
var ledgers = caddy.NewUsagePool()

// acquire opens the folder or joins its present users. Each success is to be
// paid back with one release. A folder whose ledger cannot be opened is a
// success, too, unless the config is to blame: it serves readers, and sells
// nothing. Joining such a folder tries again.
func acquire(dir string, currency paywall.Currency, logger *slog.Logger) (*folder, error) {
	value, loaded, err := ledgers.LoadOrNew(dir, func() (caddy.Destructor, error) {
		return openFolder(dir, currency, logger)
	})
	if err != nil {
		return nil, err
	}
	f := value.(*folder)
	if !loaded {
		return f, nil
	}
	if err := f.join(currency, logger); err != nil {
		return nil, errors.Join(err, release(dir))
	}
	return f, nil
}

func release(dir string) error {
	_, err := ledgers.Delete(dir)
	return err
}

// join is for a further config that uses the folder.
func (f *folder) join(currency paywall.Currency, logger *slog.Logger) error {
	if f.currency != currency {
		return fmt.Errorf("the store in %s is kept in %s, not in %s: another currency needs another storage path", f.dir, f.currency, currency)
	}
	logger.Debug("sharing the open store", "dir", f.dir)
	f.logger.Store(logger)
	if err := f.mend(); err != nil {
		return err
	}
	f.forget()
	return nil
}

// forget ends the tokens of keys that were taken out of the folder since.
func (f *folder) forget() {
	now := f.standing.Load()
	kids := now.ring.Forget()
	if len(kids) == 0 {
		return
	}
	f.logger.Load().Warn("signing keys are gone from the folder: their tokens are dead, and readers who paid get new ones from their wallets", "kids", kids)
	if now.store != nil {
		f.mark(now.ledger)
	}
}

// Destruct closes the store when its last user is gone. Requests of the last
// config may still run; they get [paywall.ErrUnavailable].
func (f *folder) Destruct() error {
	close(f.end)
	f.watching.Wait()
	if store := f.standing.Load().store; store != nil {
		return store.Close()
	}
	return nil
}

// Interface guards
var _ caddy.Destructor = (*folder)(nil)
