package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

type manifest struct {
	First, Seq, Records uint64
	Head                string
}

func (s *server) manifest(args ...string) (m manifest) {
	s.t.Helper()
	out := s.mustRun(append([]string{"paywall", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &m); err != nil {
		s.t.Fatal(err, out)
	}
	return m
}

// shopping buys while the test goes on, until stop is called.
func (s *server) shopping(key string) (stop func()) {
	end := make(chan struct{})
	var wg sync.WaitGroup
	for b := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-end:
					return
				default:
				}
				if _, err := s.buy(key, fmt.Sprintf("/articles/%d-%d", b, i)); err != nil {
					s.t.Error(err)
					return
				}
			}
		})
	}
	return func() {
		close(end)
		wg.Wait()
	}
}

// TestAShopIsBackedUpWhileItSellsAndGoesOnFromTheBackup loses the whole data
// folder of a shop and goes on from its backups: a complete one, an incremental
// one, with the keys.
func TestAShopIsBackedUpWhileItSellsAndGoesOnFromTheBackup(t *testing.T) {
	s := startShop(t, "0.20")
	folder := filepath.Join(s.home, "caddy", "paywall")
	wallet := s.openWallet()
	s.topUp(wallet.Key, "1000.00")
	stop := s.shopping(wallet.Key)
	full, next := filepath.Join(s.home, "full.tar"), filepath.Join(s.home, "next.tar")
	first := s.manifest("backup", full, "--with-keys", folder)
	bought, err := s.buy(wallet.Key, "/articles/between")
	if err != nil {
		t.Fatal(err)
	}
	second := s.manifest("backup", next, "--since", fmt.Sprint(first.Seq))
	stop()
	if first.First != 1 || first.Records != first.Seq || second.First != first.Seq+1 || second.Seq <= first.Seq {
		t.Fatalf("the manifests are %+v and %+v", first, second)
	}
	if info, err := os.Stat(full); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a file with keys in it: %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.home, "*.part")); len(left) > 0 {
		t.Errorf("%q are left", left)
	}

	if out, err := s.run("paywall", "restore", next, "--dir", folder); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("restoring over a running server: %v %s", err, out)
	}
	s.kill()
	if err := os.Rename(folder, folder+"-lost"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.run("paywall", "restore", next, "--dir", folder); err == nil || !strings.Contains(err.Error(), "restore the one that it continues first") {
		t.Errorf("an incremental backup into nothing: %v", err)
	}
	if m := s.manifest("restore", full, "--dir", folder); m != first {
		t.Errorf("restored %+v, want %+v", m, first)
	}
	if m := s.manifest("restore", next, "--dir", folder); m != second {
		t.Errorf("restored %+v, want %+v", m, second)
	}
	if out := s.mustRun("paywall", "verify", "--json", "--dir", folder); !strings.Contains(out, `"ok":true`) || !strings.Contains(out, second.Head) {
		t.Error(out)
	}

	s.start()
	s.wantSound()
	if status, err := s.call(http.MethodGet, "/articles/between", bought.Token, nil, nil); err != nil || status != http.StatusOK {
		t.Errorf("what was bought between the backups answers %d, %v", status, err)
	}
	if _, err := s.buy(wallet.Key, "/articles/after"); err != nil {
		t.Error(err)
	}
}

func TestBadBackupsAreRefusedAndGoodOnesNotOverwritten(t *testing.T) {
	s := startShop(t, "0.20")
	wallet := s.openWallet()
	s.topUp(wallet.Key, "1.00")
	file := filepath.Join(s.home, "ledger.tar")
	s.manifest("backup", file)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(s.home, "restored")
	flipped := bytes.Clone(good)
	flipped[len(flipped)/3] ^= 4
	for name, content := range map[string][]byte{"flipped": flipped, "cut": good[:len(good)-600], "empty": nil, "foreign": []byte(s.readConfig())} {
		bad := filepath.Join(s.home, name)
		if err := os.WriteFile(bad, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.run("paywall", "restore", bad, "--dir", target); err == nil || !strings.Contains(err.Error(), "not a whole backup") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(target); err == nil {
			t.Errorf("%s: the target was made", name)
		}
	}
	for _, args := range [][]string{
		{"backup", file, "--since", "999"}, {"backup", file, "--with-keys", s.home}, {"backup"}, {"restore", file},
	} {
		if out, err := s.run(append([]string{"paywall"}, args...)...); err == nil {
			t.Errorf("%q: %s", args, out)
		}
	}
	for name, sent := range map[string][]byte{"flipped": flipped, "cut": good[:len(good)-600]} {
		elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(sent) // a proxy on the way may end a broken answer as if it were whole
		}))
		_, err := s.run("paywall", "backup", file, "--address", elsewhere.Listener.Addr().String())
		elsewhere.Close()
		if err == nil || !strings.Contains(err.Error(), "cannot be used") {
			t.Errorf("a backup that arrives %s: %v", name, err)
		}
	}
	_, err = s.run("paywall", "backup", file)
	if err == nil || !strings.Contains(err.Error(), "exists and stays as it is") {
		t.Errorf("a backup in the place of another one: %v", err)
	}
	if again, err := os.ReadFile(file); err != nil || !bytes.Equal(again, good) {
		t.Error("an older backup was overwritten without being asked")
	}
	s.kill()
	if _, err := s.run("paywall", "backup", file); err == nil {
		t.Error("a server that is not there was backed up")
	}
	if again, err := os.ReadFile(file); err != nil || !bytes.Equal(again, good) {
		t.Error("a backup that failed took the place of a good one")
	}
	if left, _ := filepath.Glob(filepath.Join(s.home, "*.part")); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	s.start()
	s.topUp(wallet.Key, "1.00")
	s.manifest("backup", file, "--overwrite")
	if again, err := os.ReadFile(file); err != nil || bytes.Equal(again, good) {
		t.Error("a backup with --overwrite did not take the place of the older one")
	}
}

// TestBackupsGoThroughPipes: to standard output, and from standard input.
func TestBackupsGoThroughPipes(t *testing.T) {
	s := startShop(t, "0.20")
	wallet := s.openWallet()
	s.topUp(wallet.Key, "1.00")
	if _, err := s.buy(wallet.Key, "/articles/a"); err != nil {
		t.Fatal(err)
	}
	backup := s.mustRun("paywall", "backup", "-")
	target := filepath.Join(s.home, "restored")
	restore := s.command("paywall", "restore", "-", "--dir", target)
	restore.Stdin = strings.NewReader(backup)
	if out, err := restore.CombinedOutput(); err != nil || !strings.Contains(string(out), "put the folder keys/ back") {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(target, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := s.mustRun("paywall", "verify", "--dir", target); !strings.Contains(out, "there is no Badger") {
		t.Error(out)
	}
	if out := s.mustRun("paywall", "compress", "--dir", target); !strings.Contains(out, "segments") {
		t.Error(out)
	}
	if out := s.mustRun("paywall", "compress", "--json"); !strings.Contains(out, `"segments":0`) {
		t.Error(out)
	}
	if _, err := s.run("paywall", "verify", "--dir", filepath.Join(s.home, "caddy", "paywall")); err == nil || !strings.Contains(err.Error(), "while the server runs") {
		t.Errorf("verifying a running server's folder: %v", err)
	}
	if _, err := s.run("paywall", "verify", "--dir", filepath.Join(s.home, "nowhere")); err == nil {
		t.Error("a folder that is missing was verified")
	}
	for format, want := range map[string]string{"ndjson": `"kind":"unlock"`, "csv": ",unlock,", "beancount": `* "unlock"`} {
		if out := s.mustRun("paywall", "export", "--format", format); !strings.Contains(out, want) {
			t.Errorf("%s: %s", format, out)
		}
	}
	if _, err := s.run("paywall", "export", "--format", "pdf"); err == nil {
		t.Error("pdf was exported")
	}
}
