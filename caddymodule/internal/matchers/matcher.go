package matchers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/paywall/pricing"
)

// The gate asks its matchers about the canonical path and about every other way
// in which a site may read the client's spelling. Plain path patterns, which
// most configs consist of, are matched by the library without a request; the
// rest by Caddy's own modules on a copy of the request that has the path.

// Anything matches all requests.
type Anything struct{}

// Match implements [pricing.Matcher].
func (Anything) Match(*http.Request, string) bool { return true }

// anyOf matches what one of its members matches; allOf what all of them match.
type (
	anyOf  []pricing.Matcher
	allOf  []pricing.Matcher
	except struct{ pricing.Matcher }
)

func (m anyOf) Match(r *http.Request, path string) bool {
	for _, member := range m {
		if member.Match(r, path) {
			return true
		}
	}
	return false
}

func (m allOf) Match(r *http.Request, path string) bool {
	for _, member := range m {
		if !member.Match(r, path) {
			return false
		}
	}
	return true
}

func (m except) Match(r *http.Request, path string) bool { return !m.Matcher.Match(r, path) }

func (m anyOf) QueryKeys() ([]string, bool)  { return queryKeys(m) }
func (m allOf) QueryKeys() ([]string, bool)  { return queryKeys(m) }
func (m except) QueryKeys() ([]string, bool) { return queryKeys([]pricing.Matcher{m.Matcher}) }

// queryKeys are the parameters that any of the matchers looks for.
func queryKeys(members []pricing.Matcher) (keys []string, ok bool) {
	for _, member := range members {
		if m, is := member.(pricing.QueryMatcher); is {
			found, looks := m.QueryKeys()
			keys, ok = append(keys, found...), ok || looks
		}
	}
	return keys, ok
}

// allowed are Caddy's matchers that look at a request's path in its URL only, or
// not at all. Others are refused: one that reads the path elsewhere, as "vars
// {path}" does, would never see the readings it is asked about.
var allowed = map[string]bool{
	"path": true, "path_regexp": true, "not": true, "expression": true, "host": true, "method": true, "header": true,
	"header_regexp": true, "query": true, "protocol": true, "remote_ip": true, "client_ip": true, "tls": true,
}

// placeholder is a placeholder that is resolved for each request.
var placeholder = regexp.MustCompile(`\{(http|path|uri|query|dir|file|host|hostport|port|method|re|vars|rp|err)\b[^{}"]*\}`)

// Check refuses matchers that would not see every reading of a path.
func Check(sets caddyhttp.RawMatcherSets) error {
	for _, set := range sets {
		for name, raw := range set {
			if !allowed[name] {
				return fmt.Errorf("the matcher %s does not see every spelling of a path; write it with path or path_regexp", name)
			}
			if name == "not" {
				var inner caddyhttp.RawMatcherSets
				if err := json.Unmarshal(raw, &inner); err != nil {
					return fmt.Errorf("reading the matcher not: %w", err)
				}
				if err := Check(inner); err != nil {
					return err
				}
				continue
			}
			if name == "expression" {
				if err := checkExpression(raw); err != nil {
					return err
				}
			}
			if found := placeholder.Find(raw); found != nil {
				return fmt.Errorf("%s in the matcher %s does not see every spelling of a path; write it with path or path_regexp", found, name)
			}
		}
	}
	return nil
}

// caddyMatcher asks one of Caddy's matcher modules. onError is its answer when
// the module fails: whatever keeps the door shut.
type caddyMatcher struct {
	module  any
	onError bool
}

// Match also asks about a path without its trailing slash, which is the same
// resource: "^/a/\w+$" is for "/a/x/" too.
func (m caddyMatcher) Match(r *http.Request, path string) bool {
	if m.matches(r, path) {
		return true
	}
	trimmed := strings.TrimSuffix(path, "/")
	return trimmed != path && trimmed != "" && m.matches(r, trimmed)
}

// QueryKeys are what Caddy's matcher query looks for, alone or in an expression:
// there, whatever stands in quotes may be a parameter.
func (m caddyMatcher) QueryKeys() (keys []string, ok bool) {
	switch module := m.module.(type) {
	case *caddyhttp.MatchQuery:
		for key := range *module {
			keys = append(keys, caddy.NewReplacer().ReplaceAll(key, ""))
		}
		return keys, true
	case *caddyhttp.MatchExpression:
		if !celQuery.MatchString(module.Expr) {
			return nil, false
		}
		for _, quoted := range celText.FindAllString(module.Expr, -1) {
			keys = append(keys, quoted[1:len(quoted)-1])
		}
		return keys, true
	}
	return nil, false
}

var celQuery = regexp.MustCompile(`\bquery\s*\(`)

func (m caddyMatcher) matches(r *http.Request, path string) bool {
	url := *r.URL
	url.Path, url.RawPath = path, ""
	reading := *r
	reading.URL = &url
	switch module := m.module.(type) {
	case caddyhttp.RequestMatcherWithError:
		ok, err := module.MatchWithError(&reading)
		if err != nil {
			return m.onError
		}
		return ok
	case caddyhttp.RequestMatcher: //nolint:staticcheck // third-party matchers still implement only this
		return module.Match(&reading)
	}
	return m.onError
}

// New adapts provisioned matcher sets: OR of ANDs, nil for none. onError
// is what a matcher module that fails is taken to say.
func New(sets caddyhttp.MatcherSets, onError bool) pricing.Matcher {
	if len(sets) == 0 {
		return nil
	}
	union := make(anyOf, 0, len(sets))
	for _, set := range sets {
		all := make(allOf, 0, len(set))
		for _, module := range set {
			all = append(all, newModuleMatcher(module, onError))
		}
		if len(all) == 1 {
			union = append(union, all[0])
			continue
		}
		union = append(union, all)
	}
	if len(union) == 1 {
		return union[0]
	}
	return union
}

func newModuleMatcher(module any, onError bool) pricing.Matcher {
	switch m := module.(type) {
	case *caddyhttp.MatchPath:
		if patterns, ok := plainPatterns(*m); ok {
			return patterns
		}
	case *caddyhttp.MatchPathRE:
		return caddyMatcher{module: ignoringCase(m), onError: onError}
	case *caddyhttp.MatchNot:
		return except{New(caddyhttp.MatcherSets(m.MatcherSets), !onError)}
	}
	return caddyMatcher{module: module, onError: onError}
}

// ignoringCase is a regular expression that does not tell capitals from small
// letters, as path patterns do not: many sites read "/articles/x" as "/Articles/x".
func ignoringCase(m *caddyhttp.MatchPathRE) *caddyhttp.MatchPathRE {
	folded := &caddyhttp.MatchPathRE{MatchRegexp: caddyhttp.MatchRegexp{Name: m.Name, Pattern: "(?i)" + m.Pattern}}
	if folded.Provision(caddy.Context{}) != nil {
		return m // the original was compiled, so this is, too
	}
	return folded
}

// plainPatterns are the patterns without placeholders and escapes, which only
// Caddy's own matcher knows how to read.
func plainPatterns(m caddyhttp.MatchPath) (pricing.Paths, bool) {
	for _, pattern := range m {
		for _, c := range pattern {
			if c == '{' || c == '%' {
				return nil, false
			}
		}
	}
	return pricing.Paths(m), true
}
