//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a PostgreSQL of our own in a folder of its own.
type server struct {
	dir string
	cmd *exec.Cmd
	out bytes.Buffer
}

var errNoPostgres = errors.New("there is no PostgreSQL: install it (apt-get install postgresql-15), or leave it out with -nopg")

// postgresBin finds the programs where Debian and others put them, the newest.
func postgresBin() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	slices.SortFunc(found, func(a, b string) int { return len(a) - len(b) })
	if len(found) == 0 {
		name, err := exec.LookPath("postgres")
		if err != nil {
			return "", errNoPostgres
		}
		found = append(found, name)
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// startServer begins a cluster and starts its server, durable as it is by
// default. With delay every fsync takes that much longer: strace holds it back.
func startServer(ctx context.Context, bin, dir string, delay time.Duration) (*server, error) {
	as, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C")
	initdb.SysProcAttr, initdb.Dir = as, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("beginning a PostgreSQL cluster: %w: %s", err, out)
	}
	args := []string{
		filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-h", "",
		"-c", "fsync=on", "-c", "synchronous_commit=on",
	}
	if delay > 0 {
		inject := fmt.Sprintf("inject=fsync,fdatasync:delay_exit=%d", delay.Microseconds())
		args = slices.Concat([]string{"strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject}, args)
	}
	s := &server{dir: dir, cmd: exec.Command(args[0], args[1:]...)}
	s.cmd.SysProcAttr, s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = as, dir, &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	if err := s.ready(ctx, bin); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *server) ready(ctx context.Context, bin string) error {
	for range 300 {
		ask := exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"), "-q", "-h", s.dir)
		if ask.Run() == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("PostgreSQL does not answer: %s", &s.out)
}

// stop has the server end at once, but in order. Under strace the server is not
// our child; its own file names it.
func (s *server) stop() error {
	pid := s.cmd.Process.Pid
	if text, err := os.ReadFile(filepath.Join(s.dir, "data", "postmaster.pid")); err == nil {
		first, _, _ := strings.Cut(string(text), "\n")
		if n, err := strconv.Atoi(first); err == nil {
			pid = n
		}
	}
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil { // "fast shutdown": postgres(1)
		return fmt.Errorf("stopping PostgreSQL: %w", err)
	}
	killer := time.AfterFunc(30*time.Second, func() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_ = s.cmd.Process.Kill()
	})
	defer killer.Stop()
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("PostgreSQL ended: %w: %s", err, &s.out)
	}
	return nil
}

// unprivileged gives the folder to a user who is not root, and says how to run
// as that user: PostgreSQL refuses to run as root.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2, os.Chown(dir, uid, gid)); err != nil {
			return nil, err
		}
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as")
}
