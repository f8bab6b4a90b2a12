package caddymodule

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// strangersConfig is what people have in one file: sites that sell and sites that do
// not, a wildcard with shops, on both ports.
const strangersConfig = `{
	admin off
	persist_config off
	grace_period 2s
	local_certs
	skip_install_trust
	http_port HTTPPORT
	https_port HTTPSPORT
	storage file_system DIR/caddy
	log {
		level ERROR
	}
	paywall {
		currency EUR
		welcome 5.00
		limits 100
		storage badger DIR/paywall
	}
}
(shop) {
	paywall /articles/* {args[0]}
	reverse_proxy UPSTREAM
}
plain.strangers.test, http://plain.strangers.test {
	reverse_proxy UPSTREAM
}
files.strangers.test, http://files.strangers.test {
	root * DIR/files
	file_server
}
one.test, http://one.test {
	encode gzip
	import shop 0.20
	handle_errors {
		rewrite * /sorry.html
		file_server
	}
}
two.test, www.two.test, http://two.test, http://www.two.test {
	import shop 0.35
}
three.test {
	header Strict-Transport-Security max-age=1
	import shop 0.50
}
*.shops.test, http://*.shops.test {
	@a host a.shops.test
	handle @a {
		import shop 0.10
	}
	@b host b.shops.test
	handle @b {
		import shop 0.60
	}
	handle {
		respond "no such shop" 404
	}
}
:HTTPPORT {
	respond "nobody lives here" 404
}
`

// strangers is that config, served, with a client that finds its hosts.
type strangers struct {
	*site
	config string
}

func startStrangers(t *testing.T) *strangers {
	t.Helper()
	upstream := httptest.NewServer(new(articles))
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "files", "articles"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "files", "articles", "a"), []byte("a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	plain, secure := freePort(t), freePort(t)
	s := &strangers{
		site: &site{t: t, dir: filepath.Join(dir, "paywall"), origin: upstream},
		config: strings.NewReplacer("HTTPPORT", strconv.Itoa(plain), "HTTPSPORT", strconv.Itoa(secure), "DIR", dir,
			"UPSTREAM", upstream.Listener.Addr().String()).Replace(strangersConfig),
	}
	s.client = &http.Client{
		Timeout: 20 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the CA is made by the test
			DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
				port := plain
				if strings.HasSuffix(addr, ":443") {
					port = secure
				}
				return new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprint("localhost:", port))
			},
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 8,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
		s.client.CloseIdleConnections()
		upstream.Close()
	})
	s.reload()
	for _, host := range []string{"plain.strangers.test", "files.strangers.test", "one.test", "two.test", "www.two.test", "three.test", "a.shops.test"} {
		s.await("https://" + host + "/")
	}
	return s
}

func (s *strangers) reload() {
	s.t.Helper()
	config, err := adapt(s.config)
	if err == nil {
		err = caddy.Load(config, true)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// await waits for the certificate of a host.
func (s *strangers) await(url string) {
	s.t.Helper()
	var last error
	for range 200 {
		res, err := s.client.Get(url)
		if err == nil {
			res.Body.Close()
			return
		}
		last = err
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatal(last)
}

// TestEachOfManySitesSellsByItsOwnRules: in one file, on both ports.
func TestEachOfManySitesSellsByItsOwnRules(t *testing.T) {
	s := startStrangers(t)
	tokens := make(map[string]string)
	for _, shop := range []struct{ url, price, left string }{
		{"https://one.test", "0.20", "4.80"}, {"http://one.test", "0.20", "4.80"},
		{"https://two.test", "0.35", "4.65"}, {"https://www.two.test", "0.35", "4.65"}, {"http://two.test", "0.35", "4.65"},
		{"https://three.test", "0.50", "4.50"},
		{"https://a.shops.test", "0.10", "4.90"}, {"https://b.shops.test", "0.60", "4.40"}, {"http://b.shops.test", "0.60", "4.40"},
	} {
		s.url = shop.url
		key := s.wallet()
		a, bought := s.unlock(key, s.offer("/articles/a"))
		if bought.Paid != shop.price || bought.Balance != shop.left {
			t.Errorf("%s: %s: %s", shop.url, a.Status, a.body)
		}
		tokens[shop.url] = bought.Token
		if a := s.get("/articles/a", "Authorization", "Bearer "+bought.Token); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "canary") {
			t.Errorf("%s: reading: %s: %s", shop.url, a.Status, a.body)
		}
		if a := s.get("/about"); a.StatusCode != http.StatusOK {
			t.Errorf("%s: a free page: %s", shop.url, a.Status)
		}
	}
	for from, token := range tokens {
		for to := range tokens {
			s.url = to
			if a := s.get("/articles/a", "Authorization", "Bearer "+token); (a.StatusCode == http.StatusOK) != (from == to) {
				t.Errorf("what was bought at %s opens at %s: %s", from, to, a.Status)
			}
		}
	}
	for url, want := range map[string]struct {
		status int
		body   string
	}{
		"https://plain.strangers.test/articles/a": {200, "canary"}, "http://plain.strangers.test/articles/a": {200, "canary"},
		"https://files.strangers.test/articles/a": {200, "a file"}, "http://files.strangers.test/articles/a": {200, "a file"},
		"https://plain.strangers.test/.paywall/wallet": {200, "canary"},
		"https://c.shops.test/articles/a":              {404, "no such shop"}, "http://c.shops.test/.paywall/wallet": {404, "no such shop"},
		"http://three.test/articles/a": {308, ""}, "http://else.test/articles/a": {404, "nobody lives here"},
	} {
		s.url = url
		if a := s.get(""); a.StatusCode != want.status || !strings.Contains(a.body, want.body) {
			t.Errorf("%s: %s: %s", url, a.Status, a.body)
		}
	}
	s.verify()
}

// TestReloadsOfManySitesLoseNoRequest: under load. Connections that wait in a listener
// which Caddy replaces are reset, with a gate or without; those are counted and asked
// again, as in other tests. TUPPENCE_RELOADS says how many reloads there are; CI makes a few.
func TestReloadsOfManySitesLoseNoRequest(t *testing.T) {
	reloads := 20
	if n, err := strconv.Atoi(os.Getenv("TUPPENCE_RELOADS")); err == nil {
		reloads = n
	}
	s := startStrangers(t)
	s.url = "https://one.test"
	_, bought := s.unlock(s.wallet(), s.offer("/articles/a"))
	var sent, dropped, failed atomic.Int64
	stop := make(chan struct{})
	var load sync.WaitGroup
	for _, want := range []struct {
		url, bearer string
		status      int
	}{
		{"https://one.test/articles/a", bought.Token, 200}, {"https://two.test/articles/a", "", 402}, {"http://one.test/articles/a", "", 402},
		{"https://b.shops.test/articles/a", "", 402}, {"http://plain.strangers.test/a", "", 200}, {"https://files.strangers.test/articles/a", "", 200},
	} {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				sent.Add(1)
				err := s.expect(want.url, want.bearer, want.status)
				for attempt := 1; attempt < 5 && errors.As(err, new(*url.Error)); attempt++ {
					dropped.Add(1)
					err = s.expect(want.url, want.bearer, want.status)
				}
				if err != nil {
					failed.Add(1)
					t.Error(err)
				}
			}
		})
	}
	for range reloads {
		time.Sleep(50 * time.Millisecond)
		s.reload()
	}
	close(stop)
	load.Wait()
	t.Logf("%d requests, %d connections dropped, %d requests failed during %d reloads", sent.Load(), dropped.Load(), failed.Load(), reloads)
	if refs, _ := vaults.References(s.dir); refs != 1 {
		t.Errorf("%d references to the store after the reloads", refs)
	}
	s.verify()
}

// expect asks for a page once.
func (s *strangers) expect(url, bearer string, status int) error {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	if res.StatusCode != status {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return nil
}
