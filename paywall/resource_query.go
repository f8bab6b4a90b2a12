package paywall

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// identify is the part of a resource's name that stands in the query: the named
// keys, sorted and escaped, with their "?". sure is false when parsers of
// queries disagree about a named key: given twice (the first, the last or both
// count), as an array, in another spelling, or beside a ";" (HTML 4 B.2.2).
func (c *Canonicalizer) identify(query string) (suffix string, sure bool) {
	sure = !strings.Contains(query, ";")
	var pairs []string
	seen := make(map[string]bool, len(c.QueryKeys))
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if !slices.Contains(c.QueryKeys, key) {
			sure = sure && !c.resembles(key)
			continue
		}
		decoded, ok := c.queryValue(value)
		if !ok || seen[key] {
			sure = false
			continue
		}
		seen[key] = true
		pairs = append(pairs, url.QueryEscape(key)+"="+url.QueryEscape(decoded))
	}
	if len(pairs) == 0 {
		return "", sure
	}
	slices.Sort(pairs)
	return "?" + strings.Join(pairs, "&"), sure
}

func (c *Canonicalizer) queryValue(raw string) (string, bool) {
	value, err := url.QueryUnescape(raw)
	if err != nil || !utf8.ValidString(value) || strings.ContainsFunc(value, isControl) {
		return "", false
	}
	if isASCII(value) {
		return value, true
	}
	if c.NFC == nil {
		return "", false
	}
	return c.NFC(value), true
}

// resembles reports whether some parser takes a raw key for a named one.
func (c *Canonicalizer) resembles(raw string) bool {
	lenient := lenientKey(raw)
	return slices.ContainsFunc(c.QueryKeys, func(named string) bool { return lenientKey(named) == lenient })
}

// lenientKey is what is left of a key when everything that parsers are known to
// forgive is gone: double encoding, case (ASP.NET), array brackets, leading
// spaces and "." for "_" (PHP, "Variables From External Sources").
func lenientKey(key string) string {
	for range 2 {
		if decoded, err := url.QueryUnescape(key); err == nil {
			key = decoded
		}
	}
	key = strings.TrimSpace(key)
	if i := strings.IndexAny(key, "[\x00"); i >= 0 {
		key = key[:i]
	}
	return foldCase(strings.NewReplacer(".", "_", " ", "_").Replace(key))
}
