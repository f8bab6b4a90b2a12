package pricing

import (
	"fmt"
	"slices"
	"strings"
)

// Outline is what is known of a matcher before any request: what it says of
// paths whatever else a request holds.
type Outline struct {
	// Patterns are the path patterns in it, at any depth.
	Patterns []string
	// Surely reports paths that it matches in every request, Perhaps those that it
	// may match. They are the same for a matcher that looks at paths only.
	Surely, Perhaps func(path string) bool
}

// Outlined is a rule with the outline of its matcher.
type Outlined struct {
	Rule    *Rule
	Outline Outline
}

// CheckOverlaps refuses rules that can never apply, because they lie outside of
// the gate's matcher or because earlier rules match all that they do, groups that
// a rule has no path in, and groups that are sold at two prices. It tries paths
// that stand for all that the patterns match; what they leave in doubt is let pass.
func CheckOverlaps(gate Outline, rules []Outlined) error {
	paths := samples(gate, rules)
	for i := range rules {
		if err := applies(gate, rules[:i], &rules[i], paths); err != nil {
			return rules[i].Rule.blame(err)
		}
	}
	return checkPrices(gate, rules, paths)
}

// Meet reports whether two matchers may match one path.
func Meet(a, b Outline) bool {
	for _, path := range samples(a, []Outlined{{Rule: new(Rule), Outline: b}}) {
		if a.Perhaps(path) && b.Perhaps(path) {
			return true
		}
	}
	return false
}

// Uncovered names patterns of the gate's matcher that no rule can be for. What they
// match is refused.
func Uncovered(gate Outline, rules []Outline) []string {
	patterns := gate.Patterns
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	var unpriced []string
	for _, pattern := range patterns {
		open := false
		for _, path := range instances(pattern) {
			open = open || gate.Surely(path) && !anyPerhaps(rules, path)
		}
		if open {
			unpriced = append(unpriced, pattern)
		}
	}
	return unpriced
}

func anyPerhaps(rules []Outline, path string) bool {
	for i := range rules {
		if rules[i].Perhaps(path) {
			return true
		}
	}
	return false
}

// applies refuses a rule that decides about no path, or has a group that it
// decides nothing about.
func applies(gate Outline, before []Outlined, rule *Outlined, paths []string) error {
	patterns := rule.Outline.Patterns
	matched, within, left := 0, 0, 0
	grouped := make([]bool, len(rule.Rule.Per))
	for _, path := range paths {
		if !rule.Outline.Perhaps(path) {
			continue
		}
		matched++
		if !gate.Perhaps(path) {
			continue
		}
		within++
		if taker(before, path) == nil {
			left++
		}
		for i, pattern := range rule.Rule.Per {
			grouped[i] = grouped[i] || strings.HasPrefix(path, strings.ToLower(strings.TrimSuffix(pattern, "*")))
		}
	}
	sure := simple(gate.Patterns) && simple(patterns)
	switch {
	case matched == 0 || len(patterns) == 0: // nothing is known of it, or it is for all the rest
	case within == 0 && sure && rule.Rule.Free && allFolders(patterns): // "/a/" is "/a", which "/a/*" leaves out, and free as it is
	case within == 0 && sure:
		return fmt.Errorf("rule never applies: %s is outside of the directive's matcher; widen the matcher of paywall, or remove the line", strings.Join(patterns, " "))
	case within > 0 && left == 0:
		return hidden(before, rule, paths, gate)
	}
	for i, pattern := range rule.Rule.Per {
		if !grouped[i] && sure && within > 0 {
			return fmt.Errorf("per %s: the price is for no path below it; write the pattern that the price is for", pattern)
		}
	}
	return nil
}

// hidden names the first of the rules that take everything from a rule.
func hidden(before []Outlined, rule *Outlined, paths []string, gate Outline) error {
	for _, path := range paths {
		if rule.Outline.Perhaps(path) && gate.Perhaps(path) {
			first := taker(before, path)
			return fmt.Errorf("rule never applies: the one before it%s matches all that it does, and the first that matches decides; write this one first", at(first.Source))
		}
	}
	return nil
}

// taker is the earlier rule that a path surely belongs to, nil if there is none.
func taker(rules []Outlined, path string) *Rule {
	for i := range rules {
		if rules[i].Outline.Surely(path) {
			return rules[i].Rule
		}
	}
	return nil
}

// checkPrices refuses two prices, or two access times, for one resource: whoever
// buys it by the cheaper name has it by all.
func checkPrices(gate Outline, rules []Outlined, paths []string) error {
	sold := make(map[string]*Rule)
	for _, path := range paths {
		rule := decider(rules, path)
		if rule == nil || rule.Free || !gate.Perhaps(path) {
			continue
		}
		resource := rule.resource(path)
		other := sold[resource]
		if other == nil {
			sold[resource] = rule
			continue
		}
		if other == rule || other.Price == rule.Price && other.Access == rule.Access {
			continue
		}
		name := strings.ReplaceAll(resource, anyName, "…")
		return rule.blame(fmt.Errorf("two prices for one resource: %s costs %s here and %s elsewhere%s, and whoever pays the lower one has it whole; give both lines one price, or write free or another per",
			name, rule.Price, other.Price, at(other.Source)))
	}
	return nil
}

// decider is the rule that decides about a path in every request, nil where that
// depends on more than the path.
func decider(rules []Outlined, path string) *Rule {
	for i := range rules {
		if rules[i].Outline.Surely(path) {
			return rules[i].Rule
		}
		if rules[i].Outline.Perhaps(path) {
			return nil
		}
	}
	return nil
}

// allFolders reports whether all patterns end in a slash.
func allFolders(patterns []string) bool {
	return !slices.ContainsFunc(patterns, func(pattern string) bool { return !strings.HasSuffix(pattern, "/") })
}
