package paywall

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
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

// TestSharesAreReadBackFromTheLegs: exactly, or within what a millionth of a unit
// is of the amount; and never more than a whole.
func TestSharesAreReadBackFromTheLegs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := Money{Micros: rapid.Int64Range(1, 100_000).Draw(t, "cents") * 10_000, Currency: "EUR"}
		left := int64(WholePPM)
		var shares []Share
		for i := range rapid.IntRange(0, 4).Draw(t, "creators") {
			ppm := rapid.Int64Range(0, left).Draw(t, "ppm")
			if i == 0 && rapid.Bool().Draw(t, "all") {
				ppm = left
			}
			if ppm > 0 {
				shares = append(shares, Share{Creator: string(rune('a' + i)), PPM: ppm})
				left -= ppm
			}
		}
		legs, err := Split(amount, "https://news.example", shares)
		if err != nil {
			t.Fatal(err)
		}
		read := SharesOf(append([]Leg{{WalletAccount("w"), -amount.Micros}}, legs...))
		if _, err := Split(amount, "https://news.example", read); err != nil {
			t.Fatal(read, err)
		}
		near := (2*WholePPM+amount.Micros)/amount.Micros - 1
		byName := map[string]int64{}
		for _, s := range read {
			byName[s.Creator] = s.PPM
		}
		for _, s := range shares {
			if off := byName[s.Creator] - s.PPM; max(off, -off) > near*int64(len(shares)) {
				t.Fatalf("of %s, %v was read back as %v", amount, shares, read)
			}
		}
		if len(legs) == len(read) && left == 0 {
			var sum int64
			for _, s := range read {
				sum += s.PPM
			}
			if sum != WholePPM {
				t.Fatalf("of %s, %v leaves the site something: %v", amount, shares, read)
			}
		}
	})
}
