package gate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/target"
)

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

// TestF12ACookieLineIsCopiedOnceAtMost: a visitor may send a megabyte in pieces of
// one letter.
func TestF12ACookieLineIsCopiedOnceAtMost(t *testing.T) {
	line := "a" + strings.Repeat(";paywall_kept=;a", 2000) + strings.Repeat(";a", 2000)
	made := testing.Benchmark(func(b *testing.B) {
		for range b.N {
			var c credentials
			c.takeLine(line, "paywall_wallet", "paywall_lang")
		}
	}).AllocedBytesPerOp()
	if most := int64(8 * len(line)); made > most {
		t.Errorf("a line of %d bytes takes %d, want at most %d", len(line), made, most)
	}
}

// TestBeforeTheStoreIsOpenNobodyIsSentAKey: whose a bearer is cannot be known then.
func TestBeforeTheStoreIsOpenNobodyIsSentAKey(t *testing.T) {
	key := string(paywall.NewWalletKey())
	reader := request(t, "GET", "/about", "Cookie: session=1; paywall_wallet="+key, "Authorization: Bearer "+key+"x")
	sent := request(t, "GET", "/auth/"+key+"?k="+key, "Cookie: session=1; paywall_wallet="+key, "Authorization: Bearer "+key+"x", "X-A: a "+key+"x", "X-B: paywall_wallet="+key+"; session=1")
	Withhold(nil, &target.Canonicalizer{}, sent, reader)
	if got := fmt.Sprint(sent.URL, sent.Header); strings.Contains(got, key) || strings.Count(got, "session=1") != 2 || sent.Header["Authorization"] != nil {
		t.Error(got)
	}
}
