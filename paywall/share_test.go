package paywall

import (
	"strings"
	"testing"
)

func TestShareIsAnExactPercentage(t *testing.T) {
	for percent, ppm := range map[string]int64{"70": 700_000, "33.3333": 333_333, "100": 1_000_000, "0.0001": 1, "12.5": 125_000} {
		s, err := ParseShare("alice", percent)
		if err != nil || s.PPM != ppm || s.Percent() != percent {
			t.Errorf("%s is %d ppm, which is %s: %v", percent, s.PPM, s.Percent(), err)
		}
	}
	for _, percent := range []string{"", "0", "0.0000", "100.0001", "101", "-1", "+1", "1e2", "33.33333", ".5", "5.", "70%", " 7", "٧"} {
		if s, err := ParseShare("alice", percent); err == nil {
			t.Errorf("%q was read as %d ppm", percent, s.PPM)
		}
	}
	for _, creator := range []string{"", "\u212a", "a b", "a/b", "ä", strings.Repeat("a", 33), "{env.HOME}"} {
		if _, err := ParseShare(creator, "10"); err == nil {
			t.Errorf("%q was taken for a creator", creator)
		}
	}
}

// FuzzParseShare: what is read is written the same, but for needless zeros.
func FuzzParseShare(f *testing.F) {
	for _, seed := range []string{"70", "33.3333", "100", "0.0001", "1e2", "070", "70.0", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, percent string) {
		s, err := ParseShare("alice", percent)
		if err != nil {
			return
		}
		if again, err := ParseShare("alice", s.Percent()); err != nil || again != s {
			t.Errorf("%q is %d ppm, which is %q", percent, s.PPM, s.Percent())
		}
	})
}

func TestCauseIsForTheLogOnly(t *testing.T) {
	err := Errorf(CodeMalformed, "reading the order: %w", ErrNotFound)
	if err.Message != "reading the order" || err.Error() != "reading the order: no such purchase" {
		t.Errorf("message %q, error %q", err.Message, err.Error())
	}
}
