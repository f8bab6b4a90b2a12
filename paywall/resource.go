package paywall

import "strings"

// unescaped are the bytes that stand in a canonical path as they are: RFC 3986
// pchar and "/", but not ";".
var unescaped = func() (t [256]bool) {
	for _, b := range []byte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" + "/-._~!$&'()*+,=:@") {
		t[b] = true
	}
	return t
}()

// EscapePath spells a decoded canonical path the one way that browsers, cookies
// and sites share: RFC 3986 unreserved characters, sub-delimiters (but ";"),
// ":", "@" and "/" as they are, every other byte as %XX in upper case.
func EscapePath(path string) string {
	const hex = "0123456789ABCDEF"
	escapes := 0
	for i := range len(path) {
		if !unescaped[path[i]] {
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
		if unescaped[c] {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// UpperEscapes spells the hex digits of escapes in capitals, which is the same
// path (RFC 3986, 6.2.2.1).
func UpperEscapes(path string) string {
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

// FoldResource is the name by which purchases are told apart: a resource with the
// capitals of its path in small letters. Many sites deliver one page at
// "/articles/p1" and "/Articles/P1", and whoever owns it must not be charged again
// for a link in capitals. The query keeps its letters: "?v=aB" is often an id.
func FoldResource(resource string) string {
	path, _, _ := strings.Cut(resource, "?")
	return strings.ToLower(path) + resource[len(path):]
}
