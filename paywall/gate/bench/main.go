// Command bench measures what the gate costs. It builds the server, starts it
// between readers and an upstream of its own, and loads it over loopback; what
// it prints are ratios within one run, because absolute numbers are the
// machine's.
//
//	go run ./paywall/gate/bench          # some minutes, on a machine that does nothing else
//	go run ./paywall/gate/bench -short   # seconds; the numbers mean nothing
//
// The proxies get the first core for themselves, readers, upstream and auth
// server share the others: how much of them was used stands in the last column,
// and a row that used them up is a lower bound. Linux only: it reads /proc and
// pins with taskset (util-linux). nginx is measured where it is installed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// plan is how much is measured.
type plan struct {
	rounds   int           // each row is loaded once in each
	each     time.Duration // for this long
	readers  int           // different tokens of the row with many
	bought   int           // tokens bought for one round of the row where each comes for the first time
	unseen   int           // tokens of another process for one round of the row where each is new
	articles int           // different pages of the row of strangers
	starts   int           // of each program
	settle   time.Duration // after a start, before the memory is looked at
	benchfor string        // -benchtime of the package benchmarks
}

var (
	full  = plan{rounds: 20, each: 750 * time.Millisecond, readers: 10_000, bought: 2_000, unseen: 9_000, articles: 1000, starts: 5, settle: time.Second, benchfor: "1s"}
	short = plan{rounds: 1, each: 200 * time.Millisecond, readers: 200, bought: 200, unseen: 2000, articles: 50, starts: 1, benchfor: "20x"}
)

// connections are kept alive, and each waits for an answer before it asks again.
const connections = 32

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := start(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// start is the command, or one of the servers that it runs as processes of
// their own.
func start(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == siteRole:
		return announce(serveSite)
	case len(args) == 3 && args[0] == authRole:
		return announce(serveAuth(args[1], args[2]))
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	glance := flags.Bool("short", false, "only see that everything runs")
	rounds := flags.Int("rounds", full.rounds, "how often each row is loaded; the median counts")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	p := full
	p.rounds = *rounds
	if *glance {
		p = short
	}
	if p.rounds < 1 || flags.NArg() > 0 {
		return errors.New("write bench, bench -short, or bench -rounds with a number above zero")
	}
	dir, err := os.MkdirTemp("", "tuppence-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return measure(ctx, p, dir)
}

// measure runs the three parts one after the other, so that none disturbs
// another.
func measure(ctx context.Context, p plan, dir string) error {
	if err := packages(ctx, p); err != nil {
		return err
	}
	programs, err := build(ctx, dir)
	if err != nil {
		return err
	}
	w, err := newWorkshop(ctx, dir, programs)
	if err != nil {
		return err
	}
	defer w.close()
	if err := footprint(w, p); err != nil {
		return err
	}
	return race(w, p)
}
