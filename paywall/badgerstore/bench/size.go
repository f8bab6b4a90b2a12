//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tuppence/tuppence/paywall/journal/segment"
)

// line is how many bytes a purchase takes in the journal; it makes some to see.
func (o *ours) line(ctx context.Context) (int, error) {
	const purchases = 1000
	wallet, err := o.openWallet(ctx)
	if err != nil {
		return 0, err
	}
	var before, after bytes.Buffer
	if err := o.Export(ctx, &before); err != nil {
		return 0, err
	}
	var count counter
	for range purchases {
		if err := o.buy(ctx, count.next([]string{wallet})); err != nil {
			return 0, err
		}
	}
	if err := o.Export(ctx, &after); err != nil {
		return 0, err
	}
	return (after.Len() - before.Len()) / purchases, nil
}

// sizes of a closed store's folder, in bytes for each purchase.
type sizes struct {
	purchases               int
	journal, badger, zipped float64
}

func measureSizes(dir string, purchases int) (z sizes, err error) {
	z.purchases = purchases
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		each := float64(info.Size()) / float64(purchases)
		if filepath.Base(filepath.Dir(name)) != "journal" {
			z.badger += each
			return nil
		}
		z.journal += each
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(zip, f)
		return err
	})
	err = errors.Join(err, zip.Close())
	z.zipped = float64(packed.Len()) / float64(purchases)
	return z, err
}

// fill sells so much as fast as it goes.
func fill(ctx context.Context, o *ours, count *counter, purchases int) error {
	const buyers = 256
	errs := make([]error, buyers)
	var made atomic.Int64
	var done sync.WaitGroup
	for i := range errs {
		done.Go(func() {
			for errs[i] == nil && made.Add(1) <= int64(purchases) {
				errs[i] = o.buy(ctx, count.next(o.wallets))
			}
		})
	}
	done.Wait()
	return errors.Join(errs...)
}

// opening is how long a store takes to open: after Close, and after SIGKILL.
type opening struct {
	purchases     int
	clean, killed time.Duration
}

const killedEnv = "TUPPENCE_BENCH_KILLED"

// measureOpening fills a store, and has a process of its own that goes on
// selling be killed in the middle.
func measureOpening(ctx context.Context, dir string, purchases int) (t opening, err error) {
	t.purchases = purchases
	o, err := newOurs(ctx, dir, segment.OS{})
	if err != nil {
		return t, err
	}
	var count counter
	if err := errors.Join(fill(ctx, o, &count, purchases), o.close()); err != nil {
		return t, err
	}
	if t.clean, err = reopen(ctx, dir); err != nil {
		return t, err
	}
	if err := sellAndDie(ctx, dir); err != nil {
		return t, err
	}
	t.killed, err = reopen(ctx, dir)
	return t, err
}

func reopen(ctx context.Context, dir string) (time.Duration, error) {
	start := time.Now()
	l, err := openLedger(ctx, dir, segment.OS{})
	if err != nil {
		return 0, err
	}
	took := time.Since(start)
	return took, l.Close()
}

// sellAndDie runs this program again as a shop and kills it.
func sellAndDie(ctx context.Context, dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), killedEnv+"="+dir)
	cmd.Stderr = os.Stderr
	said, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, err = said.Read(make([]byte, 1)) // it is selling
	time.Sleep(2 * time.Second)
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // "signal: killed"
	if err != nil {
		return fmt.Errorf("waiting for a shop to kill: %w", err)
	}
	return nil
}

// sellUntilKilled is what that process does.
func sellUntilKilled(ctx context.Context, dir string) error {
	o, err := newOurs(ctx, dir, segment.OS{})
	if err != nil {
		return err
	}
	fmt.Println("selling")
	return fill(ctx, o, new(counter), 1<<40)
}
