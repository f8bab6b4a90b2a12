package badgerstore

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal"
)

// group is the changes that share one sync and one Badger transaction. Members
// see the state that the members before them leave.
type group struct {
	view
	s        *Store
	now      time.Time
	mark     journal.Mark                    // the last record applied to it
	records  map[journal.Ref]*journal.Record // of this group, not yet to be read from disk
	revoked  []revocation
	erases   bool // it closed a wallet
	size     int  // bytes of keys and values in pending
	members  []*request
	patience time.Duration // with members that have not come yet
	layer    *layer        // of a group that is committed
	err      error         // the group cannot be committed
}

// A group ends when it has this much: well below what one Badger transaction
// takes with an 8 MiB memtable (1.2 MB and 12,000 keys), so that balances and
// the applied sequence number always change together.
const (
	groupKeys  = 4_000
	groupBytes = 400 << 10
)

// newGroup is a group over Badger as it is.
func (s *Store) newGroup() *group { return s.groupOver(s.db.NewTransaction(false), nil) }

// nextGroup is the writer's: over the last snapshot that needed no waiting, and
// the layers that lack in it.
func (s *Store) nextGroup() *group {
	if next := s.layers.settled.Swap(nil); next != nil {
		s.base.txn.Discard()
		s.base = next
		s.ahead = slices.DeleteFunc(s.ahead, func(l *layer) bool { return l.mark.Seq <= next.seq })
	}
	g := s.groupOver(s.base.txn, s.ahead)
	g.seen, g.patience = &s.seen, s.sync/4
	return g
}

func (s *Store) groupOver(txn *badger.Txn, ahead []*layer) *group {
	if s.memo == nil || len(s.memo) > groupKeys { // clearing takes as long as a map ever was
		s.memo, s.records = map[string][]byte{}, map[journal.Ref]*journal.Record{}
	}
	clear(s.memo)
	clear(s.records)
	return &group{
		s: s, now: s.now(),
		view: view{
			txn: txn, layers: ahead, known: s.known,
			pending: make(map[string][]byte, s.likely), memo: s.memo,
		},
		records: s.records,
	}
}

// now is the store's time as records have it: a right that is read back from the
// journal must be the one that was answered.
func (s *Store) now() time.Time { return s.o.Now().UTC().Truncate(time.Millisecond) }

func (g *group) full() bool {
	return len(g.pending) >= groupKeys || g.size >= groupBytes || len(g.members) >= groupMembers
}

func (g *group) put(key, value []byte) {
	if g.seen != nil && filtered(key) {
		g.seen.add(key)
	}
	g.pending[string(key)] = value
	g.size += len(key) + len(value)
}

// read gives a record that stands in the journal or waits in this group.
func (g *group) read(at journal.Ref) (*journal.Record, error) {
	if r, ok := g.records[at]; ok {
		return r, nil
	}
	r, err := g.s.journal.Read(at)
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// record stages a record whose change was found valid. Whatever goes wrong from
// here on spoils the whole group.
func (g *group) record(r *journal.Record) error {
	r.Time = g.now
	if err := g.check(r.Legs); err != nil {
		return err
	}
	ptr, err := g.s.journal.Stage(r)
	if err != nil {
		return g.spoil(err)
	}
	g.records[ptr] = r
	g.mark = journal.Mark{Seq: r.Seq, Ref: ptr}
	if err := g.apply(r, ptr); err != nil {
		return g.spoil(err)
	}
	return nil
}

func (g *group) spoil(err error) error {
	g.err = err
	return err
}

// check refuses legs that would take a wallet below zero, overflow a balance or
// not sum to zero.
func (g *group) check(legs []paywall.Leg) error {
	sum := int64(0)
	for _, l := range legs {
		sum += l.Micros
		balance, isWallet, err := g.balance(l.Account)
		if err != nil {
			return err
		}
		after := balance + l.Micros
		switch {
		case l.Micros > 0 && balance > math.MaxInt64-l.Micros, l.Micros < 0 && balance < math.MinInt64-l.Micros:
			return paywall.Errorf(paywall.CodeMalformed, "the amount overflows the balance")
		case isWallet && after < 0 && l.Micros < 0:
			return paywall.ErrInsufficientFunds
		}
	}
	if sum != 0 {
		return fmt.Errorf("checking a transfer: its legs sum to %d millionths", sum)
	}
	return nil
}

func (g *group) balance(account string) (balance int64, isWallet bool, err error) {
	if id, ok := strings.CutPrefix(account, walletPrefix); ok {
		raw, _ := parseWalletID(id)
		value, err := g.get(walletKey(raw))
		if err != nil || value == nil { // nil: about to be opened
			return 0, true, err
		}
		w, err := decodeWallet(value)
		return w.balance, true, err
	}
	value, err := g.get(accountKey(account))
	if err != nil || value == nil {
		return 0, false, err
	}
	balance, err = decodeBalance(value)
	return balance, false, err
}

var walletPrefix = paywall.WalletAccount("")

// commit makes the group durable and then visible. It answers nobody.
func (g *group) commit() error {
	if g.err != nil {
		return g.err
	}
	start := time.Now()
	if err := g.s.journal.Commit(); err != nil {
		g.s.fail(err)
		return err
	}
	g.s.sync += (time.Since(start) - g.s.sync) / 8
	g.mark = g.s.journal.Head()
	g.s.noteHead(g.mark)
	g.s.groups.Add(1)
	g.publish()
	return nil
}

// publish makes the group visible to every read that begins from now on.
func (g *group) publish() {
	g.s.likely = len(g.pending)
	g.layer = &layer{values: g.pending, bytes: g.size, mark: g.mark, erases: g.erases, applied: make(chan struct{})}
	g.s.layers.add(g.layer)
	g.s.ahead = append(g.s.ahead, g.layer)
	g.remember()
	g.s.revoked.add(g.revoked)
}

// write applies the group to Badger at once: what the journal has already.
func (g *group) write() error {
	if err := g.s.flush(g.pending, g.mark); err != nil {
		return fmt.Errorf("applying the journal to Badger: %w", err)
	}
	g.remember()
	g.s.revoked.add(g.revoked)
	return nil
}

// remember keeps what the writer is likely to need again.
func (g *group) remember() {
	if len(g.s.known) > maxKnown {
		clear(g.s.known)
	}
	for key, value := range g.pending {
		switch {
		case !cached(key):
		case value == nil:
			delete(g.s.known, key)
		default:
			g.s.known[key] = value
		}
	}
}

// maxKnown bounds the writer's cache: about 15 MB of wallets.
const maxKnown = 100_000
