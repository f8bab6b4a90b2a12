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

// Match reports whether the path fits a pattern. It does not allocate for
// lower-case ASCII.
func (p Paths) Match(_ *http.Request, path string) bool {
	path = strings.ToLower(path)
	bare := dropSlash(path)
	for _, pattern := range p {
		pattern = strings.ToLower(pattern)
		if fits(pattern, path) || len(bare) != len(path) && fits(pattern, bare) {
			return true
		}
	}
	return false
}

func fits(pattern, name string) bool {
	first, last := strings.HasPrefix(pattern, "*"), strings.HasSuffix(pattern, "*")
	switch stars := strings.Count(pattern, "*"); {
	case pattern == "*":
		return true
	case stars == 0 && pageOf(dropSlash(pattern)) == pageOf(name):
		return true
	case stars == 2 && first && last:
		return strings.Contains(name, pattern[1:len(pattern)-1])
	case stars == 1 && first:
		return strings.HasSuffix(name, pattern[1:])
	case stars == 1 && last:
		return strings.HasPrefix(name, pattern[:len(pattern)-1])
	}
	matched, err := path.Match(pattern, name)
	return err == nil && matched
}

// dropSlash is the path without its trailing slash; the root stays.
func dropSlash(path string) string {
	if n := len(path) - 1; n > 0 && path[n] == '/' {
		return path[:n]
	}
	return path
}
