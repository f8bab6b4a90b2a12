package badgerstore

import (
	"errors"

	"github.com/dgraph-io/badger/v4"

	"github.com/tuppence/tuppence/paywall/journal"
)

// flush writes values, and how far the journal is applied with them, in one
// transaction. Only a single record can be too large for one (a batch of
// vouchers, the erasure of a long history). It is then written in several, in an
// order that lets the record be applied again after a crash between them: what
// is set, then what is deleted, what leads to other keys after those, and at
// last wallets, balances, counters, gifts and the applied sequence number together.
func (s *Store) flush(values map[string][]byte, mark journal.Mark) error {
	s.cut.Lock()
	defer s.cut.Unlock()
	w := writing{db: s.db, txn: s.db.NewTransaction(true), entries: make([]badger.Entry, len(values)+1)}
	defer func() { w.txn.Discard() }()
	var steps [4][]string
	for key, value := range values {
		n := step(key, value)
		steps[n] = append(steps[n], key)
	}
	for _, keys := range steps {
		for _, key := range keys {
			if err := w.set(key, values[key]); err != nil {
				return err
			}
		}
	}
	if err := w.set(string(tagMeta), encodeMark(mark)); err != nil {
		return err
	}
	return w.txn.Commit()
}

// step is when flush writes a key.
func step(key string, value []byte) int {
	switch {
	case cached(key), key[0] == tagCounter, key[0] == tagGift && value != nil: // what is added to
		return 3
	case value != nil:
		return 0
	case key[0] == tagIndex || key[0] == tagResource:
		return 2
	}
	return 1
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
