package gate

import "testing"

// TestOfOneCookieLineOnlyOursIsTaken, wherever it stands, and the rest stays as it
// was written.
func TestOfOneCookieLineOnlyOursIsTaken(t *testing.T) {
	for line, want := range map[string]string{
		"paywall_access=x":                                 "",
		"a=1; paywall_access=x":                            "a=1",
		"paywall_access=x; a=1":                            "a=1",
		"a=1; b=2; paywall_access=x":                       "a=1; b=2",
		"paywall_wallet=x; a=1;b=2 ;paywall_kept=1":        "a=1;b=2 ",
		"a=1; paywall_access=x; b=2":                       "a=1; b=2",
		"a=1; paywall_access=x; b=2; paywall_lang=de; c=3": "a=1; b=2; c=3",
		"a=1; __Secure-paywall_access=x; b=2; c=3; d=4":    "a=1; b=2; c=3; d=4",
		"a=1; paywall_access=x;; b=2":                      "a=1;; b=2",
		"; paywall_access=x; a=1":                          "a=1",
		"a=1; notpaywall_access=x":                         "a=1; notpaywall_access=x",
	} {
		var c credentials
		if got := c.takeLine(line, "paywall_wallet", "paywall_lang"); got != want {
			t.Errorf("%q: %q stays, want %q", line, got, want)
		}
	}
}

func TestNothingIsCopiedOfACookieLineInOnePiece(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		var c credentials
		c.takeLine("session=abc; theme=dark; paywall_access=x.y.z; paywall_wallet=w", "paywall_wallet", "paywall_lang")
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
