//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/tuppence/tuppence/paywall"
)

// sqlite is SQLite with a write-ahead log that is synced at every commit. It has
// one writer, so it has one connection: more would only wait inside.
type sqlite struct {
	db                                 *sql.DB
	used, owned, debit, insert, ledger *sql.Stmt
}

const sqliteSchema = `
create table wallet (id text primary key, balance integer not null check (balance >= 0)) without rowid;
create table unlock (
	id text primary key, wallet text not null, site text not null, resource text not null,
	url text not null, title text not null, paid integer not null, at integer not null,
	refundable_until integer not null, refunded_at integer
) without rowid;
create unique index owned on unlock (wallet, site, resource) where refunded_at is null;
create table ledger (seq integer primary key, at integer not null, kind text not null, cause text not null, legs text not null);`

func newSQLite(ctx context.Context, dir string) (*sqlite, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "sqlite.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &sqlite{db: db}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *sqlite) prepare(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, sqliteSchema); err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, id := range walletNames() {
		if _, err := tx.ExecContext(ctx, "insert into wallet values (?, ?)", id, startBalance); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	for stmt, text := range map[**sql.Stmt]string{
		&s.used:   "select 1 from unlock where id = ?",
		&s.owned:  "select 1 from unlock where wallet = ? and site = ? and resource = ? and refunded_at is null",
		&s.debit:  "update wallet set balance = balance - ?1 where id = ?2 and balance >= ?1",
		&s.insert: "insert into unlock values (?, ?, ?, ?, ?, ?, ?, ?, ?, null)",
		&s.ledger: "insert into ledger (at, kind, cause, legs) values (?, 'unlock', ?, ?)",
	} {
		if *stmt, err = s.db.PrepareContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqlite) buy(ctx context.Context, p *paywall.Purchase) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := s.once(ctx, tx, p); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (s *sqlite) once(ctx context.Context, tx *sql.Tx, p *paywall.Purchase) error {
	o := &p.Offer
	var one int
	err := tx.StmtContext(ctx, s.used).QueryRowContext(ctx, o.ID).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.StmtContext(ctx, s.owned).QueryRowContext(ctx, p.Wallet, o.Site, o.Resource).Scan(&one)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return errors.Join(err, errors.New("a purchase was made before"))
	}
	done, err := tx.StmtContext(ctx, s.debit).ExecContext(ctx, o.Price.Micros, p.Wallet)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, paywall.ErrInsufficientFunds)
	}
	legs, err := legsJSON(p)
	if err != nil {
		return err
	}
	now := time.Now()
	_, err = tx.StmtContext(ctx, s.insert).ExecContext(ctx, o.ID, p.Wallet, o.Site, o.Resource, o.URL, o.Title,
		o.Price.Micros, now.UnixMilli(), now.Add(p.Refund).UnixMilli())
	if err != nil {
		return err
	}
	_, err = tx.StmtContext(ctx, s.ledger).ExecContext(ctx, now.UnixMilli(), o.ID, legs)
	return err
}

func (s *sqlite) close() error { return s.db.Close() }
