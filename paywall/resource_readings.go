package paywall

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on the spellings of one target that are followed: on the length of a path
// that has more than one, and on the spellings, in number and in bytes together. Ordinary targets have a handful; of 50,000 targets stacked
// from tricks, 15 had more than 64. The bytes bound the time: 8 KB of tricks
// took 27 ms without.
const (
	maxSpelled      = 2 << 10
	maxReadings     = 64
	maxReadingBytes = 128 << 10
)

// read fills in a target whose raw path is not plain.
func (c *Canonicalizer) read(t *Target, raw string, shape shape) error {
	if shape == settled && isASCII(raw) {
		c.addReading(t, raw)
		return nil
	}
	if strings.ContainsFunc(raw, isASCIIControl) {
		return Errorf(CodeMalformed, "the address holds a control character")
	}
	decoded, ok := unescape(raw)
	if !ok {
		return Errorf(CodeMalformed, "the address holds a bad escape")
	}
	mangled := !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, isControl)
	composed := decoded
	if !isASCII(decoded) {
		if c.NFC == nil {
			return Errorf(CodeMalformed, "the address is not ASCII")
		}
		composed = c.NFC(decoded)
	}
	t.Path = resolve(composed)
	t.Canonical = EscapePath(t.Path) == upperEscapes(raw)
	if t.Canonical && !mangled && c.isSettled(composed) {
		c.addReading(t, composed)
		return nil
	}
	if len(raw) > maxSpelled {
		return Errorf(CodeMalformed, "the address is longer than %d bytes and can be read in more than one way", maxSpelled)
	}
	t.Ambiguous = mangled || ambiguous(raw, composed)
	nodes, ok := c.readings(raw)
	if !ok {
		return Errorf(CodeMalformed, "the address can be read in too many ways")
	}
	for _, n := range nodes {
		// A spelling that is canonical has no dot segments; where decoding or
		// compatibility forms make some, it can climb out of what was paid for.
		if n.decoded && t.Canonical && climbs(n.path) {
			t.Ambiguous = true
		}
	}
	for _, n := range nodes {
		// The escaped spelling of a name is the same name, not another reading,
		// unless an escape hides structure.
		if n.decoded || t.Ambiguous {
			c.addReading(t, n.path)
		}
	}
	c.addReading(t, t.Path)
	return nil
}

// isSettled reports whether the steps would find nothing to do, so that names in
// any alphabet cost little more than those in ASCII. Such a path is its own only
// reading but for case.
func (c *Canonicalizer) isSettled(decoded string) bool {
	if end, shape := scanPath(decoded); end < len(decoded) || shape == loose {
		return false
	}
	return isASCII(decoded) || c.NFKC(decoded) == decoded &&
		!strings.ContainsFunc(decoded, func(r rune) bool { return unicode.IsSpace(r) || isIgnorable(r) })
}

// addReading notes a path and its case-folded form. Left out are "//" and "/./",
// which no site tells from "/" (the path without them is a reading itself), and
// other compositions of the same letters.
func (c *Canonicalizer) addReading(t *Target, path string) {
	if !climbs(path) && resolve(path) != path {
		return
	}
	if c.NFC != nil && !isASCII(path) {
		path = c.NFC(path)
	}
	for _, reading := range [...]string{path, foldCase(path)} {
		if reading != t.Path && !slices.Contains(t.Readings, reading) {
			t.Readings = append(t.Readings, reading)
		}
	}
}

// ambiguous reports whether a raw path, and its decoded NFC form, hold what
// sites are known to read in two ways wherever it stands.
func ambiguous(raw, decoded string) bool {
	if strings.ContainsAny(decoded, `\;?`) || indexFold(raw, "%2f") >= 0 || strings.Contains(decoded, ":$") ||
		dropCookieless(decoded) != decoded ||
		unescapeWide(unescapeLenient(decoded)) != decoded {
		return true
	}
	if strings.Contains(decoded, "#") && climbs(decoded) {
		return true // a site that cuts there never sees the dots behind it
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

// readings is the closure of the raw path under the lenient steps: every path
// that a site which takes any of them, in any order, may end up with. ok is
// false when that is more than the bounds allow.
func (c *Canonicalizer) readings(raw string) (nodes []node, ok bool) {
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
		if n.decoded && c.NFC != nil && !isASCII(n.path) && utf8.ValidString(n.path) {
			add(node{c.NFC(n.path), true})
			add(node{c.NFKC(n.path), true})
			add(node{strings.Map(dropIgnorable, n.path), true})
		}
	}
	return nodes, true
}

// foldCase makes letters equal that differ in case only, to any of the usual
// comparisons: "ſ" is "s", the kelvin sign "k", "ı" "i".
func foldCase(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return strings.ToLower(strings.ToUpper(s))
}

// isIgnorable reports what some file systems and all eyes overlook (Unicode
// default ignorable code points; HFS+, CVE-2014-9390).
func isIgnorable(r rune) bool {
	return r >= utf8.RuneSelf &&
		unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

func dropIgnorable(r rune) rune {
	if isIgnorable(r) {
		return -1
	}
	return r
}

func isASCIIControl(r rune) bool { return r < ' ' || r == 0x7f }

// isControl includes C1, which terminals obey.
func isControl(r rune) bool { return unicode.IsControl(r) }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
