package caddymodule

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/paywall/pricing"
)

// A pattern may price a page under one of its names and leave another out, at which
// the site delivers it for nothing. What that shows at load is told in the log.

// priced is a pattern of a matcher, where it stands, and a path that it may be for.
type priced struct {
	source, pattern, page string
	regexp                bool
}

// pricedPatterns are those in the matchers of the directive and of its rules.
func (h *Handler) pricedPatterns() (found []priced) {
	add := func(source string, sets caddyhttp.RawMatcherSets) {
		for _, set := range sets {
			var paths caddyhttp.MatchPath
			_ = json.Unmarshal(set["path"], &paths) // what cannot be read is refused by Caddy
			for _, pattern := range paths {
				if strings.Contains(strings.TrimSuffix(pattern, "/*"), "*") {
					found = append(found, priced{source: source, pattern: pattern, page: samplePath(pattern)})
				}
			}
			var expression caddyhttp.MatchPathRE
			_ = json.Unmarshal(set["path_regexp"], &expression)
			if parsed, err := syntax.Parse(expression.Pattern, syntax.Perl); err == nil && expression.Pattern != "" {
				page := "/" + strings.TrimPrefix(sample(parsed), "/")
				found = append(found, priced{source, expression.Pattern, page, true})
			}
		}
	}
	add(h.Source, h.MatcherSetsRaw)
	for i := range h.Rules {
		add(h.Rules[i].Source, h.Rules[i].MatcherSetsRaw)
	}
	return found
}

// warnNames tells of pages that have a price under one name and none under another.
func (h *Handler) warnNames(patterns []priced) {
	for _, p := range patterns {
		if p.regexp && strings.HasSuffix(p.pattern, "$") {
			h.warnEnded(p)
		}
		folder := p.page[:strings.LastIndexByte(p.page, '/')+1]
		if index := folder + "index.html"; h.sold(index) && !h.sold(folder) {
			h.logger.Warn("a pattern prices the index page of a folder and not the folder, where a file server delivers that page for nothing; write the folder beside it, such as: path /posts/*.html /posts, or the whole section: /posts/*",
				slog.String("at", p.source), slog.String("pattern", p.pattern), slog.String("priced", index), slog.String("free", folder))
		}
	}
}

// ending finds a dot that a regular expression names: who names endings knows of them.
var ending = regexp.MustCompile(`\\\.|\[\.\]`)

// warnEnded tells of pages that have a price at their name and none at "/node/7.json",
// where many sites deliver them too.
func (h *Handler) warnEnded(p priced) {
	if ending.MatchString(p.pattern) || !h.sold(p.page) || h.sold(p.page+".json") {
		return
	}
	open := strings.TrimSuffix(p.pattern, "$")
	h.logger.Warn("a path_regexp ends with the name of a page, and what the site delivers behind that name, such as JSON, costs nothing; write it without the $ at its end, or with endings",
		slog.String("at", p.source), slog.String("pattern", p.pattern), slog.String("free", p.page+".json"),
		slog.Any("write", []string{open, open + "(?:[./].*)?$"}))
}

// sold reports whether a path has a price for a request from nobody.
func (h *Handler) sold(name string) bool {
	r, err := http.NewRequest(http.MethodGet, (&url.URL{Path: name}).EscapedPath(), nil)
	if err != nil {
		return false
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, new(caddyhttp.Server))
	status, _ := h.table.Lookup(r, name)
	return status == pricing.Priced || status == pricing.Misconfigured
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
