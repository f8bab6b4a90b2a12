package caddymodule

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/tuppence/tuppence/paywall/vault"
)

// TestMain keeps the markers of the tests' folders out of the user's config.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "paywall")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if err := os.Setenv("XDG_CONFIG_HOME", dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// sold is a site that has sold an article, stopped.
func sold(t *testing.T) (s *site, key, token string) {
	t.Helper()
	s = newSite(t, "welcome 1.00", articlesFor20, new(articles))
	key = s.wallet()
	_, r := s.unlock(key, s.offer("/articles/a"))
	if r.Token == "" {
		t.Fatal("nothing was sold")
	}
	s.stop()
	return s, key, r.Token
}

func (s *site) stop() {
	s.t.Helper()
	if err := caddy.Stop(); err != nil {
		s.t.Fatal(err)
	}
	s.client.CloseIdleConnections()
}

func (s *site) mustLoad() {
	s.t.Helper()
	s.reloading.Store(true)
	if err := s.load(articlesFor20); err != nil {
		s.t.Fatal(err)
	}
}

// wantClosed checks what a site does without its ledger: everything but sell.
func (s *site) wantClosed(key, token string, found ...string) {
	s.t.Helper()
	if a := s.get("/about"); a.StatusCode != http.StatusOK {
		s.t.Errorf("a free page: %s", a.Status)
	}
	if a := s.get("/articles/a", "Authorization", "Bearer "+token); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "canary") {
		s.t.Errorf("a reader who has paid: %s: %s", a.Status, a.body)
	}
	for _, path := range []string{"/.paywall/wallet", "/.paywall/topup"} {
		if a := s.get(path, "Accept", "application/json", "Authorization", "Bearer "+key); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
			s.t.Errorf("%s: %s, Retry-After %q", path, a.Status, a.Header.Get("Retry-After"))
		}
	}
	for _, path := range []string{"/paywall/verify", "/paywall/stats"} {
		status, body := admin(s.t, http.MethodGet, path, "")
		for _, want := range found {
			if status != http.StatusServiceUnavailable || !strings.Contains(body, want) {
				s.t.Errorf("%s does not say %q: %d: %s", path, want, status, body)
			}
		}
	}
}

// wantOffersThatNobodyTakes: offers are shown, buying answers 503.
func (s *site) wantOffersThatNobodyTakes(key string) {
	s.t.Helper()
	a, _ := s.unlock(key, s.offer("/articles/b"))
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		s.t.Errorf("buying without a ledger: %s, Retry-After %q", a.Status, a.Header.Get("Retry-After"))
	}
}

// wantOpen checks that nothing was lost and selling goes on.
func (s *site) wantOpen(key, token string) {
	s.t.Helper()
	s.wantBalance(key, "0.80")
	if a := s.get("/articles/a", "Authorization", "Bearer "+token); a.StatusCode != http.StatusOK {
		s.t.Errorf("a reader who has paid: %s", a.Status)
	}
	if a, r := s.unlock(key, s.offer("/articles/c")); r.Balance != "0.60" {
		s.t.Errorf("buying again: %s: %s", a.Status, a.body)
	}
	s.verify()
}

func TestADamagedLedgerSellsNothingAndServesReaders(t *testing.T) {
	s, key, token := sold(t)
	segment := filepath.Join(s.dir, "journal", "00000001.jsonl")
	whole, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), whole...)
	damaged[len(damaged)/2] ^= 0x20
	if err := os.WriteFile(segment, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	s.mustLoad()
	s.wantClosed(key, token, segment, "put this file back from a backup")
	s.wantOffersThatNobodyTakes(key)
	s.mustLoad() // a reload tries again, in vain
	s.wantClosed(key, token, segment)

	if err := os.WriteFile(segment, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	s.mustLoad()
	s.wantOpen(key, token)
}

func TestALostJournalIsNoFirstStart(t *testing.T) {
	s, key, token := sold(t)
	for _, lost := range []string{"journal", "badger", "head"} {
		if err := os.RemoveAll(filepath.Join(s.dir, lost)); err != nil {
			t.Fatal(err)
		}
	}
	s.mustLoad()
	s.wantClosed(key, token, "there is no journal", "put the journal folder back")
	s.wantOffersThatNobodyTakes(key)
}

// TestAnEmptyMountIsNoFirstStart: the disk of the data folder is not there, and
// comes back before a reload. What was sold is read in between, by keys that
// stand outside of it.
func TestAnEmptyMountIsNoFirstStart(t *testing.T) {
	s, key, token := sold(t)
	away := s.dir + ".away"
	if err := os.Rename(s.dir, away); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.mustLoad()
	s.wantClosed(key, token, "the folder is empty", "mount it", markerPath(s.dir))
	if a := s.get("/articles/b", "Accept", "application/json"); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("an offer that nobody can sign: %s", a.Status)
	}
	if entries, _ := os.ReadDir(s.dir); len(entries) > 0 {
		t.Errorf("the empty folder was written to: %v", entries)
	}
	if err := os.Remove(s.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(away, s.dir); err != nil {
		t.Fatal(err)
	}
	s.mustLoad()
	s.wantOpen(key, token)
}

func TestAnotherLedgersFolderIsRefusedUntilTheMarkerIsRemoved(t *testing.T) {
	s, key, token := sold(t)
	mine := s.dir + ".mine"
	if err := os.Rename(s.dir, mine); err != nil {
		t.Fatal(err)
	}
	other, otherKey, otherToken := sold(t)
	if err := os.Rename(other.dir, s.dir); err != nil {
		t.Fatal(err)
	}
	s.mustLoad()
	s.wantClosed(key, token, "swapped", markerPath(s.dir))
	if err := os.Remove(markerPath(s.dir)); err != nil {
		t.Fatal(err)
	}
	s.mustLoad()
	s.wantBalance(otherKey, "0.80")
	if a := s.get("/articles/a", "Authorization", "Bearer "+otherToken); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token of another site: %s", a.Status)
	}
}

// TestMistakesOfTheConfigRefuseTheStart: whoever starts the server is there to
// read why.
func TestMistakesOfTheConfigRefuseTheStart(t *testing.T) {
	s, _, _ := sold(t)
	refused := func(what, want string) {
		t.Helper()
		if err := s.load(articlesFor20); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
		if refs, _ := vaults.References(s.dir); refs != 0 {
			t.Errorf("%s: %d references to the store after a refused start", what, refs)
		}
	}
	pem, err := filepath.Glob(filepath.Join(s.dir, "keys", "*.pem"))
	if err != nil || len(pem) != 1 {
		t.Fatal(pem, err)
	}
	whole, err := os.ReadFile(pem[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pem[0], whole[:40], 0o600); err != nil {
		t.Fatal(err)
	}
	refused("a damaged key", "restore it from the backup")
	if err := os.WriteFile(pem[0], whole, 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), vault.Options{Dir: s.dir, Currency: "EUR", Marker: markerPath(s.dir), Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	refused("a folder in use", "another process is using this journal")
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	dir := s.dir
	s.dir = filepath.Join(pem[0], "in-a-file")
	refused("a folder in a file", "cannot be used")
	s.dir = dir
	s.mustLoad()
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
