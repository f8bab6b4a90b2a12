//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/tuppence/tuppence/paywall/journal/segment"
	"github.com/tuppence/tuppence/paywall/token"
)

// row is a contender with its figures, by number of buyers.
type row struct {
	name    string
	bound   string // what holds it back
	missing string // why it is not measured
	load    func(ctx context.Context, buyers int, d time.Duration) (result, error)
	store   interface{ close() error } // nil: it is another row's
	counter *counter
	goal    string // for its rate ÷ PostgreSQL's, "" if there is none
	rounds  map[int][]result
}

func (r *row) at(buyers int) (result, bool) {
	if len(r.rounds[buyers]) == 0 {
		return result{}, false
	}
	return median(r.rounds[buyers]), true
}

// contest is contenders on one disk. They stay open, and take turns, so that
// what changes on the machine meanwhile changes for all of them.
type contest struct {
	title  string
	buyers []int
	rows   []*row
}

func (c *contest) add(name, bound string, of contender, wallets []string) {
	r := &row{name: name, bound: bound, store: of, counter: new(counter), rounds: map[int][]result{}}
	r.load = func(ctx context.Context, buyers int, d time.Duration) (result, error) {
		return load(ctx, of, wallets, r.counter, buyers, d)
	}
	c.rows = append(c.rows, r)
}

// addSeller adds a way to buy over HTTP. Those from one store share a counter.
func (c *contest) addSeller(name, bound string, of seller, wallets []string, count *counter) *row {
	r := &row{name: name, bound: bound, counter: count, rounds: map[int][]result{}}
	r.load = func(ctx context.Context, buyers int, d time.Duration) (result, error) {
		return loadHTTP(ctx, of, wallets, count, buyers, d)
	}
	c.rows = append(c.rows, r)
	return r
}

func (c *contest) miss(name, why string) {
	c.rows = append(c.rows, &row{name: name, missing: why})
}

// run measures everybody so often, after a warm-up.
func (c *contest) run(ctx context.Context, rounds int, d time.Duration, tell func(string)) error {
	for round := range rounds + 1 {
		for _, buyers := range c.buyers {
			for _, r := range c.rows {
				if r.missing != "" {
					continue
				}
				tell(fmt.Sprintf("%s: round %d of %d, %d buyers, %s", c.title, round, rounds, buyers, r.name))
				length := d
				if round == 0 {
					length = d / 4
				}
				got, err := r.load(ctx, buyers, length)
				if err != nil {
					return fmt.Errorf("buying from %s: %w", r.name, err)
				}
				if round > 0 {
					r.rounds[buyers] = append(r.rounds[buyers], got)
				}
			}
		}
	}
	return nil
}

func (c *contest) close() (err error) {
	for _, r := range c.rows {
		if r.store != nil {
			err = errors.Join(err, r.store.close())
		}
	}
	return err
}

const (
	oursName     = "tuppence"
	rawName      = "raw append + fdatasync"
	postgresName = "PostgreSQL"
	balancedName = "PostgreSQL, the site's balance too"
)

// slowBy is what the slow disk adds to every sync.
const slowBy = 2 * time.Millisecond

// settings of a run.
type settings struct {
	dir    string
	bin    string // PostgreSQL's programs; "": leave it out
	buyers []int
}

func (o *settings) folder(name string) (string, error) {
	dir := filepath.Join(o.dir, name)
	return dir, os.Mkdir(dir, 0o700)
}

// fastContest is on the disk as it is, with everybody.
func (o *settings) fastContest(ctx context.Context) (c *contest, err error) {
	c = &contest{title: "this disk", buyers: o.buyers}
	if err := o.common(ctx, c, "fast", segment.OS{}, 0); err != nil {
		return c, err
	}
	dir, err := o.folder("sqlite")
	if err != nil {
		return c, err
	}
	lite, err := newSQLite(ctx, dir)
	if err != nil {
		return c, fmt.Errorf("opening SQLite: %w", err)
	}
	c.add("SQLite, WAL, synchronous=FULL", "one writer, one sync for each purchase", lite, walletNames())
	if dir, err = o.folder("badger"); err != nil {
		return c, err
	}
	single, err := newPerTransaction(dir)
	if err != nil {
		return c, fmt.Errorf("opening Badger: %w", err)
	}
	c.add("Badger, a transaction each, SyncWrites", "one sync for each purchase, one after the other", single, walletNames())
	return c, nil
}

// slowContest is between those whose syncs can be slowed without changing them.
func (o *settings) slowContest(ctx context.Context) (c *contest, err error) {
	c = &contest{title: fmt.Sprintf("every sync slowed by %v", slowBy), buyers: o.buyers}
	return c, o.common(ctx, c, "slow", slowDisk{by: slowBy}, slowBy)
}

// httpContest has the purchases come over HTTP, from 64 connections.
func (o *settings) httpContest(ctx context.Context) (c *contest, err error) {
	c = &contest{title: "over HTTP", buyers: []int{64}}
	dir, err := o.folder("http-" + oursName)
	if err != nil {
		return c, err
	}
	shop, err := newShop(ctx, dir)
	if err != nil {
		return c, fmt.Errorf("opening the checkout: %w", err)
	}
	elsewhere, err := token.OpenRing(shop.dir, false)
	if err != nil {
		return c, errors.Join(err, shop.close())
	}
	count := new(counter)
	first := c.addSeller(oursName, "the same cores serve, sign and are the buyers", &programs{shop, shop.ring}, shop.keys, count)
	first.store, first.goal = shop, "2"
	c.addSeller("tuppence, a browser's form", "the same", &browsers{shop}, shop.keys, count)
	c.addSeller("tuppence, offers that another process signed", "the same, and the check of a signature", &programs{shop, elsewhere}, shop.keys, count)
	return c, o.addPostgres(ctx, "http", 0, func(name, bound string, p *postgres) {
		s := serve(p)
		c.addSeller(name, bound, s, walletNames(), new(counter)).store = s
	}, c.miss)
}

func (o *settings) common(ctx context.Context, c *contest, name string, disk segment.Disk, delay time.Duration) error {
	dir, err := o.folder(name + "-" + oursName)
	if err != nil {
		return err
	}
	store, err := newOurs(ctx, dir, disk)
	if err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	c.add(oursName, "alone: the sync; many: checking and encoding on one core, Badger on another", store, store.wallets)
	line, err := store.line(ctx)
	if err != nil {
		return err
	}
	if dir, err = o.folder(name + "-raw"); err != nil {
		return err
	}
	bare, err := newRaw(dir, disk, line)
	if err != nil {
		return fmt.Errorf("opening a file: %w", err)
	}
	c.add(rawName, "alone: the sync; many: handing over between goroutines", bare, walletNames())
	return o.addPostgres(ctx, name, delay, func(name, bound string, p *postgres) { c.add(name, bound, p, walletNames()) }, c.miss)
}

// addPostgres adds it twice: with the wallet's balance alone, which is the easier
// for it, and with the site's as well, which is what the store does.
func (o *settings) addPostgres(ctx context.Context, name string, delay time.Duration, add func(name, bound string, p *postgres), miss func(name, why string)) error {
	if o.bin == "" {
		miss(postgresName, "left out (-nopg)")
		return nil
	}
	if _, err := exec.LookPath("strace"); err != nil && delay > 0 {
		miss(postgresName, "strace, which slows its syncs, is not installed")
		return nil
	}
	for _, row := range []string{postgresName, balancedName} {
		balanced := row == balancedName
		dir, err := o.folder(fmt.Sprintf("%s-pg-%t", name, balanced))
		if err != nil {
			return err
		}
		s, err := startServer(ctx, o.bin, dir, delay)
		if err != nil {
			return err
		}
		p, err := newPostgres(ctx, s, balanced)
		if err != nil {
			return errors.Join(err, s.stop())
		}
		bound := "alone: the sync and a round trip; many: a process, a parse and a lock for each"
		if balanced {
			bound = "the lock on one row, which each purchase holds while it syncs"
		}
		add(row, bound, p)
	}
	return nil
}
