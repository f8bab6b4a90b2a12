package target

import (
	"strings"
	"unicode/utf8"
)

// Readings of sites that decode bytes which are no UTF-8, or forgive control
// characters.

// decodeOverlong decodes what is UTF-8 but for its length: "%c0%af" was a slash to
// IIS (CVE-2000-0884), "%c0%ae" a dot to servlet containers (CVE-2008-2938).
func decodeOverlong(path string) string {
	return eachInvalid(path, func(rest string) (string, int) {
		length, value := 0, rune(0)
		switch c := rest[0]; {
		case c&0xe0 == 0xc0:
			length, value = 2, rune(c&0x1f)
		case c&0xf0 == 0xe0:
			length, value = 3, rune(c&0x0f)
		case c&0xf8 == 0xf0:
			length, value = 4, rune(c&0x07)
		}
		if length == 0 || length > len(rest) {
			return rest[:1], 1
		}
		for _, c := range []byte(rest[1:length]) {
			if c&0xc0 != 0x80 {
				return rest[:1], 1
			}
			value = value<<6 | rune(c&0x3f)
		}
		return string(value), length
	})
}

// readLatin1 takes each byte for a letter: "/caf%E9".
func readLatin1(path string) string {
	return eachInvalid(path, func(rest string) (string, int) { return string(rune(rest[0])), 1 })
}

// dropInvalid leaves out what is no UTF-8.
func dropInvalid(path string) string { return strings.ToValidUTF8(path, "") }

// eachInvalid replaces the bytes of a path that are no UTF-8.
func eachInvalid(path string, decode func(rest string) (decoded string, length int)) string {
	if utf8.ValidString(path) {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); {
		if r, size := utf8.DecodeRuneInString(path[i:]); r != utf8.RuneError || size > 1 {
			b.WriteString(path[i : i+size])
			i += size
			continue
		}
		decoded, length := decode(path[i:])
		b.WriteString(decoded)
		i += length
	}
	return b.String()
}

func dropControls(path string) string {
	if !strings.ContainsFunc(path, isControl) {
		return path
	}
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return -1
		}
		return r
	}, path)
}

func cutAtControl(path string) string {
	if i := strings.IndexFunc(path, isControl); i >= 0 {
		return path[:i]
	}
	return path
}
