package caddymodule

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestE21ErasedWalletsTokensAreDead: with the wallet goes what it opened, at once.
func TestE21ErasedWalletsTokensAreDead(t *testing.T) {
	s := newSite(t, "welcome 1.00", articlesFor20, new(articles))
	key := s.wallet()
	var tokens []string
	for _, path := range []string{"/articles/a", "/articles/b"} {
		_, r := s.unlock(key, s.offer(path))
		tokens = append(tokens, r.Token)
		if a := s.get(path, "Authorization", "Bearer "+r.Token); a.StatusCode != http.StatusOK { // and cached
			t.Fatalf("%s: %s", path, a.Status)
		}
	}
	a := s.do(http.MethodPost, "/.paywall/wallet/erase", "{}", "Content-Type", "application/json", "Authorization", "Bearer "+key)
	if a.StatusCode != http.StatusOK {
		t.Fatalf("erasing: %s: %s", a.Status, a.body)
	}
	for i, path := range []string{"/articles/a", "/articles/b"} {
		if a := s.get(path, "Authorization", "Bearer "+tokens[i]); a.StatusCode != http.StatusUnauthorized || strings.Contains(a.body, "canary") {
			t.Errorf("%s: %s", path, a.Status)
		}
		for _, cookie := range []string{"paywall_access=" + tokens[i], "paywall_wallet=" + key} {
			if a := s.get(path, "Cookie", cookie); a.StatusCode != http.StatusPaymentRequired {
				t.Errorf("%s by cookie: %s", path, a.Status)
			}
		}
	}
	s.verify()
}

// TestE26AKeyTakenAwayEndsItsTokensOnReload: how an operator ends what a leaked
// key signed, without a restart. Readers who paid have their wallets.
func TestE26AKeyTakenAwayEndsItsTokensOnReload(t *testing.T) {
	s := newSite(t, "welcome 1.00", articlesFor20, new(articles))
	key := s.wallet()
	_, r := s.unlock(key, s.offer("/articles/a"))
	leaked := s.kids()[0]
	app, err := liveApp()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.vault.RotateKey(time.Now()); err != nil {
		t.Fatal(err)
	}
	s.mustLoad()
	if a := s.get("/articles/a", "Authorization", "Bearer "+r.Token); a.StatusCode != http.StatusOK || len(s.kids()) != 2 {
		t.Fatalf("a token of the older key: %s, keys %v", a.Status, s.kids())
	}
	if err := os.Remove(filepath.Join(s.dir, "keys", leaked+".pem")); err != nil {
		t.Fatal(err)
	}
	s.mustLoad()
	if a := s.get("/articles/a", "Authorization", "Bearer "+r.Token); a.StatusCode != http.StatusUnauthorized || strings.Contains(a.body, "canary") {
		t.Errorf("a token of the leaked key: %s", a.Status)
	}
	marker, err := os.ReadFile(markerPath(s.dir))
	if now := s.kids(); len(now) != 1 || now[0] == leaked || err != nil || strings.Contains(string(marker), leaked) {
		t.Errorf("keys %v, %v: %s", now, err, marker)
	}
	if a := s.get("/articles/a", "Cookie", "paywall_wallet="+key); a.StatusCode != http.StatusOK || a.Header.Get("Set-Cookie") == "" {
		t.Errorf("the reader who paid: %s", a.Status)
	}
}

// kids are the names of the published keys.
func (s *site) kids() (kids []string) {
	s.t.Helper()
	var set struct {
		Keys []struct{ Kid string }
	}
	if err := json.Unmarshal([]byte(s.get("/.paywall/jwks.json").body), &set); err != nil {
		s.t.Fatal(err)
	}
	for _, k := range set.Keys {
		kids = append(kids, k.Kid)
	}
	return kids
}
