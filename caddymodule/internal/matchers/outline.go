package matchers

import (
	"encoding/json"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/paywall/pricing"
)

// Outline is what matchers say of paths alone, read from their config: OR of
// sets, each of which is all of its matchers together.
func Outline(sets caddyhttp.RawMatcherSets) pricing.Outline {
	if len(sets) == 0 {
		return everyPath(true)
	}
	union := everyPath(false)
	for _, set := range sets {
		all := everyPath(true)
		for name, raw := range set {
			m := outlineOne(name, raw)
			all = pricing.Outline{
				Patterns: append(all.Patterns, m.Patterns...),
				Surely:   both(all.Surely, m.Surely),
				Perhaps:  both(all.Perhaps, m.Perhaps),
			}
		}
		union = pricing.Outline{
			Patterns: append(union.Patterns, all.Patterns...),
			Surely:   either(union.Surely, all.Surely),
			Perhaps:  either(union.Perhaps, all.Perhaps),
		}
	}
	return union
}

func outlineOne(name string, raw json.RawMessage) pricing.Outline {
	unknown := pricing.Outline{Surely: always(false), Perhaps: always(true)}
	switch name {
	case "path":
		var patterns caddyhttp.MatchPath
		if json.Unmarshal(raw, &patterns) != nil {
			return unknown
		}
		for _, pattern := range patterns {
			if strings.ContainsAny(pattern, `{%?[\`) {
				return unknown
			}
		}
		match := func(path string) bool { return pricing.Paths(patterns).Match(nil, path) }
		return pricing.Outline{Patterns: patterns, Surely: match, Perhaps: match}
	case "not":
		var inner caddyhttp.RawMatcherSets
		if json.Unmarshal(raw, &inner) != nil || len(inner) == 0 {
			return unknown
		}
		o := Outline(inner)
		return pricing.Outline{Patterns: o.Patterns, Surely: negate(o.Perhaps), Perhaps: negate(o.Surely)}
	}
	return unknown
}

type pathTest = func(path string) bool

func everyPath(matched bool) pricing.Outline {
	return pricing.Outline{Surely: always(matched), Perhaps: always(matched)}
}

func always(matched bool) pathTest { return func(string) bool { return matched } }
func negate(a pathTest) pathTest   { return func(p string) bool { return !a(p) } }
func both(a, b pathTest) pathTest  { return func(p string) bool { return a(p) && b(p) } }
func either(a, b pathTest) pathTest {
	return func(p string) bool { return a(p) || b(p) }
}
