//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/tuppence/tuppence/paywall"
)

// perTransaction is Badger without a journal and without groups: each purchase
// is a transaction of its own, synced. The site's balance is left out: as a key
// that all of them write it would have them all conflict.
type perTransaction struct{ db *badger.DB }

func newPerTransaction(dir string) (*perTransaction, error) {
	o := badger.DefaultOptions(dir).WithSyncWrites(true).WithLogger(nil).WithMetricsEnabled(false)
	o = o.WithMemTableSize(8 << 20).WithValueLogFileSize(16 << 20).WithCompression(options.ZSTD)
	db, err := badger.Open(o)
	if err != nil {
		return nil, err
	}
	batch := db.NewWriteBatch()
	for i := range wallets {
		err = errors.Join(err, batch.Set([]byte("wallet/"+walletName(i)), balance(startBalance)))
	}
	if err := errors.Join(err, batch.Flush()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &perTransaction{db}, nil
}

// walletName is a wallet's id for those who do not make their own.
func walletName(i int) string { return "AAAAAAAAAAAAAAAAAA" + strconv.Itoa(1000+i) }

func walletNames() (names []string) {
	for i := range wallets {
		names = append(names, walletName(i))
	}
	return names
}

func balance(micros int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(micros)) }

func (b *perTransaction) buy(ctx context.Context, p *paywall.Purchase) error {
	for ctx.Err() == nil {
		err := b.db.Update(func(txn *badger.Txn) error { return b.once(txn, p) })
		if !errors.Is(err, badger.ErrConflict) {
			return err
		}
	}
	return ctx.Err()
}

func (b *perTransaction) once(txn *badger.Txn, p *paywall.Purchase) error {
	o := &p.Offer
	unlock, owned := []byte("unlock/"+o.ID), []byte("owned/"+p.Wallet+"/"+o.Site+o.Resource)
	for _, key := range [][]byte{unlock, owned} {
		if _, err := txn.Get(key); !errors.Is(err, badger.ErrKeyNotFound) {
			return errors.Join(err, errors.New("a purchase was made before"))
		}
	}
	wallet := []byte("wallet/" + p.Wallet)
	item, err := txn.Get(wallet)
	if err != nil {
		return err
	}
	value, err := item.ValueCopy(nil)
	if err != nil {
		return err
	}
	left := int64(binary.BigEndian.Uint64(value)) - o.Price.Micros
	if left < 0 {
		return paywall.ErrInsufficientFunds
	}
	legs, err := o.Allocate()
	if err != nil {
		return err
	}
	entry := append([]byte(o.Title+"\x00"+o.URL+"\x00"), balance(-o.Price.Micros)...)
	for _, l := range legs {
		entry = append(append(entry, l.Account...), balance(l.Micros)...)
	}
	return errors.Join(
		txn.Set(unlock, entry),
		txn.Set(owned, []byte(o.ID)),
		txn.Set(wallet, balance(left)),
	)
}

func (b *perTransaction) close() error { return b.db.Close() }
