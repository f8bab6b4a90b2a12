package badgerstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger"
)

// group is the changes that share one sync and one Badger transaction. Members see the
// state that the members before them leave.
type group struct {
	w       *writer
	tx      *ledger.Tx
	staged  int // records
	members []*request
	delay   time.Duration // of the commit that is left for members that have not come yet
	overlay *overlay      // of a group that is committed
	spoiled error         // the group cannot be committed
}

// A group ends when it has this much: well below what one Badger transaction takes with
// an 8 MiB memtable (1.2 MB and 12,000 keys), so that balances and the mark always change
// together.
const (
	groupKeys  = 4_000
	groupBytes = 400 << 10
)

func (g *group) full() bool { return full(g.tx) || len(g.members) >= groupMembers }

func full(tx *ledger.Tx) bool { return len(tx.Writes()) >= groupKeys || tx.Bytes() >= groupBytes }

// stage gives a record its number and place.
func (g *group) stage(r *journal.Record) (journal.Ref, error) {
	g.staged++
	return g.w.s.journal.Stage(r)
}

// take runs a member. Where one fails after it has changed something, or panics, its group
// is spoiled, whose changes are dropped, and nothing else.
func (g *group) take(r *request) {
	g.members = append(g.members, r)
	staged, written := g.staged, g.tx.Bytes()
	defer func() {
		if p := recover(); p != nil {
			g.spoiled = fmt.Errorf("running a change: panic: %v", p)
			r.err = g.spoiled
		}
	}()
	r.err = r.Run(g.tx)
	if r.err != nil && (g.staged != staged || g.tx.Bytes() != written) {
		g.spoiled = r.err
	}
	if spoiled := g.tx.Spoiled(); spoiled != nil {
		g.spoiled = spoiled
	}
}

// finish commits the group, if it changed anything, and answers its members.
func (g *group) finish() {
	s := g.w.s
	err := g.commit()
	if err != nil {
		s.journal.Discard()
		s.log.Error("a group of changes was not made", "error", err, "changes", len(g.members))
	}
	g.w.awaited = len(s.queue) + len(g.members)
	for _, r := range g.members {
		// A member's answer may rest on another's change, so all get the error; a lone
		// member keeps one that says what to do.
		if err != nil && (len(g.members) > 1 || paywall.ErrorCode(r.err) == paywall.CodeInternal) {
			r.err = unavailable(err)
		}
		r.answer()
	}
	if g.overlay != nil {
		s.overlays.queue <- g.overlay
	}
}

// commit makes the group durable and then visible. It answers nobody.
func (g *group) commit() error {
	s := g.w.s
	if g.spoiled != nil {
		return g.spoiled
	}
	if g.staged > 0 {
		start := time.Now()
		if err := s.journal.Commit(); err != nil {
			s.fail(err)
			return err
		}
		g.w.sync += (time.Since(start) - g.w.sync) / 8
		s.noteHead(s.journal.Head())
	}
	if writes := g.tx.Writes(); len(writes) > 0 {
		g.publish(writes)
	}
	return nil
}

// publish makes the group visible to every read that begins from now on.
func (g *group) publish(writes map[string][]byte) {
	w := g.w
	w.hint = len(writes)
	g.overlay = &overlay{values: writes, bytes: g.tx.Bytes(), mark: w.s.journal.Head(), applied: make(chan struct{})}
	w.s.overlays.add(g.overlay)
	w.ahead = append(w.ahead, g.overlay)
	w.remember(writes)
	for key := range writes {
		if ledger.ClassOf(key) == ledger.Row {
			w.s.bloom.add([]byte(key))
		}
	}
	if dead := g.tx.Revoked(); len(dead) > 0 {
		w.s.watch(dead)
	}
}

// remember keeps what the writer is likely to need again.
func (w *writer) remember(writes map[string][]byte) {
	if len(w.walletCache) > maxWalletCache {
		clear(w.walletCache)
	}
	for key, value := range writes {
		switch {
		case ledger.ClassOf(key) != ledger.Sum:
		case value == nil:
			delete(w.walletCache, key)
		default:
			w.walletCache[key] = value
		}
	}
}

// maxWalletCache bounds the writer's cache: about 15 MB of wallets.
const maxWalletCache = 100_000

// Get implements [ledger.State] for the writer.
func (w *writer) Get(key []byte) ([]byte, error) {
	class := ledger.ClassOf(key)
	switch class {
	case ledger.Row:
		if w.s.bloom.lacks(key) {
			return nil, nil
		}
	case ledger.Sum:
		if value, ok := w.walletCache[string(key)]; ok {
			return value, nil
		}
	}
	if value, ok := lookup(w.ahead, key); ok {
		return value, nil
	}
	if value, ok := w.readCache[string(key)]; ok {
		return value, nil
	}
	value, err := w.tables().load(key)
	switch {
	case err != nil:
		return nil, err
	case class == ledger.Sum && value != nil:
		w.walletCache[string(key)] = value
	default:
		w.readCache[string(key)] = value
	}
	return value, nil
}

// Each implements [ledger.State] for the writer.
func (w *writer) Each(prefix []byte, yield func(key, value []byte) error) error {
	return (&view{s: w.s, txn: w.base.txn, overlays: w.ahead}).Each(prefix, yield)
}

// Record implements [ledger.State] for the writer.
func (w *writer) Record(at journal.Ref) (*journal.Record, error) { return w.tables().Record(at) }

// Numbered implements [ledger.State] for the writer.
func (w *writer) Numbered(seq uint64) (*journal.Record, error) { return w.tables().Numbered(seq) }

func (w *writer) tables() *view { return &view{s: w.s, txn: w.base.txn} }

var errStage = errors.New("no record is staged while the journal is applied")

// replaying makes a Tx for records that the journal has already.
func (w *writer) replaying() *ledger.Tx {
	info := w.s.Info()
	return ledger.NewTx(w, &info, w.s.o.Now(), w.hint, func(*journal.Record) (journal.Ref, error) { return journal.Ref{}, errStage })
}
