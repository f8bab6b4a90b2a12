package topup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// newSeals opens seals in a folder at a time that the test can change.
func newSeals(t *testing.T, dir string, at *time.Time) *Seals {
	t.Helper()
	s, err := OpenSeals(dir, func() time.Time { return *at })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
}

func sealed(t *testing.T, s *Seals, id string, year int) string {
	t.Helper()
	text, err := s.seal(id, year)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSealedIDIsStableHiddenAndOpens(t *testing.T) {
	now := day(2026, 11, 27)
	dir := t.TempDir()
	s := newSeals(t, dir, &now)
	for _, id := range []string{"ABCDEFGHIJ234567", "cs_test_" + strings.Repeat("a1", 40), "pi_1", "ü/ä/ü"} {
		text := sealed(t, s, id, 2026)
		if again := sealed(t, newSeals(t, dir, &now), id, 2026); again != text {
			t.Errorf("after a restart %q is sealed as %q instead of %q", id, again, text)
		}
		if strings.Contains(text, id) || strings.Contains(text, "/") || !strings.HasPrefix(text, "2026.") {
			t.Errorf("%q is sealed as %q", id, text)
		}
		if got, err := s.open(text); err != nil || got != id {
			t.Errorf("%q opens as %q, %v", text, got, err)
		}
		if other := sealed(t, newSeals(t, t.TempDir(), &now), id, 2026); other == text {
			t.Errorf("two folders seal %q alike", id)
		}
		if next := sealed(t, s, id, 2027); next[5:] == text[5:] {
			t.Errorf("two years seal %q alike", id)
		}
	}
	if text, err := s.seal("", 2026); text != "" || err != nil {
		t.Errorf("nothing is sealed as %q, %v", text, err)
	}
}

func TestChangedSealedTextDoesNotOpen(t *testing.T) {
	now := day(2026, 11, 27)
	s := newSeals(t, t.TempDir(), &now)
	text := []byte(sealed(t, s, "ABCDEFGHIJ234567", 2026))
	for i := len("2026."); i < len(text); i++ {
		changed := append([]byte{}, text...)
		changed[i] = map[bool]byte{true: 'B', false: 'A'}[text[i] == 'A']
		if id, err := s.open(string(changed)); err == nil && id != "ABCDEFGHIJ234567" {
			t.Errorf("%q opens as %q", changed, id)
		}
	}
	for _, text := range []string{"2026", "2026.", "2026.!", "x.AAAA", "pi_123", ".", "2026.AAAA"} {
		if id, err := s.open(text); err == nil {
			t.Errorf("%q opens as %q", text, id)
		}
	}
}

func TestKeyIsDeletedFourteenMonthsAfterItsYear(t *testing.T) {
	now := day(2026, 11, 27)
	dir := t.TempDir()
	s := newSeals(t, dir, &now)
	text := sealed(t, s, "ABCDEFGHIJ234567", 2026)
	key := filepath.Join(dir, "link-2026")
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 || info.Size() != 32 {
		t.Fatalf("the key is %v, %v", info, err)
	}
	now = day(2028, 2, 29)
	if err := s.Tidy(); err != nil {
		t.Fatal(err)
	}
	if id, err := s.open(text); err != nil || id != "ABCDEFGHIJ234567" {
		t.Errorf("a day before its key goes, it opens as %q, %v", id, err)
	}
	now = day(2028, 3, 1)
	if _, err := s.open(text); !errors.Is(err, errForgotten) {
		t.Errorf("a key that should be gone is used until the sweeper comes: %v", err)
	}
	if err := s.Tidy(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(key); !os.IsNotExist(err) {
		t.Errorf("the key is still there: %v", err)
	}
	if _, err := s.seal("ABCDEFGHIJ234567", 2026); !errors.Is(err, errForgotten) {
		t.Errorf("it was made again: %v", err)
	}
	if got := s.reach(); !got.Equal(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("movements can be matched from %s on", got)
	}
}

func TestLookUpTriesTheKeysThatAreThere(t *testing.T) {
	now := day(2026, 11, 27)
	s := newSeals(t, t.TempDir(), &now)
	if got := s.years(); len(got) != 0 {
		t.Errorf("in a folder without keys these years are tried: %v", got)
	}
	sealed(t, s, "a", 2026)
	now = day(2027, 5, 1)
	sealed(t, s, "a", 2027)
	now = day(2028, 1, 15)
	sealed(t, s, "a", 2028)
	if got := s.years(); len(got) != 3 || got[0] != 2028 || got[2] != 2026 {
		t.Errorf("in January 2028 these years are tried: %v", got)
	}
	now = day(2028, 3, 1)
	if got := s.years(); len(got) != 2 || got[1] != 2027 {
		t.Errorf("in March 2028 these years are tried: %v", got)
	}
}

func TestKeyThatOthersReadOrThatIsDamagedIsRefused(t *testing.T) {
	now := day(2026, 11, 27)
	for name, spoil := range map[string]func(path string) error{
		"chmod 600": func(path string) error { return os.Chmod(path, 0o640) },
		"damaged":   func(path string) error { return os.WriteFile(path, []byte("short"), 0o600) },
	} {
		dir := t.TempDir()
		sealed(t, newSeals(t, dir, &now), "a", 2026)
		if err := spoil(filepath.Join(dir, "link-2026")); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSeals(dir, func() time.Time { return now }); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProcessesThatMakeAKeyTogetherHaveOne(t *testing.T) {
	now := day(2026, 11, 27)
	dir := t.TempDir()
	texts := make([]string, 16)
	var all sync.WaitGroup
	for i := range texts {
		all.Go(func() { texts[i] = sealed(t, newSeals(t, dir, &now), "ABCDEFGHIJ234567", 2026) })
	}
	all.Wait()
	for _, text := range texts {
		if text != texts[0] {
			t.Fatalf("one process seals as %q, another as %q", texts[0], text)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}
