//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clock adds up the times in which purchases are measured.
type clock struct {
	elapsed, busy, worked time.Duration
	since                 time.Time
}

func (c *clock) start() {
	c.busy -= busy()
	c.worked -= worked()
	c.since = time.Now()
}

func (c *clock) stop() {
	c.elapsed += time.Since(c.since)
	c.busy += busy()
	c.worked += worked()
}

// result is what purchases come to that took so long, sorted.
func (c *clock) result(took []time.Duration) result {
	return result{
		rate: float64(len(took)) / c.elapsed.Seconds(),
		p50:  took[len(took)/2], p99: took[len(took)*99/100],
		cores: c.busy.Seconds() / c.elapsed.Seconds(),
		cpu:   c.worked / time.Duration(len(took)),
	}
}

// busy is the time that all cores have worked since the machine started, for
// whomever: PostgreSQL works in processes of its own. It counts what else runs
// on the machine, too, and so shows when a figure is not to be trusted.
func busy() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	var user, nice, system, idle, wait, irq, softirq int64 // in 1/100 s: proc_stat(5)
	if _, err := fmt.Sscanf(line, "cpu %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &irq, &softirq); err != nil {
		return 0
	}
	return time.Duration(user+nice+system+irq+softirq) * 10 * time.Millisecond
}

// worked is the time that this process and all that it started have worked: PostgreSQL
// is one process for each connection. It does not count what else runs on the machine.
func worked() time.Duration {
	type process struct {
		parent int
		ticks  int64 // in 1/100 s
	}
	all := map[int]process{}
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// The second field is the program's name, in parentheses, and may hold anything.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		parent, _ := strconv.Atoi(fields[1])
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		all[pid] = process{parent, user + system}
	}
	var ticks int64
	for pid, p := range all {
		for at := pid; at > 0; at = all[at].parent {
			if at == os.Getpid() {
				ticks += p.ticks
				break
			}
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
