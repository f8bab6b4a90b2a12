package caddymodule

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBarBesideEncodings: Caddy's encode in front of the gate compresses the page
// with its bar, and files that are there compressed are not taken for it.
func TestBarBesideEncodings(t *testing.T) {
	files := t.TempDir()
	page := "<!doctype html><title>A</title><body><article>" + strings.Repeat("canary ", 1000) + "</article>"
	for _, name := range []string{"a.html", "a.html.gz"} {
		if err := os.WriteFile(filepath.Join(files, name), []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newSite(t, "welcome 0.60", `encode gzip
	paywall /a.html 0.20 {
		bar on
	}
	root `+files+`
	file_server {
		precompressed gzip
	}`, http.NotFoundHandler())
	key := s.wallet()
	_, bought := s.unlock(key, s.offer("/a.html"))
	reader := []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Cookie", "paywall_access=" + bought.Token + "; paywall_wallet=" + key}
	for accept, coding := range map[string]string{"gzip, br": "gzip", "identity": ""} {
		a := s.get("/a.html", append(reader, "Accept-Encoding", accept)...)
		got := unencoded(t, coding, a.body)
		before, rest, found := strings.Cut(got, `<div class="paywall-bar"`)
		_, after, _ := strings.Cut(rest, "</div>")
		if a.StatusCode != http.StatusOK || a.Header.Get("Content-Encoding") != coding || !found || before+after != page {
			t.Errorf("%s: %s %v: %.500s", accept, a.Status, a.Header, got)
		}
		if etag := a.Header.Get("Etag"); etag != "" || a.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("%s: headers %v", accept, a.Header)
		}
	}
	// Ranges of it are those of the file.
	a := s.get("/a.html", append(reader, "Accept-Encoding", "identity", "Range", "bytes=0-14")...)
	if a.StatusCode != http.StatusPartialContent || a.body != "<!doctype html>" {
		t.Errorf("a range: %s %q", a.Status, a.body)
	}
}
