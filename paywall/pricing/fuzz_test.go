package pricing_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall/pathtest"
)

// FuzzCanonicalTarget looks for a target that a site reads as something which
// the gate did not ask for, and for one whose canonical form is not stable.
func FuzzCanonicalTarget(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		f.Add(pathtest.Target(rng))
	}
	for _, query := range []string{"?p=1&x", "?p=a%20b+c", "?p=1;p=2", "?P[]=%zz&p", "?p=u%CC%88"} {
		f.Add("/articles/p1" + query)
	}
	tables := sites(f)
	canonicalizer := *canonicalizer
	canonicalizer.QueryKeys = []string{"p", "x"}
	f.Fuzz(func(t *testing.T, raw string) {
		target, err := canonicalizer.Parse(raw)
		if err != nil {
			return
		}
		for _, bad := range []string{"//", "/./", "/../"} {
			if strings.Contains(strings.TrimSuffix(target.Path, "/")+"/", bad) {
				t.Fatalf("%q: path %q holds %s", raw, target.Path, bad)
			}
		}
		if target.Path[0] != '/' || strings.ContainsFunc(target.Location(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Fatalf("%q: path %q, location %q", raw, target.Path, target.Location())
		}
		again, err := canonicalizer.Parse(target.Location())
		switch {
		case err != nil && !target.Ambiguous && len(target.Location()) <= 8<<10:
			t.Fatalf("%q: location %q: %v", raw, target.Location(), err)
		case err == nil && (!again.Canonical || again.Resource != target.Resource || again.Location() != target.Location()):
			t.Fatalf("%q is read as %q, its location %q as %q", raw, target.Resource, target.Location(), again.Resource)
		}
		delivered := deliveries(raw, &target)
		for name, table := range tables {
			if found := leak(table, &target, delivered); found != "" {
				t.Fatalf("site %s, target %q: %s", name, raw, found)
			}
		}
	})
}
