package caddymodule

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/paywall/pricing"
)

// ended is a regular expression of a matcher, and where that stands.
type ended struct{ source, pattern string }

// endings finds a dot that a regular expression names.
var endings = regexp.MustCompile(`\\\.|\[\.\]`)

// endedPatterns are the regular expressions that end what they match, in the matchers
// of the directive and of its prices. One that names endings knows of them.
func (h *Handler) endedPatterns() (found []ended) {
	add := func(source string, sets caddyhttp.RawMatcherSets) {
		for _, set := range sets {
			var m caddyhttp.MatchPathRE
			if json.Unmarshal(set["path_regexp"], &m) == nil && strings.HasSuffix(m.Pattern, "$") && !endings.MatchString(m.Pattern) {
				found = append(found, ended{source, m.Pattern})
			}
		}
	}
	add(h.Source, h.MatcherSetsRaw)
	for i := range h.Rules {
		add(h.Rules[i].Source, h.Rules[i].MatcherSetsRaw)
	}
	return found
}

// warnEnded tells of pages that have a price at their name and none at "/node/7.json",
// where many sites deliver them too.
func (h *Handler) warnEnded(patterns []ended) {
	for _, p := range patterns {
		parsed, err := syntax.Parse(p.pattern, syntax.Perl)
		if err != nil {
			continue // it was compiled, so this does not happen
		}
		page := "/" + strings.TrimPrefix(sample(parsed), "/")
		if !h.sold(page) || h.sold(page+".json") {
			continue
		}
		open := strings.TrimSuffix(p.pattern, "$")
		h.logger.Warn("a path_regexp ends with the name of a page, and what the site delivers behind that name, such as JSON, costs nothing; write it without the $ at its end, or with endings",
			slog.String("at", p.source), slog.String("path_regexp", p.pattern), slog.String("free", page+".json"),
			slog.Any("write", []string{open, open + "(?:[./].*)?$"}))
	}
}

// sold reports whether a path has a price for a request from nobody.
func (h *Handler) sold(path string) bool {
	r, err := http.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return false
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, new(caddyhttp.Server))
	status, _ := h.table.Lookup(r, path)
	return status == pricing.Priced || status == pricing.Misconfigured
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
		return string(re.Rune[:1])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "a"
	case syntax.OpCapture, syntax.OpPlus, syntax.OpAlternate:
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
