package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// drive is one row's load for one round.
type drive struct {
	addr     string
	requests [][]byte
	once     bool // each request is sent once, and the round ends with the last
	status   string
	length   int // of the body; 0: any
}

// headers are the largest that an answer may have, in bytes.
const headers = 8 << 10

// client is one connection. net/http's would cost more than the gate, so it
// writes requests that were made before and looks at nothing but the status and
// the length of an answer.
type client struct {
	conn net.Conn
	buf  [headers + 2*pageSize]byte
}

// run loads a server from all connections for a while. It answers how many
// requests were answered and in what time; one wrong answer is an error.
func (d *drive) run(during time.Duration, begin func() error) (int64, time.Duration, error) {
	clients := make([]*client, connections)
	for i := range clients {
		conn, err := net.Dial("tcp", d.addr)
		if err != nil {
			return 0, 0, err
		}
		defer func() { _ = conn.Close() }()
		clients[i] = &client{conn: conn}
	}
	if err := begin(); err != nil {
		return 0, 0, err
	}
	var taken, done atomic.Int64
	errs := make([]error, connections)
	var all sync.WaitGroup
	since := time.Now()
	for i, c := range clients {
		all.Go(func() {
			answered := int64(0)
			for time.Since(since) < during {
				next := int(taken.Add(1) - 1)
				if d.once && next >= len(d.requests) {
					break
				}
				if errs[i] = c.ask(d.requests[next%len(d.requests)], d); errs[i] != nil {
					break
				}
				answered++
			}
			done.Add(answered)
		})
	}
	all.Wait()
	return done.Load(), time.Since(since), errors.Join(errs...)
}

// warm sends every request once: the gate has seen the tokens and asked for the pages then.
func (d *drive) warm() error {
	conn, err := net.Dial("tcp", d.addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	c := &client{conn: conn}
	for _, request := range d.requests {
		if err := c.ask(request, d); err != nil {
			return err
		}
	}
	return nil
}

// ask sends a request and reads its answer to the end.
func (c *client) ask(request []byte, want *drive) error {
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	have, end := 0, -1
	for end < 0 {
		n, err := c.conn.Read(c.buf[have:])
		if err != nil {
			return fmt.Errorf("reading an answer: %w", err)
		}
		have += n
		end = bytes.Index(c.buf[:have], []byte("\r\n\r\n"))
	}
	head := c.buf[:end+2]
	length, ok := contentLength(head)
	if !ok || string(head[9:12]) != want.status || want.length > 0 && length != want.length || end+4+length > len(c.buf) {
		return fmt.Errorf("not the answer that was expected (%s):\n%s", want.status, c.buf[:min(have, 1000)])
	}
	for have < end+4+length {
		n, err := c.conn.Read(c.buf[have : end+4+length])
		if err != nil {
			return fmt.Errorf("reading a body: %w", err)
		}
		have += n
	}
	return nil
}

func contentLength(head []byte) (int, bool) {
	_, rest, found := bytes.Cut(head, []byte("\r\nContent-Length: "))
	digits, _, _ := bytes.Cut(rest, []byte("\r"))
	n, err := strconv.Atoi(string(digits))
	return n, found && err == nil
}
