package paywall

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// identify is the part of a resource's name that stands in the query: the named
// keys, sorted and escaped, with their "?". sure is false when sites of two
// languages find different values there.
func (c *Canonicalizer) identify(query string) (suffix string, sure bool) {
	if plainQuery(query, c.QueryKeys) {
		values := make(url.Values, len(c.QueryKeys))
		for pair := range strings.SplitSeq(query, "&") {
			if key, value, _ := strings.Cut(pair, "="); slices.Contains(c.QueryKeys, key) {
				values[key] = []string{value}
			}
		}
		return c.suffix(values)
	}
	readings, ok := readQuery(query, c.QueryKeys)
	if !ok {
		return "", false
	}
	for i, reading := range readings {
		if reading.by.keepsPlus || reading.by.dropsBlank {
			continue // no site names its pages so: "+" is how forms write a space
		}
		switch other, certain := c.suffix(reading.values); {
		case !certain:
			return suffix, false
		case i == 0:
			suffix = other
		case other != suffix:
			return suffix, false
		}
	}
	return suffix, true
}

// suffix spells the named keys of a query that was read.
func (c *Canonicalizer) suffix(values url.Values) (suffix string, sure bool) {
	named := make(url.Values, len(c.QueryKeys))
	for _, key := range c.QueryKeys {
		switch given := values[key]; len(given) {
		case 0:
		case 1:
			value, ok := c.compose(given[0])
			if !ok {
				return "", false
			}
			named.Set(key, value)
		default:
			return "", false
		}
	}
	if len(named) == 0 {
		return "", true
	}
	return "?" + named.Encode(), true
}

// compose is a value in NFC; ok is false for one that no name should have.
func (c *Canonicalizer) compose(value string) (composed string, ok bool) {
	if isASCII(value) {
		return value, !strings.ContainsFunc(value, isControl)
	}
	if c.NFC == nil || !utf8.ValidString(value) || strings.ContainsFunc(value, isControl) {
		return "", false
	}
	return c.NFC(value), true
}

// Query is the target's query as it was sent, without its "?".
func (t *Target) Query() string { return strings.TrimPrefix(t.query, "?") }

// QueryReadings are the queries that sites of several languages make of the
// target's, as far as it matters to somebody who looks for these keys: each
// spelled so that [url.ParseQuery] finds what such a site finds, Go's own first,
// parameters with other keys told by one in their stead. None for a query that
// everybody reads as it stands. [CodeMalformed] when it can be read in more ways
// than are worth counting.
func (t *Target) QueryReadings(keys []string) ([]string, error) {
	query := t.Query()
	if query == "" || plainQuery(query, keys) {
		return nil, nil
	}
	readings, ok := readQuery(query, keys)
	if !ok {
		return nil, Errorf(CodeMalformed, "the query of the address can be read in too many ways")
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
		return nil, Errorf(CodeMalformed, "the query of the address can be read in too many ways")
	}
	return spelled, nil
}

// plainQuery reports whether every site finds the same values under the keys,
// and whether there is anything else. It does not allocate.
func plainQuery(query string, keys []string) bool {
	var found uint64 // which keys there were; a site names one or two
	if len(keys) > 64 || strings.ContainsAny(query, ";?") || strings.Count(query, "&") >= fewPairs {
		return false
	}
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key == "" || !isPlainText(key, "_-") {
			return false
		}
		named := slices.IndexFunc(keys, func(k string) bool { return strings.EqualFold(k, key) })
		if named < 0 {
			if !hasGoodEscapes(value) {
				return false
			}
			continue
		}
		if keys[named] != key || found&(1<<named) != 0 || value == "" || !isPlainText(value, "_-.~") {
			return false
		}
		found |= 1 << named
	}
	return true
}

// isPlainText reports whether a text consists of ASCII letters, digits and the
// marks given.
func isPlainText(s, marks string) bool {
	for i := range len(s) {
		c := s[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte(marks, c) >= 0 {
			continue
		}
		return false
	}
	return true
}

func hasGoodEscapes(s string) bool {
	for i := range len(s) {
		if s[i] != '%' {
			continue
		}
		if _, ok := hexRune(s, i+1, 2); !ok {
			return false
		}
	}
	return true
}
