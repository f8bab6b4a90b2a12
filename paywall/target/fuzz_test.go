package target_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall/pathtest"
)

// FuzzParse looks for a target whose canonical form is none, or is not stable.
func FuzzParse(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		f.Add(pathtest.Target(rng))
	}
	for _, query := range []string{"?p=1&x", "?p=a%20b+c", "?p=1;p=2", "?P[]=%zz&p", "?p=u%CC%88"} {
		f.Add("/articles/p1" + query)
	}
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
		if slices.Contains(target.Readings, target.Path) {
			t.Fatalf("%q: readings %q repeat the path", raw, target.Readings)
		}
		again, err := canonicalizer.Parse(target.Location())
		switch {
		case err != nil && !target.Ambiguous && len(target.Location()) <= 8<<10:
			t.Fatalf("%q: location %q: %v", raw, target.Location(), err)
		case err == nil && (!again.Canonical || again.Resource != target.Resource || again.Location() != target.Location()):
			t.Fatalf("%q is read as %q, its location %q as %q", raw, target.Resource, target.Location(), again.Resource)
		}
	})
}
