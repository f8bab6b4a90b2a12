package badgerstore

import (
	"errors"
	"fmt"
	"math"
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
	s       *Store
	now     time.Time
	mark    journal.Mark                    // the last record applied to it
	records map[journal.Ptr]*journal.Record // of this group, not yet to be read from disk
	revoked []revocation
	size    int // bytes of keys and values in pending
	members []*request
	err     error // the group cannot be committed
}

// A group ends when it has this much: well below what one Badger transaction
// takes with an 8 MiB memtable (1.2 MB and 12,000 keys), so that balances and
// the applied sequence number always change together.
const (
	groupKeys  = 4_000
	groupBytes = 400 << 10
)

func (s *Store) newGroup() *group {
	return &group{
		s: s, now: s.now(),
		view: view{
			txn: s.db.NewTransaction(false), known: s.known,
			pending: make(map[string][]byte, 64), memo: make(map[string][]byte, 64),
		},
		records: make(map[journal.Ptr]*journal.Record, 16),
	}
}

// now is the store's time as records have it: a right that is read back from the
// journal must be the one that was answered.
func (s *Store) now() time.Time { return s.o.Now().UTC().Truncate(time.Millisecond) }

func (g *group) full() bool { return len(g.pending) >= groupKeys || g.size >= groupBytes }

func (g *group) put(key, value []byte) {
	g.pending[string(key)] = value
	g.size += len(key) + len(value)
}

// read gives a record that stands in the journal or waits in this group.
func (g *group) read(at journal.Ptr) (*journal.Record, error) {
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
	g.mark = journal.Mark{Seq: r.Seq, Ptr: ptr}
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
	if err := g.s.journal.Commit(); err != nil {
		g.s.fail(err)
		return err
	}
	g.mark = g.s.journal.Head()
	g.s.groups.Add(1)
	if err := g.write(); err != nil {
		// The journal has the changes, Badger not: nobody may read or decide on what
		// is missing. Opening the store again applies them.
		g.s.fail(err)
		return err
	}
	return nil
}

// write applies the group to Badger and to what the store keeps in memory.
func (g *group) write() error {
	if err := g.flush(); err != nil {
		return fmt.Errorf("applying the journal to Badger: %w", err)
	}
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
	g.s.revoked.add(g.revoked)
	return nil
}

// maxKnown bounds the writer's cache: about 15 MB of wallets.
const maxKnown = 100_000

// flush writes what is pending in one transaction. Only a single record can be
// too large for one (a batch of vouchers, the erasure of a long history). It is
// then written in several, in an order that lets the record be applied again
// after a crash between them: what is set, then what is deleted, what leads to
// other keys after those, and at last wallets, balances and the applied sequence
// number together.
func (g *group) flush() error {
	g.s.cut.Lock()
	defer g.s.cut.Unlock()
	var steps [4][]string
	for key, value := range g.pending {
		n := step(key, value)
		steps[n] = append(steps[n], key)
	}
	txn := g.s.db.NewTransaction(true)
	defer func() { txn.Discard() }()
	for _, keys := range steps {
		for _, key := range keys {
			err := set(txn, key, g.pending[key])
			if errors.Is(err, badger.ErrTxnTooBig) {
				if err := txn.Commit(); err != nil {
					return err
				}
				txn = g.s.db.NewTransaction(true)
				err = set(txn, key, g.pending[key])
			}
			if err != nil {
				return err
			}
		}
	}
	if err := set(txn, string(tagMeta), encodeMark(g.mark)); err != nil {
		return err
	}
	return txn.Commit()
}

// step is when flush writes a key.
func step(key string, value []byte) int {
	switch {
	case cached(key):
		return 3
	case value != nil:
		return 0
	case key[0] == tagIndex || key[0] == tagResource:
		return 2
	}
	return 1
}

func set(txn *badger.Txn, key string, value []byte) error {
	if value == nil {
		return txn.Delete([]byte(key))
	}
	return txn.SetEntry(badger.NewEntry([]byte(key), value))
}
