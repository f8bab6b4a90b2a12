package target

import "strings"

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

// indexFold finds a lower-case ASCII escape in any case.
func indexFold(s, escape string) int {
	for i := 0; i+len(escape) <= len(s); i++ {
		if s[i] == escape[0] && strings.EqualFold(s[i:i+len(escape)], escape) {
			return i
		}
	}
	return -1
}
