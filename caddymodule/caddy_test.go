package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/tuppence/tuppence/paywall"
)

// site is a real Caddy in this process, in front of a test upstream.
type site struct {
	t      *testing.T
	url    string // of the gated site
	port   int
	dir    string // data folder
	global string // lines of the paywall global option
	origin *httptest.Server

	reloading atomic.Bool
	dropped   atomic.Int64 // connections
	client    *http.Client
}

// newSite starts Caddy with the body of a site block. Only one Caddy runs in a
// process, so tests that use it are not parallel.
func newSite(t *testing.T, global, body string, upstream http.Handler) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), global: global, origin: httptest.NewServer(upstream)}
	s.client = &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
		s.client.CloseIdleConnections()
		s.origin.Close()
	})
	for attempt := 1; ; attempt++ {
		s.port = freePort(t)
		s.url = fmt.Sprintf("http://localhost:%d", s.port)
		err := s.load(body)
		if err == nil {
			return s
		}
		// Somebody else may have been given the port in the meantime.
		if attempt == 3 || !strings.Contains(err.Error(), "address already in use") {
			t.Fatal(err)
		}
	}
}

// load is a reload when the site already runs. "UPSTREAM" in the body becomes
// the upstream's address.
func (s *site) load(body string) error {
	s.t.Helper()
	config, err := adapt(s.caddyfile(body))
	if err != nil {
		return err
	}
	// The old config closes its connections, sometimes under a request.
	defer s.client.CloseIdleConnections()
	if err := caddy.Load(config, true); err != nil {
		return err
	}
	if s.reloading.Swap(true) {
		s.leaveOldListener()
	}
	return nil
}

// leaveOldListener makes a few connections that nobody needs: after a reload, Caddy's old
// listener may still take one, and answer it by the old config or not at all.
func (s *site) leaveOldListener() {
	for range 4 {
		conn, err := net.Dial("tcp", s.url[len("http://"):])
		if err != nil {
			continue
		}
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}
}

func (s *site) caddyfile(body string) string {
	return fmt.Sprintf(`{
	admin off
	persist_config off
	grace_period 2s
	log {
		level ERROR
	}
	paywall {
		currency EUR
		storage badger %s
		%s
	}
}
http://localhost:%d {
	%s
}
`, s.dir, s.global, s.port, strings.ReplaceAll(body, "UPSTREAM", s.origin.Listener.Addr().String()))
}

func adapt(caddyfile string) ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	return config, err
}

// ports counts those that were given out. They lie below the ones that the system
// gives to connections, any of which could take it before the server does, and
// apart from those of cmd/tuppence, whose tests run at the same time.
var ports atomic.Int32

func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 26000 + (os.Getpid()+int(ports.Add(1)))%6000
		if listener, err := net.Listen("tcp", fmt.Sprint("localhost:", port)); err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

func (a *answer) json(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

// do sends a request; headers come in pairs. Connections that Caddy drops while
// it hands its listener from one config to the next are counted and tried
// again, as browsers do; outside a reload they fail the test.
func (s *site) do(method, path, body string, headers ...string) *answer {
	s.t.Helper()
	for attempt := 1; ; attempt++ {
		a, err := s.try(method, path, body, headers...)
		if err == nil {
			return a
		}
		if s.dropped.Add(1); !s.reloading.Load() || attempt == 5 {
			s.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
}

func (s *site) try(method, path, body string, headers ...string) (*answer, error) {
	req, err := http.NewRequest(method, s.url+path, bytes.NewBufferString(body))
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	return &answer{resp, string(read)}, err
}

func (s *site) get(path string, headers ...string) *answer {
	s.t.Helper()
	return s.do(http.MethodGet, path, "", headers...)
}

// wallet opens a wallet as a script does and returns its key.
func (s *site) wallet() string {
	s.t.Helper()
	var opened struct {
		Key string `json:"wallet_key"`
	}
	a := s.do(http.MethodPost, "/.paywall/wallet", "", "Accept", "application/json", "Content-Type", "application/json")
	if a.StatusCode != http.StatusCreated {
		s.t.Fatalf("opening a wallet: %s: %s", a.Status, a.body)
	}
	a.json(s.t, &opened)
	return opened.Key
}

// offer asks for a resource without paying and returns the offer.
func (s *site) offer(path string) string {
	s.t.Helper()
	var problem struct {
		Type, Price, Offer string
	}
	a := s.get(path, "Accept", "application/json")
	if a.StatusCode != http.StatusPaymentRequired {
		s.t.Fatalf("GET %s: %s: %s", path, a.Status, a.body)
	}
	a.json(s.t, &problem)
	return problem.Offer
}

// receipt is the JSON answer of a purchase.
type receipt struct {
	Token        string `json:"token"`
	UnlockID     string `json:"unlock_id"`
	Resource     string `json:"resource"`
	Paid         string `json:"paid"`
	Balance      string `json:"balance"`
	AlreadyOwned bool   `json:"already_owned"`
}

// unlock buys with an offer; status 200 fills the receipt.
func (s *site) unlock(key, offer string) (*answer, receipt) {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"offer": offer})
	if err != nil {
		s.t.Fatal(err)
	}
	a := s.do(http.MethodPost, "/.paywall/unlock", string(body),
		"Content-Type", "application/json", "Accept", "application/json", "Authorization", "Bearer "+key)
	var r receipt
	if a.StatusCode == http.StatusOK {
		a.json(s.t, &r)
	}
	return a, r
}

// verify is the last line of tests that move money.
func (s *site) verify() paywall.Report {
	s.t.Helper()
	app, err := liveApp()
	if err != nil {
		s.t.Fatal(err)
	}
	l, err := app.ledger(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	report, err := l.Verify(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if !report.OK {
		s.t.Errorf("the ledger does not add up: %v", report.Problems)
	}
	return report
}

// articles is an upstream whose every page is an article that says its path; it
// counts what it was asked.
type articles struct{ requests atomic.Int64 }

func (u *articles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.requests.Add(1)
	if strings.Contains(r.URL.Path, "missing") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><title>On %s</title><article>canary of %s</article>", r.URL.Path, r.URL.Path)
}
