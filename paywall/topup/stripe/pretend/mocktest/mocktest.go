// Package mocktest keeps tests against a pretend bank honest: what they ask it is asked
// of Stripe's own stripe-mock as well, which knows every parameter of Stripe's API.
//
//	func TestMain(m *testing.M) { os.Exit(mocktest.Main(m)) }
//
//	log := mocktest.Record(t)
//	bank := pretend.New(pretend.Options{Received: log.Add})
//
// With -short nothing is asked of it. Otherwise it has to be installed:
//
//	go install github.com/stripe/stripe-mock@v0.203.0
package mocktest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tuppence/tuppence/paywall/topup/stripe/pretend"
)

// Version is the stripe-mock that is used.
const Version = "v0.203.0"

// mock is the process that all tests of a package share.
type mock struct {
	mu      sync.Mutex
	running bool // Main ends it
	command *exec.Cmd
	url     string
}

var shared mock

// Main runs a package's tests, and ends stripe-mock after them if a test began it.
func Main(m *testing.M) int {
	shared.mu.Lock()
	shared.running = true
	shared.mu.Unlock()
	defer shared.stop()
	return m.Run()
}

// Log holds what a bank received. Its methods may be called at once.
type Log struct {
	mu       sync.Mutex
	requests []pretend.Request
}

// Record makes a log whose requests of the API are sent to stripe-mock when the test
// ends. What that refuses fails the test. Keep requests that are meant to be wrong out.
func Record(t *testing.T) *Log {
	t.Helper()
	l := &Log{}
	if testing.Short() {
		return l
	}
	t.Cleanup(func() {
		url, err := shared.start()
		if err != nil {
			t.Error(err)
			return
		}
		for _, r := range l.All() {
			if err := refused(url, r); err != nil {
				t.Error(err)
			}
		}
	})
	return l
}

// Add is for Received in [pretend.Options].
func (l *Log) Add(r pretend.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, r)
}

// All are the requests so far, in the order in which they came, those to pages among them.
func (l *Log) All() []pretend.Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.requests)
}

// refused sends a request to stripe-mock and gives its 4xx as an error.
func refused(url string, received pretend.Request) error {
	if !strings.HasPrefix(received.URL, "/v1/") {
		return nil
	}
	r, err := http.NewRequest(received.Method, url+received.URL, strings.NewReader(received.Body))
	if err != nil {
		return err
	}
	r.Header = received.Header.Clone()
	r.Header.Set("Authorization", "Bearer sk_test_mocktest")
	r.Header.Del("Accept-Encoding")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("asking stripe-mock: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("asking stripe-mock: %w", err)
	}
	if answer.StatusCode >= http.StatusBadRequest && answer.StatusCode < http.StatusInternalServerError {
		return fmt.Errorf("stripe-mock refuses what the pretend bank took: %s %s %s: %d %s", received.Method, received.URL, received.Body, answer.StatusCode, text)
	}
	return nil
}

// start begins stripe-mock, once, and gives its URL when it listens.
func (m *mock) start() (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.url != "" {
		return m.url, nil
	}
	if !m.running {
		return "", errors.New("this test's package has to call mocktest.Main from TestMain, which ends stripe-mock")
	}
	path, err := find()
	if err != nil {
		return "", err
	}
	// Without an address for HTTPS it listens on all interfaces.
	m.command = exec.Command(path, "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0")
	output, err := m.command.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := m.command.Start(); err != nil {
		return "", fmt.Errorf("starting stripe-mock: %w", err)
	}
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			if at, ok := strings.CutPrefix(lines.Text(), "Listening for HTTP at address: "); ok {
				address <- at
			}
		}
		_, _ = io.Copy(io.Discard, output) // or it would wait to be read
	}()
	select {
	case at := <-address:
		m.url = "http://" + at
		return m.url, nil
	case <-time.After(time.Minute):
		return "", errors.New("stripe-mock did not say within a minute where it listens")
	}
}

func (m *mock) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.command != nil && m.command.Process != nil {
		_ = m.command.Process.Kill() // it may have ended by itself
		_ = m.command.Wait()
	}
}

// find gives the path of stripe-mock: of the PATH, or where go install puts it.
func find() (string, error) {
	if path, err := exec.LookPath("stripe-mock"); err == nil {
		return path, nil
	}
	out, err := exec.Command("go", "env", "GOBIN", "GOPATH").Output()
	if err != nil {
		return "", fmt.Errorf("asking go where it installs: %w", err)
	}
	bin, paths, _ := strings.Cut(strings.TrimRight(string(out), "\n"), "\n")
	if bin == "" {
		bin = filepath.Join(filepath.SplitList(paths)[0], "bin")
	}
	path := filepath.Join(bin, "stripe-mock")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("this test needs stripe-mock; get it with: go install github.com/stripe/stripe-mock@%s", Version)
	}
	return path, nil
}
