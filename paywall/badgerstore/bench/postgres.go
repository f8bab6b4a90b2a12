//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tuppence/tuppence/paywall"
)

// postgres makes the purchase in one call of one function, the fastest way
// there is: one round trip, prepared, over a Unix socket.
type postgres struct {
	server *server
	pool   *pgxpool.Pool
}

// postgresSchema leaves room for siteBalance.
const postgresSchema = `
create table wallet (id text primary key, balance bigint not null check (balance >= 0));
create table unlock (
	id text primary key, wallet text not null references wallet, site text not null, resource text not null,
	url text not null, title text not null, paid bigint not null, at timestamptz not null,
	refundable_until timestamptz not null, refunded_at timestamptz
);
create unique index owned on unlock (wallet, site, resource) where refunded_at is null;
create table site (origin text primary key, balance bigint not null);
create table ledger (seq bigserial primary key, at timestamptz not null, kind text not null, cause text not null, legs jsonb not null);

create function buy(w text, offer text, s text, r text, u text, t text, price bigint, window_s float8, moved jsonb)
returns bigint language plpgsql as $$
declare rest bigint;
begin
	select balance into rest from wallet where id = w for update;
	if not found then raise exception 'no such wallet'; end if;
	perform 1 from unlock where id = offer;
	if found then raise exception 'a purchase was made before'; end if;
	perform 1 from unlock where wallet = w and site = s and resource = r and refunded_at is null;
	if found then raise exception 'owned already'; end if;
	if rest < price then raise exception 'insufficient funds'; end if;
	update wallet set balance = balance - price where id = w returning balance into rest;
	insert into unlock values (offer, w, s, r, u, t, price, now(), now() + make_interval(secs => window_s), null);
	insert into ledger (at, kind, cause, legs) values (now(), 'unlock', offer, moved);
	%s
	return rest;
end $$;`

// siteBalance keeps what belongs to the site in a row of its own, last, so that its
// lock is held as briefly as can be. Without it, it is the sum of the ledger's legs.
const siteBalance = `update site set balance = balance + price where origin = s;`

// poolSize is below PostgreSQL's default limit of 100 connections; buyers
// beyond it wait for one.
const poolSize = 90

func newPostgres(ctx context.Context, s *server, balanced bool) (*postgres, error) {
	config, err := pgxpool.ParseConfig(fmt.Sprintf("host=%s user=bench dbname=postgres", s.dir))
	if err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns = poolSize, poolSize
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	p := &postgres{s, pool}
	last := ""
	if balanced {
		last = siteBalance
	}
	if _, err := pool.Exec(ctx, fmt.Sprintf(postgresSchema, last)); err != nil {
		pool.Close()
		return nil, fmt.Errorf("making the tables: %w", err)
	}
	if _, err := pool.Exec(ctx, "insert into site values ($1, 0)", site); err != nil {
		pool.Close()
		return nil, fmt.Errorf("opening the site's account: %w", err)
	}
	if _, err := pool.Exec(ctx, "insert into wallet select unnest($1::text[]), $2", walletNames(), startBalance); err != nil {
		pool.Close()
		return nil, fmt.Errorf("opening wallets: %w", err)
	}
	return p, nil
}

func (p *postgres) buy(ctx context.Context, b *paywall.Purchase) error {
	legs, err := legsJSON(b)
	if err != nil {
		return err
	}
	o := &b.Offer
	var rest int64
	return p.pool.QueryRow(ctx, "select buy($1, $2, $3, $4, $5, $6, $7, $8, $9)", b.Wallet, o.ID, o.Site, o.Resource,
		o.URL, o.Title, o.Price.Micros, b.Refund.Seconds(), legs).Scan(&rest)
}

// legsJSON is the transfer of a purchase: what each account gets.
func legsJSON(p *paywall.Purchase) (string, error) {
	legs, err := p.Offer.Allocate()
	if err != nil {
		return "", err
	}
	pairs := [][2]any{{paywall.WalletAccount(p.Wallet), -p.Offer.Price.Micros}}
	for _, l := range legs {
		pairs = append(pairs, [2]any{l.Account, l.Micros})
	}
	text, err := json.Marshal(pairs)
	return string(text), err
}

func (p *postgres) close() error {
	p.pool.Close()
	return p.server.stop()
}
