//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// batch is how many requests are made beforehand, offers signed, and then sent against
// the time. So many offers a ring remembers for sure; in life an offer is bought seconds
// after the same process has signed it.
const batch = 2 << 10

// connection is one buyer's. A client of net/http would take more of the cores than what
// is measured, so this one looks at the status and the length of an answer alone.
type connection struct {
	net.Conn
	in *bufio.Reader
}

// loadHTTP has so many buyers, each with a connection, buy one after the other, until the
// time that they were doing so adds up to d.
func loadHTTP(ctx context.Context, s seller, ids []string, count *counter, buyers int, d time.Duration) (result, error) {
	connections := make([]connection, buyers)
	for i := range connections {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.addr())
		if err != nil {
			return result{}, err
		}
		defer func() { _ = conn.Close() }()
		connections[i] = connection{conn, bufio.NewReader(conn)}
	}
	var all []time.Duration
	var clock clock
	for clock.elapsed < d {
		requests := make([][]byte, batch)
		for i := range requests {
			var err error
			if requests[i], err = s.request(count.next(ids)); err != nil {
				return result{}, err
			}
		}
		runtime.GC() // nobody pays for the garbage of the one before
		clock.start()
		took, err := buyBatch(ctx, connections, requests, s.sold(), time.Now().Add(d-clock.elapsed))
		clock.stop()
		if err != nil {
			return result{}, err
		}
		all = append(all, took...)
	}
	slices.Sort(all)
	return clock.result(all), nil
}

// buyBatch sends requests until there are no more, or it is late.
func buyBatch(ctx context.Context, connections []connection, requests [][]byte, status int, until time.Time) ([]time.Duration, error) {
	took := make([][]time.Duration, len(connections))
	errs := make([]error, len(connections))
	var taken atomic.Int64
	var done sync.WaitGroup
	for i := range connections {
		done.Go(func() {
			last := time.Now()
			for last.Before(until) && errs[i] == nil && ctx.Err() == nil {
				next := int(taken.Add(1) - 1)
				if next >= len(requests) {
					return
				}
				errs[i] = connections[i].ask(requests[next], status)
				now := time.Now()
				took[i] = append(took[i], now.Sub(last))
				last = now
			}
		})
	}
	done.Wait()
	return slices.Concat(took...), errors.Join(append(errs, ctx.Err())...)
}

// ask sends a request and reads its answer to the end.
func (c *connection) ask(request []byte, status int) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	good := len(line) > 12 && string(line[9:12]) == strconv.Itoa(status)
	length := 0
	for err == nil && len(line) > len("\r\n") {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return err
		}
		if digits, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			length, err = strconv.Atoi(string(bytes.TrimSpace(digits)))
		}
	}
	if err != nil || good {
		_, skipped := c.in.Discard(length)
		return errors.Join(err, skipped)
	}
	body, _ := c.in.Peek(length)
	return fmt.Errorf("not the answer %d that was expected: %s", status, body)
}
