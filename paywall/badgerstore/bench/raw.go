//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/journal/segment"
)

// raw is the ceiling: the same buyers, the same groups and as many bytes,
// appended to a file and synced, and nothing else. It checks nothing, it knows
// nothing, and what it wrote cannot be found again.
type raw struct {
	file  segment.File
	line  []byte
	queue chan chan error
	done  sync.WaitGroup
}

func newRaw(dir string, disk segment.Disk, bytes int) (*raw, error) {
	f, err := disk.OpenFile(filepath.Join(dir, "raw"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	r := &raw{file: f, line: make([]byte, bytes), queue: make(chan chan error, 4096)}
	r.done.Go(r.write)
	return r, nil
}

func (r *raw) buy(context.Context, *paywall.Purchase) error {
	answer := make(chan error, 1)
	r.queue <- answer
	return <-answer
}

// write forms groups as the Store does.
func (r *raw) write() {
	var batch []chan error
	var text []byte
	for first := range r.queue {
		batch = r.collect(append(batch[:0], first))
		text = text[:0]
		for range batch {
			text = append(text, r.line...)
		}
		_, err := r.file.Write(text)
		err = errors.Join(err, r.file.Sync())
		for _, answer := range batch {
			answer <- err
		}
	}
}

func (r *raw) collect(batch []chan error) []chan error {
	for yields := 0; yields <= 4 && len(batch) < 512; {
		select {
		case next, ok := <-r.queue:
			if !ok {
				return batch
			}
			batch = append(batch, next)
		default:
			yields++
			runtime.Gosched()
		}
	}
	return batch
}

func (r *raw) close() error {
	close(r.queue)
	r.done.Wait()
	return r.file.Close()
}
