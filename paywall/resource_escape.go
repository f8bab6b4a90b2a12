package paywall

import (
	"strings"
	"unicode/utf8"
)

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
		case 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || strings.IndexByte("-_~!&')*+,=:@", byte(b)) >= 0:
			t[b] = ordinary
		}
	}
	return t
}()

// verbatim reports whether a byte stands in a canonical path as it is: RFC 3986
// pchar and "/", but not ";".
func verbatim(b byte) bool { return b < utf8.RuneSelf && classes[b] != loosening }

// EscapePath spells a decoded canonical path the one way that browsers, cookies
// and sites share: RFC 3986 unreserved characters, sub-delimiters (but ";"),
// ":", "@" and "/" as they are, every other byte as %XX in upper case.
func EscapePath(path string) string {
	const hex = "0123456789ABCDEF"
	escapes := 0
	for i := range len(path) {
		if !verbatim(path[i]) {
			escapes++
		}
	}
	if escapes == 0 {
		return path
	}
	var b strings.Builder
	b.Grow(len(path) + 2*escapes)
	for i := range len(path) {
		c := path[i]
		if verbatim(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// upperEscapes spells the hex digits of escapes in capitals, which is the same
// path (RFC 3986, 6.2.2.1).
func upperEscapes(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	b := []byte(path)
	for i := 0; i+2 < len(b); i++ {
		if b[i] != '%' {
			continue
		}
		for _, digit := range []int{i + 1, i + 2} {
			if 'a' <= b[digit] && b[digit] <= 'f' {
				b[digit] -= 'a' - 'A'
			}
		}
	}
	return string(b)
}

// unescape decodes %XX; ok is false for any other use of "%".
func unescape(s string) (decoded string, ok bool) {
	if !strings.Contains(s, "%") {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		c, ok := hexRune(s, i+1, 2)
		if !ok {
			return "", false
		}
		b = append(b, byte(c))
		i += 2
	}
	return string(b), true
}

// unescapeLenient decodes %XX and leaves every other "%" alone.
func unescapeLenient(s string) string {
	return unescapeEach(s, func(rest string) (string, int) {
		c, ok := hexRune(rest, 1, 2)
		if !ok {
			return "", 0
		}
		return string([]byte{byte(c)}), len("%XX")
	})
}

// unescapeWide decodes %uXXXX, as IIS does, and leaves every other "%" alone.
func unescapeWide(s string) string {
	return unescapeEach(s, func(rest string) (string, int) {
		c, ok := hexRune(rest, 2, 4)
		if !ok || rest[1]|0x20 != 'u' {
			return "", 0
		}
		return string(c), len("%uXXXX")
	})
}

// unescapeEach replaces what decode recognises at a "%".
func unescapeEach(s string, decode func(rest string) (decoded string, length int)) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] == '%' {
			if decoded, n := decode(s[i:]); n > 0 {
				b.WriteString(decoded)
				i += n
				continue
			}
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// hexRune reads n hexadecimal digits.
func hexRune(s string, from, n int) (value rune, ok bool) {
	if from+n > len(s) {
		return 0, false
	}
	for _, c := range []byte(s[from : from+n]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		value = value<<4 | rune(c)
	}
	return value, true
}

// indexFold finds a lower-case ASCII escape in any case.
func indexFold(s, escape string) int {
	for i := 0; i+len(escape) <= len(s); i++ {
		if s[i] == escape[0] && strings.EqualFold(s[i:i+len(escape)], escape) {
			return i
		}
	}
	return -1
}
