package target

import (
	"slices"
	"strings"

	"github.com/tuppence/tuppence/paywall"
)

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

	// Canonical says that the raw path is spelled as [paywall.EscapePath] spells
	// Path, but for the case of hex digits: sites insist on either.
	Canonical bool

	// Ambiguous says that the target holds something that sites are known to
	// read in two ways: it must not be served once any reading has a price.
	Ambiguous bool

	raw   string // the path as it was sent
	query string // raw, with its "?"
}

// Query is the target's query as it was sent, without its "?".
func (t *Target) Query() string { return strings.TrimPrefix(t.query, "?") }

// QueryReadings are the queries that sites of several languages make of the
// target's, as far as it matters to somebody who looks for these keys. Each is
// spelled so that [net/url.ParseQuery] finds the values that such a site finds; one
// parameter stands for all with other keys. Go's own reading comes first. None for a
// query that everybody reads as it stands. [paywall.CodeMalformed] when it can be
// read in more ways than are worth counting.
func (t *Target) QueryReadings(keys []string) ([]string, error) {
	query := t.Query()
	if query == "" || plainQuery(query, keys) {
		return nil, nil
	}
	readings, ok := readQuery(query, keys)
	if !ok {
		return nil, paywall.Errorf(paywall.CodeMalformed, "the query of the address can be read in too many ways")
	}
	var spelled []string
	size := 0
	for _, reading := range readings {
		text := reading.values.Encode()
		if !slices.Contains(spelled, text) {
			spelled = append(spelled, text)
			size += len(text)
		}
	}
	if len(spelled) > 1 && size > maxReadingBytes {
		return nil, paywall.Errorf(paywall.CodeMalformed, "the query of the address can be read in too many ways")
	}
	return spelled, nil
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
	return paywall.EscapePath(t.Path)
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
