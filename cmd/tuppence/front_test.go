package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Caching proxies in front of the gate, as people run them: nginx and Varnish
// from Debian. Both are told to keep as much as they may without ignoring what
// the answer says, and to look for kept pages whatever cookie or token comes.

type front struct {
	name   string
	binary string
	args   func(dir string, listen, backend int) []string
	config string // its file "conf"; LISTEN, BACKEND and DIR are filled in
}

var fronts = []front{{
	name: "nginx", binary: "nginx",
	args: func(dir string, _, _ int) []string {
		return []string{"-p", dir, "-c", filepath.Join(dir, "conf"), "-e", "stderr"}
	},
	config: `daemon off;
master_process off;
pid DIR/pid;
events {}
http {
	access_log off;
	client_body_temp_path DIR/body;
	proxy_temp_path DIR/proxy;
	fastcgi_temp_path DIR/fastcgi;
	uwsgi_temp_path DIR/uwsgi;
	scgi_temp_path DIR/scgi;
	proxy_cache_path DIR/cache keys_zone=pages:1m;
	server {
		listen 127.0.0.1:LISTEN;
		location / {
			proxy_pass http://127.0.0.1:BACKEND;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $http_host;
			proxy_cache pages;
			proxy_cache_valid any 10m;
			add_header X-Cache $upstream_cache_status always;
		}
	}
}
`,
}, {
	name: "varnish", binary: "varnishd",
	args: func(dir string, listen, _ int) []string {
		return []string{"-F", "-j", "none", "-n", filepath.Join(dir, "work"), "-T", "none",
			"-a", fmt.Sprintf("127.0.0.1:%d", listen), "-s", "malloc,32m", "-f", filepath.Join(dir, "conf")}
	},
	config: `vcl 4.1;
backend site { .host = "127.0.0.1"; .port = "BACKEND"; }
sub vcl_recv {
	if (req.method == "GET" || req.method == "HEAD") { return (hash); }
}
sub vcl_deliver {
	if (obj.hits > 0) { set resp.http.X-Cache = "HIT"; } else { set resp.http.X-Cache = "MISS"; }
}
`,
}}

// start runs the proxy and waits until it answers.
func (f front) start(t *testing.T, listen, backend int) {
	t.Helper()
	dir := t.TempDir()
	config := strings.NewReplacer("LISTEN", fmt.Sprint(listen), "BACKEND", fmt.Sprint(backend), "DIR", dir).Replace(f.config)
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	cmd := exec.Command(f.binary, f.args(dir, listen, backend)...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatalf("this test needs %s: %v", f.name, err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // varnishd has a child to end
		<-done
	})
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		select {
		case <-done:
			t.Fatalf("%s ended:\n%s", f.name, log.String())
		case <-time.After(50 * time.Millisecond):
		}
		// A path of nobody's: what is asked here may be kept.
		resp, err := http.Get(fmt.Sprintf("http://localhost:%d/ready", listen))
		if err == nil {
			resp.Body.Close()
			return
		}
	}
	t.Fatalf("%s does not answer:\n%s", f.name, log.String())
}

// press is a site that wants to be cached, by every name there is for it.
type press struct{ published atomic.Bool } // false: some articles are not there yet

func (p *press) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if !p.published.Load() {
		switch {
		case strings.HasSuffix(r.URL.Path, "/missing"):
			http.NotFound(w, r)
			return
		case strings.HasSuffix(r.URL.Path, "/moved"):
			http.Redirect(w, r, "/articles/elsewhere", http.StatusMovedPermanently)
			return
		case strings.HasSuffix(r.URL.Path, "/gone"):
			h.Set("Cache-Control", "public, max-age=3600")
			h.Set("Expires", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusGone)
			return
		case strings.HasSuffix(r.URL.Path, "/broken"):
			h.Set("X-Accel-Expires", "3600")
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
	}
	h.Set("Cache-Control", "public, max-age=3600, s-maxage=3600")
	h.Set("CDN-Cache-Control", "max-age=3600")
	h.Set("Surrogate-Control", "max-age=3600")
	h.Set("X-Accel-Expires", "3600")
	h.Set("Expires", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
	h.Set("Etag", `"canary"`)
	h.Set("Content-Type", "text/html")
	page := strings.Repeat("canary of "+r.URL.Path+"\n", 200)
	http.ServeContent(w, r, "", time.Now().Add(-time.Hour), bytes.NewReader([]byte(page)))
}

// newsstand is a shop behind one of the fronts.
type newsstand struct {
	*server
	press  *press
	wallet openedWallet
	album  receipt // opens everything below /albums/x
}

func startNewsstand(t *testing.T, f front) *newsstand {
	t.Helper()
	notShort(t, f.name)
	n := &newsstand{press: new(press)}
	upstream := httptest.NewServer(n.press)
	t.Cleanup(upstream.Close)
	port, listen, admin := freePort(t), freePort(t), freePort(t)
	n.server = &server{
		t: t, home: t.TempDir(),
		admin: fmt.Sprintf("localhost:%d", admin), url: fmt.Sprintf("http://localhost:%d", port),
	}
	n.config = filepath.Join(n.home, "Caddyfile")
	n.write(fmt.Sprintf(`{
	admin %s
	paywall {
		currency EUR
		welcome 100.00
	}
}

http://localhost:%d {
	encode zstd gzip
	@paid path /articles/* /albums/*
	paywall @paid {
		free /articles/welcome
		price /albums/* 3.00 {
			per /albums/*
		}
		price 0.20
		origin http://localhost:%d
	}
	reverse_proxy %s
}
`, n.admin, port, listen, upstream.Listener.Addr()))
	n.start()
	f.start(t, listen, port)
	n.url = fmt.Sprintf("http://localhost:%d", listen)
	n.wallet = n.openWallet()
	var err error
	if n.album, err = n.buy(n.wallet.Key, "/albums/x"); err != nil {
		t.Fatal(err)
	}
	return n
}
