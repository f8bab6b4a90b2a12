package target

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
)

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

// class says what a byte of a path needs.
type class uint8

const (
	loosening  class = iota // to be escaped, or an escape
	letter                  // a capital, or part of a letter beyond ASCII: may have another case or form
	structural              // "/", "$" and "(": depends on what stands before
	dot                     // ".": what stands before the next "/" may be a script
	ordinary                // nothing
)

var classes = func() (t [256]class) {
	for b := range t {
		switch {
		case b >= utf8.RuneSelf || 'A' <= b && b <= 'Z':
			t[b] = letter
		case b == '/' || b == '$' || b == '(':
			t[b] = structural
		case b == '.':
			t[b] = dot
		case paywall.EscapePath(string([]byte{byte(b)})) == string([]byte{byte(b)}):
			t[b] = ordinary
		}
	}
	return t
}()

// isSettled reports whether the steps would find nothing to do, so that names in
// any alphabet cost little more than those in ASCII. Such a path is its own only
// reading but for case.
func isSettled(decoded string, nfkc func(string) string) bool {
	if end, shape := scanPath(decoded); end < len(decoded) || shape == loose {
		return false
	}
	return isASCII(decoded) || nfkc(decoded) == decoded &&
		!strings.ContainsFunc(decoded, func(r rune) bool { return unicode.IsSpace(r) || isIgnorable(r) })
}
