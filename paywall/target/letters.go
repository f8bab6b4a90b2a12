package target

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

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
