package target

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds on the spellings of one target that are followed: on the length of a path
// that has more than one, and on the spellings, in number and in bytes together.
// Ordinary targets have a handful; of 50,000 targets stacked from tricks, 15 had
// more than 64. The bytes bound the time: 8 KB of tricks took 27 ms without.
const (
	maxSpelled      = 2 << 10
	maxReadings     = 64
	maxReadingBytes = 128 << 10
)

// ambiguous reports whether a raw path, and its decoded NFC form, hold what
// sites are known to read in two ways wherever it stands.
func ambiguous(raw, decoded string) bool {
	if strings.ContainsAny(decoded, `\;?`) || indexFold(raw, "%2f") >= 0 || strings.Contains(decoded, ":$") ||
		dropCookieless(decoded) != decoded ||
		unescapeWide(unescapeLenient(decoded)) != decoded {
		return true
	}
	if strings.Contains(decoded, "#") && climbs(decoded) {
		return true // a site that cuts there never sees the dots after it
	}
	for segment := range strings.SplitSeq(decoded, "/") {
		if !isDots(segment) && strings.TrimRight(segment, ". ") != segment {
			return true
		}
	}
	for segment := range strings.SplitSeq(raw, "/") {
		if name, _ := unescape(segment); isDots(name) && name != segment {
			return true
		}
	}
	return false
}

// node is one spelling on the way to a reading. It is decoded when it stems
// from a decoding, or has nothing to decode.
type node struct {
	path    string
	decoded bool
}

// spellings is the closure of the raw path under the lenient steps: every path
// that a site which takes any of them, in any order, may end up with. ok is
// false when that is more than the bounds allow.
func spellings(raw string, nfc, nfkc func(string) string) (nodes []node, ok bool) {
	nodes = append(make([]node, 0, 8), node{raw, !strings.Contains(raw, "%")})
	size := len(raw)
	add := func(n node) {
		n.decoded = n.decoded || !strings.Contains(n.path, "%")
		if !slices.Contains(nodes, n) {
			nodes = append(nodes, n)
			size += len(n.path)
		}
	}
	for i := 0; i < len(nodes); i++ {
		if len(nodes) > maxReadings || size > maxReadingBytes {
			return nil, false
		}
		n := nodes[i]
		for _, step := range lenientSteps {
			add(node{step(n.path), n.decoded})
		}
		add(node{unescapeLenient(n.path), true})
		if n.decoded && nfc != nil && !isASCII(n.path) && utf8.ValidString(n.path) {
			add(node{nfc(n.path), true})
			add(node{nfkc(n.path), true})
			add(node{strings.Map(dropIgnorable, n.path), true})
		}
	}
	return nodes, true
}
