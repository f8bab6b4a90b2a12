package routes

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/idna"
)

// anyHost is a pattern of which nothing is known: it may match every host.
const anyHost = "{}"

// normalizeHosts writes the patterns of a host matcher as this package compares
// them: in lower case, in ASCII, without placeholders that are known at load.
func normalizeHosts(patterns []string) []string {
	hosts := make([]string, len(patterns))
	for i, pattern := range patterns {
		hosts[i] = normalizeHost(pattern)
	}
	return hosts
}

func normalizeHost(pattern string) string {
	if strings.Contains(pattern, "{") {
		pattern = caddy.NewReplacer().ReplaceKnown(pattern, "")
		if strings.Contains(pattern, "{") {
			return anyHost
		}
	}
	if ascii, err := idna.ToASCII(pattern); err == nil {
		pattern = ascii
	}
	return strings.ToLower(pattern)
}

// exact reports whether a pattern matches one host only.
func exact(pattern string) bool { return !strings.ContainsAny(pattern, "{*") }

// overlap reports whether a host may match both patterns. As in Caddy, "*" stands
// for one label, and patterns with it match hosts of as many labels.
func overlap(a, b string) bool {
	if a == b || a == anyHost || b == anyHost {
		return true
	}
	if exact(a) && exact(b) {
		return false
	}
	return compareLabels(a, b, func(x, y string) bool { return x == y || x == "*" || y == "*" })
}

// covers reports whether every host that matches the narrow pattern matches the
// wide one, or may do so.
func covers(wide, narrow string) bool {
	if wide == narrow || wide == anyHost || narrow == anyHost {
		return true
	}
	return !exact(wide) && compareLabels(wide, narrow, func(w, n string) bool { return w == n || w == "*" })
}

func compareLabels(a, b string, same func(x, y string) bool) bool {
	for {
		x, restA, moreA := strings.Cut(a, ".")
		y, restB, moreB := strings.Cut(b, ".")
		if moreA != moreB || !same(x, y) {
			return false
		}
		if !moreA {
			return true
		}
		a, b = restA, restB
	}
}

// hostSets are what a request's host must match: one pattern of every set. With
// no set it may be any.
type hostSets [][]string

// relation is how a route stands to the hosts of a gate.
type relation int

const (
	apart    relation = iota // it never gets a request of theirs
	narrower                 // it gets some, by a host that is more specific than theirs
	shared                   // it may get all that one of their patterns matches
	whole                    // it may get all of theirs
)

// relate compares the hosts of a route, nil for all, with those of the gate.
func (sets hostSets) relate(hosts []string) relation {
	if hosts == nil || slices.Contains(hosts, anyHost) {
		return whole
	}
	found := narrower
	for _, set := range sets {
		relation := relateSet(set, hosts)
		if relation == apart {
			return apart
		}
		found = max(found, relation)
	}
	return found
}

// relateSet compares the hosts of a route with one set. Where they overlap and no
// pattern of the set is wholly the route's, the route is the more specific one.
func relateSet(set, hosts []string) relation {
	found, all := apart, true
	for _, own := range set {
		best := apart
		for _, host := range hosts {
			switch {
			case !overlap(own, host):
			case covers(host, own):
				best = whole
			case !covers(own, host):
				best = max(best, shared)
			default:
				best = max(best, narrower)
			}
		}
		all = all && best == whole
		found = max(found, min(best, shared))
	}
	if all && len(set) > 0 {
		return whole
	}
	return found
}

// matches reports whether a host, in lower case, matches every set.
func (sets hostSets) matches(host string) bool {
	for _, set := range sets {
		if !slices.ContainsFunc(set, func(pattern string) bool { return covers(pattern, host) }) {
			return false
		}
	}
	return true
}

// exact are the hosts that are known by name, nil if a pattern stands among them.
func (sets hostSets) exact() []string {
	for _, set := range sets {
		if !slices.ContainsFunc(set, func(pattern string) bool { return !exact(pattern) }) {
			return set
		}
	}
	return nil
}
