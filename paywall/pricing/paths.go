package pricing

import (
	"net/http"
	"path"
	"strings"
)

// Matcher decides whether something is meant for a path: one reading of a
// request's target, decoded. r is the request as it came, for everything else.
//
// Paths that differ in case only must be matched alike, and what matches "/a"
// must match "/a/", because both spell one resource. (Not the other way round:
// "/a/*" does not match "/a".)
type Matcher interface {
	Match(r *http.Request, path string) bool
}

// QueryMatcher is a Matcher that looks at the query of the request, too. It is
// asked about every reading of it, in the request's URL.
type QueryMatcher interface {
	Matcher
	// QueryKeys are the parameters that it looks for. ok is false when it looks at
	// none, nor at whether there are any.
	QueryKeys() (keys []string, ok bool)
}

// Paths matches a path that fits one of its patterns, which mean what they mean
// to Caddy's path matcher: exact ("/a"), prefix ("/a/*"), suffix ("*.pdf"),
// substring ("*/draft*"), "*" for everything, and else a glob of [path.Match]
// ("/a/*/b"). Case does not matter. "/a/*" does not match "/a".
//
// Two things differ: a trailing slash of the path, or of an exact pattern, does
// not keep them apart, nor does another name of the same page: "/a" is "/a.html"
// and "/a/index.html".
type Paths []string

// Match reports whether the path fits a pattern. A table asks the patterns in the
// form of [prepared] instead, which is quicker.
func (p Paths) Match(_ *http.Request, path string) bool {
	for _, text := range p {
		if prepared := newPattern(strings.ToLower(text)); prepared.match(strings.ToLower(path)) {
			return true
		}
	}
	return false
}

// prepared are patterns that were looked at once, when their table was made.
type prepared struct {
	Paths    // as they were written
	patterns []pattern
}

// Match does not allocate for a path in lower-case ASCII.
func (p *prepared) Match(_ *http.Request, path string) bool {
	path = strings.ToLower(path)
	for i := range p.patterns {
		if p.patterns[i].match(path) {
			return true
		}
	}
	return false
}

// pattern is a path pattern in lower case.
type pattern struct {
	kind kind
	text string // without the stars at its ends, unless it is a glob; an exact one is a page's first name
}

// kind is the form of a pattern of [Paths].
type kind int

const (
	exact kind = iota
	prefix
	suffix
	substring
	glob // of path.Match
)

func newPattern(text string) pattern {
	first, last := strings.HasPrefix(text, "*"), strings.HasSuffix(text, "*")
	switch stars := strings.Count(text, "*"); {
	case stars == 0 && !strings.ContainsAny(text, `?[\`):
		return pattern{exact, pageOf(dropSlash(text))}
	case stars == 1 && last: // "*" is the prefix of everything
		return pattern{prefix, text[:len(text)-1]}
	case stars == 1 && first:
		return pattern{suffix, text[1:]}
	case stars == 2 && first && last:
		return pattern{substring, text[1 : len(text)-1]}
	}
	return pattern{glob, text}
}

// match asks about a path in lower case, with its trailing slash and without.
func (p *pattern) match(name string) bool {
	if p.fits(name) {
		return true
	}
	bare := dropSlash(name)
	return len(bare) != len(name) && p.fits(bare)
}

func (p *pattern) fits(name string) bool {
	switch p.kind {
	case exact:
		return strings.HasPrefix(name, p.text) && pageOf(name) == p.text
	case prefix:
		return strings.HasPrefix(name, p.text)
	case suffix:
		return strings.HasSuffix(name, p.text)
	case substring:
		return strings.Contains(name, p.text)
	}
	matched, err := path.Match(p.text, name)
	return err == nil && (matched || pageOf(dropSlash(p.text)) == pageOf(name))
}

// dropSlash is the path without its trailing slash; the root stays.
func dropSlash(path string) string {
	if n := len(path) - 1; n > 0 && path[n] == '/' {
		return path[:n]
	}
	return path
}
