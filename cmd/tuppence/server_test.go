package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The tests of this folder run the program as people do: built, started with a
// config file, spoken to over HTTP and through its own commands, and killed.

var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "tuppence")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "tuppence")
		build := exec.Command("go", "build", "-o", binary, ".")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// server is a running program with folders of its own.
type server struct {
	t      *testing.T
	home   string
	config string
	admin  string // address of the admin API
	url    string
	bank   string // of the demo's
	cmd    *exec.Cmd
	log    lockedBuffer
	done   chan struct{}
}

// lockedBuffer collects a process's output while tests look at it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// startExample runs the README's first command, except that it was built
// before, with data of its own.
func startExample(t *testing.T) *server {
	t.Helper()
	// Somebody's demo on these ports would be tested, and given vouchers.
	for _, port := range []string{"8402", "8403", "8404", "2019"} {
		listener, err := net.Listen("tcp", "localhost:"+port)
		if err != nil {
			t.Fatalf("the example needs port %s: %v", port, err)
		}
		listener.Close()
	}
	s := &server{t: t, home: t.TempDir(), config: "Caddyfile.example", admin: "localhost:2019", url: "http://localhost:8402"}
	s.start()
	return s
}

// startDemo runs the demo on ports of its own, with lines added to the options
// of its paywall.
func startDemo(t *testing.T, options string) *server {
	t.Helper()
	example, err := os.ReadFile(filepath.Join("..", "..", "Caddyfile.example"))
	if err != nil {
		t.Fatal(err)
	}
	port, upstream, admin, bank := freePort(t), freePort(t), freePort(t), freePort(t)
	s := &server{
		t: t, home: t.TempDir(),
		admin: fmt.Sprintf("localhost:%d", admin), url: fmt.Sprintf("http://localhost:%d", port), bank: fmt.Sprintf("http://localhost:%d", bank),
	}
	s.config = filepath.Join(s.home, "Caddyfile")
	s.write(strings.NewReplacer(
		"{\n\tpaywall {\n", "{\n\tadmin "+s.admin+"\n\tpaywall {\n"+options,
		"8402", fmt.Sprint(port), "8403", fmt.Sprint(upstream), "8404", fmt.Sprint(bank),
	).Replace(string(example)))
	s.start()
	return s
}

// startShop runs a shop of endless articles, each at 0.20.
func startShop(t *testing.T, price string) *server {
	t.Helper()
	return startSite(t, "paywall /articles/* "+price, `header Content-Type text/html
	respond "<!doctype html><title>Shop</title><article>the paid words</article>"`)
}

// startSite runs a gate, given by its directive, in front of a site that
// answers by itself.
func startSite(t *testing.T, gate, site string) *server {
	t.Helper()
	port, upstream, admin := freePort(t), freePort(t), freePort(t)
	s := &server{
		t: t, home: t.TempDir(),
		admin: fmt.Sprintf("localhost:%d", admin), url: fmt.Sprintf("http://localhost:%d", port),
	}
	s.config = filepath.Join(s.home, "Caddyfile")
	s.write(fmt.Sprintf(`{
	admin %s
	paywall {
		currency EUR
	}
}

http://localhost:%d {
	%s
	reverse_proxy localhost:%d
}

http://localhost:%d {
	bind localhost
	%s
}
`, s.admin, port, gate, upstream, upstream, site))
	s.start()
	return s
}

func (s *server) write(config string) {
	s.t.Helper()
	if err := os.WriteFile(s.config, []byte(config), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) readConfig() string {
	s.t.Helper()
	config, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(config)
}

func (s *server) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+s.home, "XDG_CONFIG_HOME="+s.home, "HOME="+s.home, "CADDY_ADMIN="+s.admin)
	return cmd
}

// start runs the server and waits until it answers.
func (s *server) start() {
	s.t.Helper()
	s.cmd = s.command("run", "--config", s.config, "--adapter", "caddyfile")
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	s.done = done
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait()
		close(done)
	}(s.cmd)
	s.t.Cleanup(s.kill)
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case <-s.done:
			s.t.Fatalf("the server ended:\n%s", s.log.String())
		case <-time.After(50 * time.Millisecond):
		}
		resp, err := http.Get(s.url + "/.paywall/jwks.json")
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
	s.t.Fatalf("the server does not answer:\n%s", s.log.String())
}

// kill ends the server without giving it a chance to tidy up.
func (s *server) kill() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.done
}

// run executes one of the program's own commands against the server.
func (s *server) run(args ...string) (string, error) {
	cmd := s.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%w: %s", err, stderr.String())
	}
	return stdout.String(), nil
}

func (s *server) mustRun(args ...string) string {
	s.t.Helper()
	out, err := s.run(args...)
	if err != nil {
		s.t.Fatalf("tuppence %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// call sends a request and decodes a JSON answer; a script's view. A connection
// that breaks before the answer is tried again, which natural keys make safe: a
// server that reloads closes idle connections, sometimes just when a request
// sets out on one.
func (s *server) call(method, path, key string, body, into any) (status int, err error) {
	for range 3 {
		if status, err = s.callOnce(method, path, key, body, into); status != 0 {
			return status, err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return status, err
}

func (s *server) callOnce(method, path, key string, body, into any) (int, error) {
	var payload io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		payload = bytes.NewReader(encoded)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, payload)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if into == nil {
		return resp.StatusCode, nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return resp.StatusCode, fmt.Errorf("%w: %s", err, raw)
	}
	return resp.StatusCode, nil
}

type openedWallet struct {
	ID   string `json:"wallet_id"`
	Key  string `json:"wallet_key"`
	Code string `json:"recovery_code"`
}

func (s *server) openWallet() openedWallet {
	s.t.Helper()
	var w openedWallet
	if status, err := s.call(http.MethodPost, "/.paywall/wallet", "", struct{}{}, &w); err != nil || status != http.StatusCreated {
		s.t.Fatal("opening a wallet:", status, err)
	}
	return w
}

// topUp makes a voucher with the program's command and redeems it.
func (s *server) topUp(key, amount string) {
	s.t.Helper()
	code := strings.TrimSpace(s.mustRun("paywall", "voucher", "--amount", amount))
	if status, err := s.call(http.MethodPost, "/.paywall/topup/voucher", key, map[string]string{"code": code}, nil); err != nil || status != http.StatusOK {
		s.t.Fatal("redeeming a voucher:", status, err)
	}
}

func (s *server) balance(key string) string {
	s.t.Helper()
	var w struct{ Balance string }
	if status, err := s.call(http.MethodGet, "/.paywall/wallet", key, nil, &w); err != nil || status != http.StatusOK {
		s.t.Fatal("reading a wallet:", status, err)
	}
	return w.Balance
}

type receipt struct {
	Token    string `json:"token"`
	UnlockID string `json:"unlock_id"`
	Paid     string `json:"paid"`
	Balance  string `json:"balance"`
	Owned    bool   `json:"already_owned"`
}

var errNotSold = errors.New("not sold")

// buy fetches an offer and unlocks it.
func (s *server) buy(key, path string) (receipt, error) {
	var problem struct{ Offer string }
	if status, err := s.call(http.MethodGet, path, "", nil, &problem); err != nil || status != http.StatusPaymentRequired {
		return receipt{}, fmt.Errorf("asking for %s: %d: %w", path, status, errors.Join(errNotSold, err))
	}
	return s.unlock(key, problem.Offer)
}

func (s *server) unlock(key, offer string) (receipt, error) {
	var r receipt
	status, err := s.call(http.MethodPost, "/.paywall/unlock", key, map[string]string{"offer": offer}, &r)
	if err != nil || status != http.StatusOK {
		return r, fmt.Errorf("unlocking: %d: %w", status, errors.Join(errNotSold, err))
	}
	return r, nil
}

// waitFor waits until something is so, and reports whether it is in time.
func waitFor(long time.Duration, so func() bool) bool {
	for end := time.Now().Add(long); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// ports counts those that were given out. They lie below the ones that the system
// gives to connections, any of which could take it before the server does, and
// apart from those of caddymodule, whose tests run at the same time.
var ports atomic.Int32

func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 20000 + (os.Getpid()+int(ports.Add(1)))%6000
		if listener, err := net.Listen("tcp", fmt.Sprint("localhost:", port)); err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}
