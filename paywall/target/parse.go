package target

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tuppence/tuppence/paywall"
)

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

// Parse reads a request target: the path and query of origin-form, or an http
// URL (absolute-form, RFC 9112 3.2.2), of which it takes path and query. It answers
// [paywall.CodeMalformed] for
//   - anything else,
//   - a "#", which no target has (RFC 9112 3.2; sites cut there, or do not),
//   - bad escapes in the path,
//   - control characters that are not escaped,
//   - more than 8 KB, or 2 KB where it can be read in more than one way,
//   - more readings than are worth counting.
func (c *Canonicalizer) Parse(target string) (Target, error) {
	if len(target) > maxTarget {
		return Target{}, paywall.Errorf(paywall.CodeMalformed, "the address is longer than %d bytes", maxTarget)
	}
	if target == "" || target[0] != '/' {
		var ok bool
		if target, ok = originForm(target); !ok {
			return Target{}, paywall.Errorf(paywall.CodeMalformed, "the address is not a path")
		}
	}
	if strings.Contains(target, "#") {
		return Target{}, paywall.Errorf(paywall.CodeMalformed, "the address holds a fragment")
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
			return Target{}, paywall.Errorf(paywall.CodeMalformed, "the address holds a control character")
		}
	}
	if len(query) > 1 && len(c.QueryKeys) > 0 {
		suffix, sure := identify(query[1:], c.QueryKeys, c.NFC)
		t.Resource += suffix
		t.Ambiguous = t.Ambiguous || !sure
	}
	return t, nil
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

// read fills in a target whose raw path is not plain.
func (c *Canonicalizer) read(t *Target, raw string, shape shape) error {
	if shape == settled && isASCII(raw) {
		c.addReading(t, raw)
		return nil
	}
	if strings.ContainsFunc(raw, isASCIIControl) {
		return paywall.Errorf(paywall.CodeMalformed, "the address holds a control character")
	}
	decoded, ok := unescape(raw)
	if !ok {
		return paywall.Errorf(paywall.CodeMalformed, "the address holds a bad escape")
	}
	mangled := !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, isControl)
	composed := decoded
	if !isASCII(decoded) {
		if c.NFC == nil {
			return paywall.Errorf(paywall.CodeMalformed, "the address is not ASCII")
		}
		composed = c.NFC(decoded)
	}
	t.Path = resolve(composed)
	t.Canonical = paywall.EscapePath(t.Path) == paywall.UpperEscapes(raw)
	if t.Canonical && !mangled && isSettled(composed, c.NFKC) {
		c.addReading(t, composed)
		return nil
	}
	if len(raw) > maxSpelled {
		return paywall.Errorf(paywall.CodeMalformed, "the address is longer than %d bytes and can be read in more than one way", maxSpelled)
	}
	t.Ambiguous = mangled || ambiguous(raw, composed)
	nodes, ok := spellings(raw, c.NFC, c.NFKC)
	if !ok {
		return paywall.Errorf(paywall.CodeMalformed, "the address can be read in too many ways")
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
