package routes

import (
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
)

// Directives before the gate that answer by the address of a request would answer
// for the purchase pages too, and nobody could buy: a try_files that ends in "=404", a
// redirect to an address with a slash, 405 for POST, 403 for files with a dot. What
// they say about the site's own pages is not meant for these, so they are left out.
// Whatever decides by who asks (basic_auth, forward_auth, an address, a header) guards
// the purchase pages as it guards the site.

// makeWay leaves the purchase pages out of a route before the gate, where it answers
// by the address alone.
func (w *walker) makeWay(b *branch) {
	if w.carried {
		return
	}
	ends := w.mayEnd(b.handlers)
	for i, set := range b.route.MatcherSets {
		if w.site.joins(set) {
			continue
		}
		place, fails := byAddress(set)
		switch {
		case !place || w.guards(b.handlers):
		case fails: // before anything else is asked
			b.route.MatcherSets[i] = append(caddyhttp.MatcherSet{&elsewhere{[]*Site{w.site}}}, set...)
		case ends:
			b.route.MatcherSets[i] = append(slices.Clip(set), &elsewhere{[]*Site{w.site}})
		}
	}
}

// carries reports whether a route rewrites an address by who asks: what answers by the
// address after it may be meant for whoever was turned away.
func carries(b *branch) bool {
	further := slices.ContainsFunc(b.route.MatcherSets, looksFurther)
	return slices.ContainsFunc(b.handlers, func(h handler) bool {
		inside := slices.ContainsFunc(h.routes, func(inner branch) bool { return carries(&inner) })
		return inside || h.rewrite != nil && h.name == "rewrite" && (further || otherPlaceholder.MatchString(ownAddress.ReplaceAllString(h.rewrite.URI, "")))
	})
}

var (
	ownAddress       = regexp.MustCompile(`\{http\.(?:request\.(?:orig_)?uri|matchers\.file)[^{}]*\}`)
	otherPlaceholder = regexp.MustCompile(`\{[^{}]*\}`)
)

// joins adds the site to those that a matcher set leaves alone already.
func (s *Site) joins(set caddyhttp.MatcherSet) bool {
	for _, matcher := range set {
		if m, ok := matcher.(*elsewhere); ok {
			m.sites = append(m.sites, s)
			return true
		}
	}
	return false
}

// passing are the handlers that let everybody in, or nobody.
var passing = map[string]bool{
	"static_response": true, "error": true, "subroute": true, "rewrite": true, "headers": true, "vars": true, "map": true,
	"log_append": true, "encode": true, "request_body": true, "tracing": true,
}

// guards reports whether handlers may decide who gets in.
func (w *walker) guards(handlers []handler) bool {
	return slices.ContainsFunc(handlers, func(h handler) bool {
		if h.invokes != "" {
			guarded := true
			_ = w.invoke(h.invokes, func(b *branch) error { guarded = w.guards(b.handlers); return nil })
			return guarded
		}
		return !passing[h.name] || slices.ContainsFunc(h.routes, func(b branch) bool {
			return len(b.route.MatcherSetsRaw) > 0 || slices.ContainsFunc(b.route.MatcherSets, looksFurther) || w.guards(b.handlers)
		})
	})
}

func looksFurther(set caddyhttp.MatcherSet) bool {
	return slices.ContainsFunc(set, func(matcher any) bool { _, other := looksAt(matcher); return other })
}

// byAddress reports whether a matcher set decides by the address of a request and by
// nothing else, and whether it ends the request itself, as "=404" does.
func byAddress(set caddyhttp.MatcherSet) (place, fails bool) {
	for _, matcher := range set {
		at, other := looksAt(matcher)
		if other {
			return false, false
		}
		place = place || at
		if file, ok := matcher.(*fileserver.MatchFile); ok {
			fails = fails || slices.ContainsFunc(file.TryFiles, func(file string) bool { return strings.HasPrefix(file, "=") })
		}
	}
	return place, fails
}

// prefix is that of the purchase pages. A matcher that names it is meant for them.
const prefix = "/.paywall"

// looksAt reports whether a matcher looks at path or method of a request, and
// whether it looks at anything else but the host.
func looksAt(matcher any) (place, other bool) {
	switch m := matcher.(type) {
	case *elsewhere, *caddyhttp.MatchHost, caddyhttp.MatchHost:
		return false, false
	case *caddyhttp.MatchMethod:
		return true, false
	case *caddyhttp.MatchPath:
		all := slices.Contains(*m, "*") || slices.Contains(*m, "/*")
		return !all, slices.ContainsFunc(*m, func(pattern string) bool { return strings.Contains(pattern, "{") || strings.HasPrefix(pattern, prefix) })
	case *caddyhttp.MatchPathRE:
		return true, strings.Contains(m.Pattern, "paywall")
	case *fileserver.MatchFile:
		named := slices.ContainsFunc(m.TryFiles, func(file string) bool { return strings.Contains(file, "{http.request.uri") })
		return named, !named
	case *caddyhttp.MatchExpression:
		place = looksAtPlace(m.Expr)
		return place, !place
	case *caddyhttp.MatchNot:
		for _, set := range m.MatcherSets {
			for _, inner := range set {
				at, further := looksAt(inner)
				place, other = place || at, other || further
			}
		}
		return place, other
	}
	return false, true
}

var (
	celText = regexp.MustCompile(`'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"` + "|`[^`]*`")
	celCall = regexp.MustCompile(`\w+\s*\(`)
	// celPlace are what an expression may ask of the address, and celHelp what it may do with that.
	celPlace = regexp.MustCompile(`^(?:path|path_regexp|method)\s*\($|^\{http\.request\.(?:method|(?:orig_)?uri\.path(?:\.file|\.dir)?)\}$`)
	celHelp  = regexp.MustCompile(`^(?:startsWith|endsWith|contains|matches|size)\s*\($`)
	celHole  = regexp.MustCompile(`\{[^{}]*\}`)
)

// looksAtPlace reports whether an expression looks at path and method alone.
func looksAtPlace(expression string) bool {
	if strings.Contains(expression, "paywall") {
		return false
	}
	words := celCall.FindAllString(celText.ReplaceAllString(expression, `''`), -1)
	words = append(words, celHole.FindAllString(expression, -1)...)
	words = slices.DeleteFunc(words, celHelp.MatchString)
	return len(words) > 0 && !slices.ContainsFunc(words, func(word string) bool { return !celPlace.MatchString(word) })
}

// elsewhere matches what is not for the purchase pages of its sites.
type elsewhere struct{ sites []*Site }

// MatchWithError implements [caddyhttp.RequestMatcherWithError].
func (m *elsewhere) MatchWithError(r *http.Request) (bool, error) {
	target := r.RequestURI
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		target = original.RequestURI // which the gate goes by
	}
	if !isShop(target) {
		return true, nil
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	host = strings.ToLower(host)
	return !slices.ContainsFunc(m.sites, func(s *Site) bool { return s.Serves(host) }), nil
}

// isShop reports whether a target is a purchase page in a spelling that everybody reads
// in one way: what is let past other directives must not turn into another file.
func isShop(target string) bool {
	path, _, _ := strings.Cut(target, "?")
	rest, ok := strings.CutPrefix(path, prefix)
	if !ok || rest != "" && rest[0] != '/' || strings.Contains(rest, "..") || strings.Contains(rest, "//") {
		return false
	}
	return !strings.ContainsFunc(rest, func(c rune) bool {
		return (c < 'a' || 'z' < c) && (c < 'A' || 'Z' < c) && (c < '0' || '9' < c) && !strings.ContainsRune("/._-", c)
	})
}

// Interface guard
var _ caddyhttp.RequestMatcherWithError = (*elsewhere)(nil)
