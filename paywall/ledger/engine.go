package ledger

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// Engine keeps a ledger: it runs changes in order, makes records durable and keeps the
// keys. It knows no rule and no record's meaning. Safe for concurrent use.
type Engine interface {
	// Commit runs c.Run on the state that all changes before it leave. When it answers
	// nil, what Run appended is durable, and visible to every View that begins later.
	// When Run or Commit fails, nothing of it is. Run may be called again on a newer
	// state and has no other effect. Changes may share one sync.
	// [paywall.ErrUnavailable]: closed, failing, full or busy, and nothing was taken. A
	// context that ends before Run withdraws the change; one that ends later does not,
	// and the caller learns the outcome by calling again.
	Commit(ctx context.Context, c Change) error
	// View runs look on the state at one moment, no older than any Commit answered
	// before the call.
	View(ctx context.Context, r Reads, look func(State) error) error
	// Lines streams the records after a number, up to the last one that was durable when
	// it began, chain checked. A line is valid until the next.
	Lines(ctx context.Context, after uint64) iter.Seq2[*journal.Line, error]
	// Head is the last record that is durable.
	Head(ctx context.Context) (journal.Mark, error)
	// Watch has revocations told in the order in which they are made from now on: this
	// process's before their Commit answers, other nodes' within Info's Lag. It is called
	// once.
	Watch(revoked func([]Revocation))
	// Info says what is kept.
	Info() Info
	// Close lets the calls that run finish. Afterwards every call is
	// [paywall.ErrUnavailable]. A second Close does nothing.
	Close() error
}

// Change is a change of the ledger. Run decides on the state and appends the records
// that the change is made of, none if there is nothing to change.
type Change struct {
	Reads
	Run func(*Tx) error
	// Large changes write more keys than an engine may be able to keep together with
	// those of others: they share their commit with none.
	Large bool
}

// Reads says beforehand what will be looked up, so that an engine far away fetches it
// at once. Other keys may be read, at the price of a round trip.
type Reads struct {
	Keys [][]byte
	List bool // keys will be listed by prefix
}

// State is the keys and records at one moment. Values are not to be changed.
type State interface {
	// Get answers a key's value, nil if there is none. The key stays the caller's.
	Get(key []byte) ([]byte, error)
	// Each lists the keys with a prefix, in order, until yield fails. Key and value are
	// yield's to keep.
	Each(prefix []byte, yield func(key, value []byte) error) error
	// Record reads a record.
	Record(Ref) (*journal.Record, error)
	// Numbered reads a record by its number, which costs a search.
	Numbered(seq uint64) (*journal.Record, error)
}

// Ref is where an engine keeps a record. Only the engine reads it; the refs of later
// records compare greater.
type Ref = journal.Ref

// Revocation ends an unlock's tokens until none of them can be valid.
type Revocation struct {
	Unlock string
	Until  time.Time
}

// Info is what an engine says of itself.
type Info struct {
	Ledger   string // random id that the ledger was begun with
	Currency paywall.Currency
	Now      func() time.Time // the clock that records get their time from
	Lag      time.Duration    // until revocations made elsewhere are told here
	Failure  error            // why no changes are taken until it is opened again; nil
}

// Archiver is an engine that writes backups: a consistent copy of the ledger, as it was
// at one moment while it ran. It holds no secret: no key of a wallet and no signing key. A
// Since after the last record is [paywall.CodeMalformed], before anything is written;
// after another error what was written is no backup.
type Archiver interface {
	Backup(ctx context.Context, w io.Writer, o paywall.BackupOptions) error
}

// Comparer is an engine whose state can be held against its records.
type Comparer interface {
	// Compare runs look on the state at one moment, and the last record that the state
	// follows from.
	Compare(ctx context.Context, look func(State, journal.Mark) error) error
}

// Class says how a key is used, for engines that keep some keys closer.
type Class int

// The classes of keys.
const (
	Index Class = iota // looked up now and then
	Sum                // of a wallet or an account: read and written by most changes
	Row                // mostly new when it is looked up, and deleted only with its wallet
)
