package badgerstore

import (
	"errors"

	"github.com/dgraph-io/badger/v4"

	"github.com/tuppence/tuppence/paywall/journal"
	"github.com/tuppence/tuppence/paywall/ledger/state"
)

// flush writes values, and how far the journal is applied with them, in one
// transaction. Only a batch of vouchers, made or revoked, can be too large for one. It is then written
// in several, and how far the journal is applied in the last: after a crash between
// them the same values are written again.
func (s *Store) flush(values map[string][]byte, mark journal.Mark) error {
	s.cut.Lock()
	defer s.cut.Unlock()
	w := writing{db: s.db, txn: s.db.NewTransaction(true), entries: make([]badger.Entry, len(values)+1)}
	defer func() { w.txn.Discard() }()
	for key, value := range values {
		if state.OfFunding(key) {
			s.layout = layoutFunding
		}
		if err := w.set(key, value); err != nil {
			return err
		}
	}
	if err := w.set(string(metaKey), encodeMark(mark, s.layout)); err != nil {
		return err
	}
	return w.txn.Commit()
}

// writing is a transaction, followed by another when it is full.
type writing struct {
	db      *badger.DB
	txn     *badger.Txn
	entries []badger.Entry // one allocation for all; Badger keeps pointers to them
}

func (w *writing) set(key string, value []byte) error {
	err := w.add(key, value)
	if !errors.Is(err, badger.ErrTxnTooBig) {
		return err
	}
	if err := w.txn.Commit(); err != nil {
		return err
	}
	w.txn = w.db.NewTransaction(true)
	return w.add(key, value)
}

func (w *writing) add(key string, value []byte) error {
	if value == nil {
		return w.txn.Delete([]byte(key))
	}
	if len(w.entries) == 0 {
		w.entries = make([]badger.Entry, 64)
	}
	e := &w.entries[0]
	w.entries = w.entries[1:]
	e.Key, e.Value = []byte(key), value
	return w.txn.SetEntry(e)
}
