package caddymodule

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall/badgerstore"
	"github.com/tuppence/tuppence/paywall/journal/archive"
)

// TestABackupOverTheAdminAPIIsRestored, complete and then what came after it, and
// it holds no key.
func TestABackupOverTheAdminAPIIsRestored(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	key := s.wallet()
	s.unlock(key, s.offer("/articles/a"))
	dir := filepath.Join(t.TempDir(), "restored")
	restore := func(target string) archive.Manifest {
		t.Helper()
		status, backup := admin(t, http.MethodGet, target, "")
		if status != http.StatusOK || strings.Contains(backup, "PRIVATE KEY") {
			t.Fatalf("%s: %d", target, status)
		}
		m, err := badgerstore.Restore(t.Context(), strings.NewReader(backup), dir)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first := restore("/paywall/backup")
	s.unlock(key, s.offer("/articles/b"))
	second := restore("/paywall/backup?since=3")
	report := s.verify()
	if first.Seq != 3 || second.First != 4 || second.Seq != report.Seq || second.Head != report.Head {
		t.Errorf("the manifests are %+v and %+v", first, second)
	}
	restored, err := badgerstore.VerifyDir(t.Context(), dir)
	if err != nil || !restored.OK || restored.Head != report.Head {
		t.Errorf("restored: %+v, %v", restored, err)
	}
	for _, since := range []string{"5", "-1", "x", "1e1", "99999999999999999999"} {
		if status, body := admin(t, http.MethodGet, "/paywall/backup?since="+since, ""); status != http.StatusBadRequest {
			t.Errorf("since %s: %d %s", since, status, body)
		}
	}
}

func TestTheLedgerIsExportedForAccountants(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	s.unlock(s.wallet(), s.offer("/articles/a"))
	status, table := admin(t, http.MethodGet, "/paywall/export?format=csv", "")
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if status != http.StatusOK || err != nil || len(rows) != 5 {
		t.Errorf("%d, %d rows, %v", status, len(rows), err)
	}
	status, book := admin(t, http.MethodGet, "/paywall/export?format=beancount", "")
	for _, line := range []string{"open Liabilities:Wallets EUR", "  Liabilities:Wallets  0.20 EUR\n", "-0.20 EUR\n"} {
		if status != http.StatusOK || !strings.Contains(book, line) {
			t.Errorf("%d, without %q:\n%s", status, line, book)
		}
	}
}

func TestCompressingIsAnAdminCall(t *testing.T) {
	s := newSite(t, "welcome 0.60", articlesFor20, new(articles))
	status, body := admin(t, http.MethodPost, "/paywall/compress", "")
	if want := `{"segments":0,"bytes_before":0,"bytes_after":0}`; status != http.StatusOK || strings.TrimSpace(body) != want {
		t.Errorf("%d %s", status, body)
	}
	if status, body := admin(t, http.MethodPost, "/paywall/compress", "{}"); status != http.StatusBadRequest {
		t.Errorf("with a body: %d %s", status, body)
	}
	s.verify()
}

func TestABackupThatBreaksOffIsCut(t *testing.T) {
	newSite(t, "welcome 0.60", articlesFor20, new(articles))
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("the connection was not cut")
		}
	}()
	for _, route := range (adminAPI{}).Routes() {
		if route.Pattern != "/paywall/backup" {
			continue
		}
		r, err := http.NewRequest(http.MethodGet, "/paywall/backup", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = route.Handler.ServeHTTP(fullDisk{http.Header{}}, r) // panics
	}
}

// fullDisk is a client that cannot take more.
type fullDisk struct{ header http.Header }

func (f fullDisk) Header() http.Header     { return f.header }
func (fullDisk) WriteHeader(int)           {}
func (fullDisk) Write([]byte) (int, error) { return 0, bytes.ErrTooLarge }
