package pricing

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tuppence/tuppence/paywall"
)

// outlineOf is what Paths say of themselves.
func outlineOf(patterns Paths) Outline {
	match := func(path string) bool { return patterns.Match(nil, path) }
	return Outline{Patterns: patterns, Surely: match, Perhaps: match}
}

// everyPath has all paths of three names, which is every kind of path that the
// patterns below tell apart.
func everyPath() []string {
	var paths []string
	var grow func(path string, left int)
	grow = func(path string, left int) {
		for _, name := range []string{"a", "b", "ab", "c", "a.x", "c.x", "ac.x", "aba.x"} {
			paths = append(paths, path+"/"+name)
			if left > 1 {
				grow(path+"/"+name, left-1)
			}
		}
	}
	grow("", 3)
	return paths
}

// TestOverlapsAgreeWithEveryPath: what is refused is wrong for every path that
// there is, and prices that meet are refused.
func TestOverlapsAgreeWithEveryPath(t *testing.T) {
	paths := everyPath()
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.SampledFrom([]string{"/a", "/a/*", "/a*", "/a/b", "/a/b/*", "/b/*", "/b/a", "*.x", "*a.x", "/a/a.x", "/*", "/ab*", "/c"})
		list := func(label string) Paths { return rapid.SliceOfNDistinct(pattern, 1, 2, rapid.ID).Draw(t, label) }
		gate := list("gate")
		rules := make([]Outlined, rapid.IntRange(1, 3).Draw(t, "rules"))
		for i := range rules {
			r := &Rule{Source: string(rune('1' + i)), Free: rapid.Bool().Draw(t, "free")}
			match := list("rule")
			if !r.Free {
				r.Price = paywall.Money{Micros: rapid.Int64Range(1, 2).Draw(t, "price"), Currency: "EUR"}
				if rapid.Bool().Draw(t, "grouped") {
					r.Per = []string{rapid.SampledFrom([]string{"/a/*", "/b/*", "/*"}).Draw(t, "per")}
				}
			}
			r.Match = match
			rules[i] = Outlined{Rule: r, Outline: outlineOf(match)}
		}
		decided := make(map[string]int) // by rule
		grouped := make(map[string]bool)
		sold := make(map[string]int64)
		conflict := false
		for _, path := range paths {
			rule := decider(rules, path)
			for _, each := range rules {
				for _, per := range each.Rule.Per {
					if each.Outline.Surely(path) && gate.Match(nil, path) && strings.HasPrefix(path, per[:len(per)-1]) {
						grouped[each.Rule.Source] = true
					}
				}
			}
			if rule == nil || !gate.Match(nil, path) {
				continue
			}
			decided[rule.Source]++
			if rule.Free {
				continue
			}
			resource := rule.resource(path)
			if before, ok := sold[resource]; ok && before != rule.Price.Micros {
				conflict = true
			}
			sold[resource] = rule.Price.Micros
		}
		err := CheckOverlaps(outlineOf(gate), rules)
		var blamed *RuleError
		switch {
		case err == nil:
			if conflict {
				t.Fatalf("two prices for one resource are accepted")
			}
		case !errors.As(err, &blamed):
			t.Fatalf("%v blames no rule", err)
		case strings.Contains(err.Error(), "never applies"):
			if decided[blamed.Source] > 0 {
				t.Fatalf("%v, and it decides about %d paths", err, decided[blamed.Source])
			}
		case strings.Contains(err.Error(), "per "):
			if grouped[blamed.Source] {
				t.Fatalf("%v, and there are some", err)
			}
		case !conflict:
			t.Fatalf("%v, and there are none", err)
		}
	})
}
