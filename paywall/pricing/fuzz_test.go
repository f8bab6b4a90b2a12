package pricing_test

import (
	"math/rand/v2"
	"testing"

	"github.com/tuppence/tuppence/paywall/pathtest"
)

// FuzzCanonicalTarget looks for a target that a site reads as something which
// the gate did not ask for.
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
		delivered := deliveries(raw, &target)
		for name, table := range tables {
			if found := leak(table, &target, delivered); found != "" {
				t.Fatalf("site %s, target %q: %s", name, raw, found)
			}
		}
	})
}
