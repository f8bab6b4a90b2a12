package target

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// identify is the part of a resource's name that stands in the query: the named
// keys, sorted and escaped, with their "?". sure is false when sites of two
// languages find different values there.
func identify(query string, keys []string, nfc func(string) string) (suffix string, sure bool) {
	if plainQuery(query, keys) {
		values := make(url.Values, len(keys))
		for pair := range strings.SplitSeq(query, "&") {
			if key, value, _ := strings.Cut(pair, "="); slices.Contains(keys, key) {
				values[key] = []string{value}
			}
		}
		return suffixOf(values, keys, nfc)
	}
	readings, ok := readQuery(query, keys)
	if !ok {
		return "", false
	}
	for i, reading := range readings {
		if reading.by.keepsPlus || reading.by.dropsBlank {
			continue // no site names its pages so: "+" is how forms write a space
		}
		switch other, certain := suffixOf(reading.values, keys, nfc); {
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

// suffixOf spells the named keys of a query that was read.
func suffixOf(values url.Values, keys []string, nfc func(string) string) (suffix string, sure bool) {
	named := make(url.Values, len(keys))
	for _, key := range keys {
		switch given := values[key]; len(given) {
		case 0:
		case 1:
			value, ok := compose(given[0], nfc)
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
func compose(value string, nfc func(string) string) (composed string, ok bool) {
	if isASCII(value) {
		return value, !strings.ContainsFunc(value, isControl)
	}
	if nfc == nil || !utf8.ValidString(value) || strings.ContainsFunc(value, isControl) {
		return "", false
	}
	return nfc(value), true
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
