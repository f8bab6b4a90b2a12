package matchers

import (
	"encoding/json"
	"path"
	"regexp/syntax"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Pattern is a path pattern or a regular expression of a matcher, and a path that it
// may match.
type Pattern struct {
	Text, Page string
	Regexp     bool
}

// Patterns are those in some matchers that do not name a page or a section outright.
func Patterns(sets caddyhttp.RawMatcherSets) (found []Pattern) {
	for _, set := range sets {
		var paths caddyhttp.MatchPath
		_ = json.Unmarshal(set["path"], &paths) // what cannot be read is refused by Caddy
		for _, pattern := range paths {
			if strings.Contains(strings.TrimSuffix(pattern, "/*"), "*") {
				found = append(found, Pattern{Text: pattern, Page: samplePath(pattern)})
			}
		}
		var expression caddyhttp.MatchPathRE
		_ = json.Unmarshal(set["path_regexp"], &expression)
		if parsed, err := syntax.Parse(expression.Pattern, syntax.Perl); err == nil && expression.Pattern != "" {
			page := "/" + strings.TrimPrefix(sample(parsed), "/")
			found = append(found, Pattern{Text: expression.Pattern, Page: page, Regexp: true})
		}
	}
	return found
}

// samplePath is a path below some folder that a path pattern may match.
func samplePath(pattern string) string {
	if rest, ok := strings.CutPrefix(pattern, "*"); ok {
		pattern = "/a/a" + rest
	}
	return path.Clean("/" + strings.ReplaceAll(pattern, "*", "a"))
}

// sample is a short text that a regular expression matches, at least if it asks for
// nothing across its parts.
func sample(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		for _, c := range "a0-" {
			for i := 0; i < len(re.Rune); i += 2 {
				if re.Rune[i] <= c && c <= re.Rune[i+1] {
					return string(c)
				}
			}
		}
		return string(re.Rune[:min(1, len(re.Rune))])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "a"
	case syntax.OpCapture, syntax.OpPlus, syntax.OpStar, syntax.OpAlternate:
		return sample(re.Sub[0])
	case syntax.OpRepeat:
		return strings.Repeat(sample(re.Sub[0]), re.Min)
	case syntax.OpConcat:
		var text strings.Builder
		for _, sub := range re.Sub {
			text.WriteString(sample(sub))
		}
		return text.String()
	}
	return ""
}
