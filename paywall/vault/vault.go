// Package vault keeps one ledger and its keys open: closed, degraded and reopened as its
// disk allows.
//
// A server that cannot open its ledger can still serve those who have paid: tokens need
// the keys only. So [Open] refuses the mistakes of whoever starts the server, and
// everything else closes the ledger: [Vault.Ledger] answers why, until [Vault.Refresh], or
// by itself if the disk was full and has room again.
package vault

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/badgerstore"
	"github.com/tuppence/tuppence/paywall/journal/segment"
	"github.com/tuppence/tuppence/paywall/ledger"
	"github.com/tuppence/tuppence/paywall/token"
)

// Options of a vault. Dir, Currency and Marker are required.
type Options struct {
	Dir      string           // data folder, with the journal, what follows from it, and the keys
	Currency paywall.Currency // of everything in the ledger, for ever

	// Marker is a file outside of Dir, on another disk if there are several. The vault
	// notes in it which ledger is kept in Dir, and its public keys. An empty folder looks
	// like a first start; with the marker it is a disk that was not mounted, and the
	// public keys still open what was sold.
	Marker string

	Logger *slog.Logger // nil: [slog.Default]

	// Progress makes, for each opening, what is told how many of the journal's records
	// are applied, of those that have to be. May be nil.
	Progress func(*slog.Logger) func(done, total uint64)

	open func(context.Context, badgerstore.Options) (ledger.Engine, error) // tests open other engines
	room func(dir string) error                                            // and fill the disk
}

// Vault is safe for concurrent use.
type Vault struct {
	o        Options
	logger   atomic.Pointer[slog.Logger] // the newest
	standing atomic.Pointer[standing]
	opening  sync.Mutex // one opening or closing at a time
	watching sync.WaitGroup

	life context.Context // ends when Close begins
	end  context.CancelFunc
}

// standing is what a vault can do at one moment; it never changes. With err the ledger
// is closed, and the ring verifies at least.
type standing struct {
	ring   *token.Ring
	ledger *ledger.Ledger
	engine ledger.Engine
	err    error // carries [paywall.CodeUnavailable]
}

// failure is why a standing should be opened again; nil: it takes changes.
func (s *standing) failure() error {
	if s.err != nil {
		return s.err
	}
	return s.engine.Info().Failure
}

// Open opens the ledger and the keys in a folder, or begins them in an empty one. It
// refuses mistakes of whoever starts the server: a folder that is in use or cannot be
// used, another currency, keys that are damaged or missing. If something else is wrong
// with the ledger, the vault is open without it, as long as there are keys to serve those
// who have paid. ctx bounds the opening only.
func Open(ctx context.Context, o Options) (*Vault, error) {
	if o.open == nil {
		o.open, o.room = openBadger, badgerstore.Room
	}
	v := &Vault{o: o}
	v.logger.Store(cmp.Or(o.Logger, slog.Default()))
	now, err := v.open(ctx, nil)
	if err != nil {
		return nil, err
	}
	v.report(nil, now)
	v.standing.Store(now)
	v.life, v.end = context.WithCancel(context.Background())
	v.watching.Go(v.watch)
	return v, nil
}

// Ledger answers the open ledger. It is asked for each use: the vault may close this one
// and open another. The error carries [paywall.CodeUnavailable] and says what was found
// and what to do.
func (v *Vault) Ledger() (*ledger.Ledger, error) {
	now := v.standing.Load()
	return now.ledger, now.err
}

// Ring answers the keys. While the ledger is closed they may be the marker's, which
// verify and do not sign; a Refresh that opens it then brings others.
func (v *Vault) Ring() *token.Ring { return v.standing.Load().ring }

// RotateKey makes a new signing key and answers its name; see [token.Ring.Rotate]. A
// vault whose ledger is closed makes none: [paywall.CodeUnavailable].
func (v *Vault) RotateKey(at time.Time) (kid string, err error) {
	now := v.standing.Load()
	if now.err != nil {
		return "", now.err
	}
	if kid, err = now.ring.Rotate(at); err == nil {
		v.mark(now)
	}
	return kid, err
}

// Compress compresses the closed segments of the journal; see [segment.Journal.Compress].
func (v *Vault) Compress(ctx context.Context) (segment.Compressed, error) {
	now := v.standing.Load()
	if now.err != nil {
		return segment.Compressed{}, now.err
	}
	engine, ok := now.engine.(interface {
		Compress(context.Context) (segment.Compressed, error)
	})
	if !ok {
		return segment.Compressed{}, errors.New("this engine compresses nothing")
	}
	return engine.Compress(ctx)
}

// Refresh takes up what may have changed: it opens the ledger again if that is closed or
// takes no more changes, and ends the tokens of keys that were taken out of the folder.
// From now on the vault logs to logger. The error is a mistake as at [Open]; the ledger is
// then closed.
func (v *Vault) Refresh(logger *slog.Logger) error {
	v.logger.Store(logger)
	if err := v.reopen(); err != nil {
		return err
	}
	now := v.standing.Load()
	kids := now.ring.Forget()
	if len(kids) == 0 {
		return nil
	}
	logger.Warn("signing keys are gone from the folder: their tokens are dead, and readers who paid get new ones from their wallets", "kids", kids)
	if now.err == nil {
		v.mark(now)
	}
	return nil
}

// Close lets the calls that run finish, and closes the ledger for good. Afterwards its
// calls answer [paywall.ErrUnavailable]. A second Close does nothing.
func (v *Vault) Close() error {
	v.end()
	v.watching.Wait()
	v.opening.Lock()
	defer v.opening.Unlock()
	now := v.standing.Load()
	if now.ledger == nil {
		return nil
	}
	return now.ledger.Close()
}

func (v *Vault) keysDir() string { return filepath.Join(v.o.Dir, "keys") }
