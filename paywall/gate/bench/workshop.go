package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// programs are what is measured, as they would be delivered.
type programs struct{ tuppence, caddy string }

// build makes both in the same way. Caddy is the one that go.mod names.
func build(ctx context.Context, dir string) (programs, error) {
	p := programs{tuppence: filepath.Join(dir, "tuppence"), caddy: filepath.Join(dir, "caddy")}
	for out, pkg := range map[string]string{
		p.tuppence: "github.com/tuppence/tuppence/cmd/tuppence",
		p.caddy:    "github.com/caddyserver/caddy/v2/cmd/caddy",
	} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if said, err := cmd.CombinedOutput(); err != nil {
			return p, fmt.Errorf("building %s: %w\n%s", pkg, err, said)
		}
	}
	return p, nil
}

// workshop is a folder, the upstream, and the cores that everything runs on.
type workshop struct {
	programs
	ctx     context.Context
	dir     string
	site    string // address of the upstream
	proxies string // cores for taskset, "" where there is only one
	others  string
	running []*process // the servers around the proxies
}

func newWorkshop(ctx context.Context, dir string, p programs) (*workshop, error) {
	w := &workshop{programs: p, ctx: ctx, dir: dir}
	if cores := runtime.NumCPU(); cores > 1 {
		w.proxies, w.others = "0", fmt.Sprintf("1-%d", cores-1)
		pin := exec.CommandContext(ctx, "taskset", "--all-tasks", "--cpu-list", "--pid", w.others, fmt.Sprint(os.Getpid()))
		if said, err := pin.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("pinning to cores %s: %w\n%s", w.others, err, said)
		}
		runtime.GOMAXPROCS(cores - 1)
	}
	var err error
	w.site, err = w.around(siteRole)
	return w, err
}

// close ends the servers around the proxies.
func (w *workshop) close() {
	for _, p := range w.running {
		p.stop()
	}
}

// around starts this program in another role; it answers its address.
func (w *workshop) around(role ...string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	p, err := w.launch(w.others, self, role...)
	if err != nil {
		return "", err
	}
	w.running = append(w.running, p)
	if err := p.wait(func() bool { return strings.HasSuffix(p.log.String(), "\n") }); err != nil {
		return "", err
	}
	return strings.TrimSpace(p.log.String()), nil
}

// launch starts a program on some cores. taskset becomes the program: the
// process is the same.
func (w *workshop) launch(cores, name string, args ...string) (*process, error) {
	if cores == "" {
		return launch(w.ctx, w.dir, name, args...)
	}
	return launch(w.ctx, w.dir, "taskset", append([]string{"--cpu-list", cores, name}, args...)...)
}

// proxy starts a server with a config, and returns when it answers at the URL.
func (w *workshop) proxy(url, program, config string) (*process, error) {
	name := filepath.Join(w.dir, "config")
	if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
		return nil, err
	}
	args := []string{"run", "--adapter", "caddyfile", "--config", name}
	if filepath.Base(program) == "nginx" {
		args = []string{"-e", "stderr", "-p", w.dir, "-c", name}
	}
	p, err := w.launch(w.proxies, program, args...)
	if err != nil {
		return nil, err
	}
	if err := p.wait(func() bool { return answers(url) }); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// once makes each request on a connection of its own: the first ones fail.
var once = http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func answers(url string) bool {
	resp, err := once.Get(url)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

// freeAddrs are addresses that nobody listens on.
func freeAddrs(n int) ([]string, error) {
	addrs := make([]string, n)
	for i := range addrs {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = listener.Close() }() // all of them together, so that none comes twice
		addrs[i] = listener.Addr().String()
	}
	return addrs, nil
}
