package target

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/pathtest"
)

// TestShortcutSkipsNoReading compares what Parse leaves out for settled targets
// with the closure that it would have made.
func TestShortcutSkipsNoReading(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	skipped := 0
	for n := range 30_000 {
		raw := pathtest.Target(rng)
		if n%3 == 0 {
			raw = "/" + paywall.EscapePath(soup(rng))
		}
		end, shape := scanPath(raw)
		if raw = raw[:end]; raw == "" || raw[0] != '/' {
			continue
		}
		decoded, ok := unescape(raw)
		if !ok || shape == loose && (paywall.EscapePath(decoded) != raw || !norm.NFC.IsNormalString(decoded) || !isSettled(decoded, norm.NFKC.String)) ||
			shape == settled && !isASCII(raw) || !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, isControl) {
			continue
		}
		skipped++
		nodes, ok := spellings(raw, norm.NFC.String, norm.NFKC.String)
		odd := slices.IndexFunc(nodes, func(n node) bool { return n.decoded && n.path != decoded })
		if !ok || odd >= 0 {
			t.Fatalf("%q: closure has %+v", raw, nodes)
		}
		if ambiguous(raw, decoded) {
			t.Fatalf("%q is ambiguous", raw)
		}
	}
	if skipped < 5_000 {
		t.Errorf("only %d targets were settled", skipped)
	}
}

// soup is a name of characters from everywhere.
func soup(rng *rand.Rand) string {
	const special = "/.;:$%#?\\ +~ſıK．／％…\u00a0\u2028\u200d\u202e\ufe0f\u3000\u0301éüßǅﬁ東ａaA19p"
	runes := []rune(special)
	name := make([]rune, 1+rng.IntN(6))
	for i := range name {
		switch rng.IntN(3) {
		case 0:
			name[i] = runes[rng.IntN(len(runes))]
		case 1:
			name[i] = 'a' + rune(rng.IntN(26))
		default:
			name[i] = rune(0xa1 + rng.IntN(0x3000))
		}
	}
	return norm.NFC.String(string(name))
}
