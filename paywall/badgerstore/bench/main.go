//go:build linux

// Command bench has so many buyers at once buy from the store, from
// PostgreSQL that does the same in one SQL function, from SQLite, and from Badger
// with a transaction for each purchase, and compares all of them with a plain file
// that takes the same bytes in the same groups. They take turns on one disk, and
// then on one whose syncs are slowed by 2 ms: ours in the journal's file layer,
// PostgreSQL's with strace. At last the same purchases come over HTTP: to the checkout,
// and to a handler that calls PostgreSQL. Offers are signed before the time runs, by the
// ring that sells, as the gate does seconds before in life; once more by another one,
// whose signatures have to be checked. What counts is the ratio within one run, on a
// machine that does nothing else; on one that does, the ratio by CPU time. The README has
// one.
//
//	go run ./paywall/badgerstore/bench [-short] [-million] [-nopg] [-dir <folder on the disk>]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/term"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := func() error {
		if dir := os.Getenv(killedEnv); dir != "" {
			return sellUntilKilled(ctx, dir)
		}
		return run(ctx, os.Args[1:])
	}()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	short := flags.Bool("short", false, "take seconds instead of minutes; the figures are rough")
	nopg := flags.Bool("nopg", false, "leave PostgreSQL out")
	million := flags.Bool("million", false, "measure also how long a store with 1,000,000 unlocks takes to open")
	base := flags.String("dir", os.TempDir(), "a folder on the disk to measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o := settings{buyers: []int{1, 16, 64, 256}}
	if !*nopg {
		if o.bin, err = postgresBin(); err != nil {
			return err
		}
	}
	if err := realDisk(*base); err != nil {
		return err
	}
	if o.dir, err = os.MkdirTemp(*base, "tuppence-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	if err := os.Chmod(o.dir, 0o711); err != nil { // PostgreSQL runs as somebody else
		return err
	}
	rounds, d := 3, time.Second
	if *short {
		rounds, d = 1, 200*time.Millisecond
	}
	if err := o.compare(ctx, rounds, d); err != nil {
		return err
	}
	if !*million {
		return nil
	}
	t, err := measureOpening(ctx, filepath.Join(o.dir, "million"), 1_000_000)
	if err != nil {
		return fmt.Errorf("measuring how long opening takes: %w", err)
	}
	printOpening(t)
	return nil
}

// compare runs both contests and prints them.
func (o *settings) compare(ctx context.Context, rounds int, d time.Duration) error {
	for _, begin := range []func(context.Context) (*contest, error){o.fastContest, o.slowContest, o.httpContest} {
		c, err := begin(ctx)
		if err == nil {
			err = c.run(ctx, rounds, d, tell)
		}
		tell("")
		var sold int
		if err == nil {
			c.print()
			sold = int(c.rows[0].counter.n.Load())
		}
		if err = errors.Join(err, c.close()); err != nil {
			return err
		}
		if store, ok := c.rows[0].store.(*ours); ok && c.title == "this disk" {
			z, err := measureSizes(store.dir, sold)
			if err != nil {
				return err
			}
			z.print()
		}
	}
	return nil
}

// realDisk refuses memory that looks like a disk: a sync there costs nothing.
func realDisk(dir string) error {
	const tmpfs = 0x01021994 // statfs(2)
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return fmt.Errorf("looking at %s: %w", dir, err)
	}
	if s.Type == tmpfs {
		return fmt.Errorf("%s is in memory, not on a disk: name a folder on a disk with -dir", dir)
	}
	return nil
}

// tell shows on a terminal what is going on.
func tell(what string) {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s", what)
	}
}
