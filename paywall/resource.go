package paywall

import "strings"

// maxTarget bounds a request target in bytes. Longer ones name no article, and
// reading one in every lenient way costs time.
const maxTarget = 8 << 10

// Canonicalizer turns raw request targets into resources. One result serves for
// the price, the token, the cookie's path and what the site gets: gates that
// matched one string and forwarded another were all bypassed (CVE-2019-9901,
// CVE-2021-29492). The zero value refuses everything that is not ASCII.
type Canonicalizer struct {
	// NFC and NFKC are norm.NFC.String and norm.NFKC.String of
	// golang.org/x/text, both or neither; this package has the standard library only.
	NFC, NFKC func(string) string

	// QueryKeys are the keys of the query that belong to a resource's name
	// ("p" on sites that call their articles "/?p=123"). Others do not.
	QueryKeys []string
}

// Target is a request target, read.
type Target struct {
	// Resource is the canonical identity: decoded once, NFC, dot segments
	// resolved, no trailing slash (but "/"), and "?k=v" of the named query keys.
	Resource string

	// Path is the canonical decoded path, its trailing slash as sent.
	Path string

	// Readings are the other paths that a lenient site may see in the raw
	// target. Path is not repeated. None for an ordinary lower-case target.
	Readings []string

	// Canonical says that the raw path is spelled as [EscapePath] spells Path, but
	// for the case of hex digits: sites insist on either.
	Canonical bool

	// Ambiguous says that the target holds something that sites are known to
	// read in two ways: it must not be served once any reading has a price.
	Ambiguous bool

	raw   string // the path as it was sent
	query string // raw, with its "?"
}

// Parse reads a request target: the path and query of origin-form, or an http
// URL (absolute-form, RFC 9112 3.2.2), of which it takes path and query.
// [CodeMalformed] for anything else, for a "#", which no target has (RFC 9112
// 3.2; sites cut there, or do not), for bad escapes in the path, for control
// characters that are not escaped, for what is longer than 8 KB, or than
// 2 KB where it can be read in more than one way, and for what can be read in more ways
// than are worth counting.
func (c *Canonicalizer) Parse(target string) (Target, error) {
	if len(target) > maxTarget {
		return Target{}, Errorf(CodeMalformed, "the address is longer than %d bytes", maxTarget)
	}
	if target == "" || target[0] != '/' {
		var ok bool
		if target, ok = originForm(target); !ok {
			return Target{}, Errorf(CodeMalformed, "the address is not a path")
		}
	}
	if strings.Contains(target, "#") {
		return Target{}, Errorf(CodeMalformed, "the address holds a fragment")
	}
	end, shape := scanPath(target)
	path, query := target[:end], target[end:]
	t := Target{Path: path, Canonical: true, raw: path, query: query}
	if shape != plain {
		if err := c.read(&t, path, shape); err != nil {
			return Target{}, err
		}
	}
	t.Resource = t.Path
	if n := len(t.Path) - 1; n > 0 && t.Path[n] == '/' {
		t.Resource = t.Path[:n]
	}
	for i := range len(query) {
		if query[i] < ' ' || query[i] == 0x7f {
			return Target{}, Errorf(CodeMalformed, "the address holds a control character")
		}
	}
	if len(query) > 1 && len(c.QueryKeys) > 0 {
		suffix, sure := c.identify(query[1:])
		t.Resource += suffix
		t.Ambiguous = t.Ambiguous || !sure
	}
	return t, nil
}

// Location is the canonical spelling of the target, fit for a Location header:
// it starts with one slash and never with two.
func (t *Target) Location() string { return t.spelling() + t.query }

// Bare is the canonical spelling of what the resource's name alone asks for:
// the path, and of the query what belongs to the name.
func (t *Target) Bare() string {
	named := len(t.Path)
	if named > 1 && t.Path[named-1] == '/' {
		named--
	}
	return t.spelling() + t.Resource[named:]
}

// spelling is the path as it was sent where that is canonical: browsers send a
// cookie back to the spelling that they know, byte by byte.
func (t *Target) spelling() string {
	if t.Canonical {
		return t.raw
	}
	return EscapePath(t.Path)
}

// Reserved reports whether the target, in any reading, lies under "/.paywall".
func (t *Target) Reserved() bool {
	if reserved(t.Path) {
		return true
	}
	for _, reading := range t.Readings {
		if reserved(reading) {
			return true
		}
	}
	return false
}

func reserved(path string) bool {
	const prefix = "/.paywall"
	return len(path) >= len(prefix) && strings.EqualFold(path[:len(prefix)], prefix) &&
		(len(path) == len(prefix) || path[len(prefix)] == '/')
}

// originForm takes path and query out of an http URL. The host is for the
// caller to judge. It must end at the same place for everybody: one with a
// backslash does not (WHATWG URL, 4.4), nor one before a query with a slash, for
// those who look for the first slash.
func originForm(target string) (string, bool) {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	if end == 0 || strings.Contains(rest[:end], `\`) {
		return "", false
	}
	if strings.HasPrefix(rest[end:], "/") {
		return rest[end:], true
	}
	return "/" + rest[end:], !strings.Contains(rest[end:], "/")
}

// shape says how much there is to read in a path.
type shape int

const (
	plain   shape = iota // lower-case ASCII that every site reads in one way: its own canonical form
	settled              // the same, but for capitals and letters beyond ASCII
	loose                // anything else
)

// scanPath finds the end of the path and its shape.
func scanPath(target string) (end int, s shape) {
	lastDot := 0
	for end < len(target) && target[end] != '?' {
		switch classes[target[end]] {
		case letter:
			s = max(s, settled)
		case loosening:
			s = loose
		case dot:
			lastDot = end
		case structural:
			if hides(target, end, lastDot) {
				s = loose
			}
		}
		end++
	}
	if end > 0 && target[end-1] == '.' {
		s = loose
	}
	return end, s
}

// hides reports whether the "/", "$" or "(" at a place makes a structure that
// sites resolve in more ways than one: an empty segment, one that ends in a dot, a
// script with a path of its own, an NTFS stream, a session in parentheses. dot is
// the place of the last one before it, 0 for none.
func hides(path string, at, dot int) bool {
	if at == 0 {
		return false
	}
	last := path[at-1]
	switch path[at] {
	case '$':
		return last == ':'
	case '(':
		return at >= 3 && path[at-2] == '(' && path[at-3] == '/'
	}
	return last == '/' || last == '.' || dot > 0 && at-dot-1 <= maxScriptExtension && isScriptExtension(path[dot+1:at])
}

// FoldResource is the name by which what a wallet bought is told apart: a resource
// with the capitals of its path in small letters. Many sites deliver one page at
// "/articles/p1" and "/Articles/P1", and whoever owns it must not be charged again
// for a link in capitals. The query keeps its letters: "?v=aB" is often an id.
func FoldResource(resource string) string {
	path, _, _ := strings.Cut(resource, "?")
	return strings.ToLower(path) + resource[len(path):]
}
