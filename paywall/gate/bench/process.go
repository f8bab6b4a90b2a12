package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a running program.
type process struct {
	cmd   *exec.Cmd
	log   output
	ended chan struct{}
}

// output is what a process said.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// launch starts a program with the folder as its home. It dies with the context.
func launch(ctx context.Context, home, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, name, args...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.WaitDelay = 5 * time.Second // whatever of its children still holds its output
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // it is ended by a signal
		close(p.ended)
	}()
	return p, nil
}

// wait is for a process to become ready. The error is the process's last words.
func (p *process) wait(ready func() bool) error {
	timeout := time.After(30 * time.Second)
	look := time.NewTicker(500 * time.Microsecond)
	defer look.Stop()
	for !ready() {
		select {
		case <-look.C:
		case <-p.ended:
			return fmt.Errorf("%s ended:\n%s", p.cmd.Path, p.log.String())
		case <-timeout:
			return fmt.Errorf("%s does not answer:\n%s", p.cmd.Path, p.log.String())
		}
	}
	return nil
}

// stop lets a process tidy up, and returns when it has ended.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// tick is the unit of CPU times in /proc (proc(5); USER_HZ is 100 on every
// architecture that Go knows).
const tick = 10 * time.Millisecond

// cpu is what processes have used until now, user and system.
func cpu(pids ...int) (time.Duration, error) {
	var used time.Duration
	for _, pid := range pids {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		// The second field is the program's name, in parentheses, and may hold anything.
		fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
		for _, field := range fields[11:13] { // utime and stime
			ticks, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, err
			}
			used += time.Duration(ticks) * tick
		}
	}
	return used, nil
}

// resident is a process's memory in bytes.
func (p *process) resident() (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(raw))[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
