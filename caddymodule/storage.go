package caddymodule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/tuppence/tuppence/caddymodule/internal/words"
	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout"
	"github.com/tuppence/tuppence/paywall/checkout/passkey"
	"github.com/tuppence/tuppence/paywall/topup"
	"github.com/tuppence/tuppence/paywall/vault"
)

// Storage says where the ledger lives.
type Storage struct {
	// The kind of store. There is one: badger, a journal of its own with
	// Badger beside it, on one machine.
	Store string `json:"store"`

	// The data folder, holding journal, badger and keys. Back up the journal
	// and the keys. Placeholders such as {env.DATA} are resolved at load.
	Path string `json:"path"`
}

func (a *App) provisionDir() error {
	path := filepath.Join(caddy.AppDataDir(), "paywall")
	if a.Storage != nil {
		if a.Storage.Store != "badger" {
			return fmt.Errorf("unknown storage %q; write: storage badger <path>", a.Storage.Store)
		}
		resolved, err := words.Resolve(a.Storage.Path)
		if err != nil {
			return fmt.Errorf("storage path: %w", err)
		}
		if resolved == "" {
			return fmt.Errorf("storage path is empty; write: storage badger <path>")
		}
		path = resolved
	}
	dir, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("resolving storage path: %w", err)
	}
	a.dir = dir
	return nil
}

// vaults holds the data folders in use. On a reload the new config starts
// before the old one is cleaned up, and a ledger cannot be opened twice, so both
// share one. The key is the absolute folder and nothing else: with an option in
// the key, changing it would open the same folder again and fail on its lock.
var vaults = caddy.NewUsagePool()

// sharedVault is a data folder in use, and what else must outlive a reload: a
// guesser of codes must not start afresh with each.
type sharedVault struct {
	*vault.Vault
	currency paywall.Currency
	limits   *checkout.Limits
	logins   *passkey.Ceremonies
	topups   *topup.Memory
}

// acquire opens the folder or joins its present users. Each success is to be
// paid back with one release. A folder whose ledger cannot be opened is a
// success, too, unless the config is to blame: it serves readers, and sells
// nothing. Joining such a folder tries again.
func acquire(dir string, currency paywall.Currency, logger *slog.Logger) (*sharedVault, error) {
	value, loaded, err := vaults.LoadOrNew(dir, func() (caddy.Destructor, error) {
		v, err := vault.Open(context.Background(), vault.Options{
			Dir: dir, Currency: currency, Marker: markerPath(dir), Logger: logger, Progress: newProgress,
		})
		if err != nil {
			return nil, err
		}
		return &sharedVault{v, currency, checkout.NewLimits(), passkey.NewCeremonies(), topup.NewMemory()}, nil
	})
	if err != nil {
		return nil, err
	}
	v := value.(*sharedVault)
	if !loaded {
		return v, nil
	}
	logger.Debug("sharing the open ledger", "folder", dir)
	if v.currency != currency {
		err = fmt.Errorf("the ledger in %s is kept in %s, not in %s: another currency needs another storage path", dir, v.currency, currency)
	} else {
		err = v.Refresh(logger)
	}
	if err != nil {
		return nil, errors.Join(err, release(dir))
	}
	return v, nil
}

func release(dir string) error {
	_, err := vaults.Delete(dir)
	return err
}

// markerPath is in Caddy's config directory, because the data directory is what
// gets lost.
func markerPath(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(caddy.AppConfigDir(), "paywall", hex.EncodeToString(sum[:8])+".json")
}

// Destruct closes the ledger when its last user is gone. Requests of the last
// config may still run; they get [paywall.ErrUnavailable].
func (v *sharedVault) Destruct() error { return v.Close() }

// newProgress shows how a ledger gets ahead that applies its journal, once that
// takes longer than a moment: as a bar on a terminal, else in the log.
func newProgress(logger *slog.Logger) func(done, total uint64) {
	const moment, every = time.Second, 5 * time.Second
	began := time.Now()
	said := began
	var bar *progressbar.ProgressBar
	return func(done, total uint64) {
		switch now := time.Now(); {
		case bar != nil:
			_ = bar.Set64(int64(done)) // nothing depends on it
		case now.Sub(began) < moment:
		case term.IsTerminal(int(os.Stderr.Fd())):
			bar = progressbar.Default(int64(total), "applying the journal")
		case now.Sub(said) >= every:
			said = now
			logger.Info("applying the journal to Badger", "done", done, "total", total)
		}
	}
}

// Interface guards
var _ caddy.Destructor = (*sharedVault)(nil)
