package caddymodule

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestD11EncodingsBesideTheGateShowNothing: Caddy's encode before it, and
// after it files that are there in several encodings already.
func TestD11EncodingsBesideTheGateShowNothing(t *testing.T) {
	files := t.TempDir()
	if err := os.Mkdir(filepath.Join(files, "articles"), 0o700); err != nil {
		t.Fatal(err)
	}
	// The prepared ones are not really encoded, so that their bytes are easy to find.
	for _, name := range []string{"a.html", "a.html.gz", "a.html.br", "a.html.zst"} {
		page := []byte("<!doctype html><title>A</title><article>" + strings.Repeat("canary ", 1000) + name + "</article>")
		if err := os.WriteFile(filepath.Join(files, "articles", name), page, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newSite(t, "welcome 0.60", `encode zstd gzip {
		match {
			header Content-Type *
		}
	}
	paywall /articles/* 0.20
	root `+files+`
	file_server {
		precompressed br zstd gzip
	}`, http.NotFoundHandler())
	_, bought := s.unlock(s.wallet(), s.offer("/articles/a.html"))
	seen := make(map[string]bool)
	for _, accept := range []string{"gzip", "zstd", "br", "gzip, deflate, br, zstd", "*", "identity;q=0, gzip", "identity"} {
		a := s.get("/articles/a.html", "Accept-Encoding", accept)
		encoding := a.Header.Get("Content-Encoding")
		seen[encoding] = true
		plain := unencoded(t, encoding, a.body)
		if a.StatusCode != http.StatusPaymentRequired || strings.Contains(a.body+plain, "canary") || !strings.Contains(plain, `"offer"`) ||
			a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s %v: %.100s", accept, a.Status, a.Header, plain)
		}
		a = s.get("/articles/a.html", "Accept-Encoding", accept, "Authorization", "Bearer "+bought.Token)
		if a.StatusCode != http.StatusOK || !strings.Contains(a.body, "canary") {
			t.Errorf("%s, paid: %s %v: %.100s", accept, a.Status, a.Header, a.body)
		}
	}
	if len(seen) != 3 || !seen["gzip"] || !seen["zstd"] || !seen[""] {
		t.Errorf("offers came in these encodings: %v", seen)
	}
}

func unencoded(t *testing.T, encoding, body string) string {
	t.Helper()
	var r io.Reader = bytes.NewBufferString(body)
	var err error
	switch encoding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}
