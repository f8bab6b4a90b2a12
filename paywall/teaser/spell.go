package teaser

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// maxNesting is how many encodings in one another are seen through.
const maxNesting = 4

// spellings calls each with a text and with all that it may stand for: decoded
// once, and once more. What that costs, in bytes, goes off left. It reports whether
// everything was looked at; each stops it by answering false.
func spellings(text string, left *int, each func(string) bool) bool {
	level, seen := []string{text}, map[string]bool{text: true}
	for range maxNesting + 1 {
		var next []string
		add := func(s string) {
			if s != "" && !seen[s] {
				seen[s] = true
				next = append(next, s)
			}
		}
		for _, s := range level {
			if *left -= len(s); *left < 0 {
				return false
			}
			if !each(s) {
				return true
			}
			if plain := unescape(s); plain != s {
				*left -= len(s) // takes longer than to look
				add(plain)
			}
			for _, run := range base64ish.FindAllString(s, -1) {
				if *left -= 3 * len(run); *left < 0 {
					return false
				}
				decodeBase64(run, add)
			}
		}
		if level = next; len(level) == 0 {
			return true
		}
	}
	return true
}

var (
	percents  = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	escapes   = regexp.MustCompile(`\\(?:u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}|[nrtbfv])`)
	base64ish = regexp.MustCompile(`[A-Za-z0-9+/_-]{20,}`)
)

// unescape undoes one layer of every escape that a page may use.
func unescape(s string) string {
	if strings.Contains(s, "&") {
		s = html.UnescapeString(s)
	}
	if strings.Contains(s, `\`) {
		s = escapes.ReplaceAllStringFunc(s, unescapeScript)
	}
	if strings.Contains(s, "%") {
		s = percents.ReplaceAllStringFunc(s, func(escape string) string {
			b, _ := url.PathUnescape(escape) // two hex digits always decode
			return b
		})
	}
	return s
}

func unescapeScript(escape string) string {
	digits := strings.Trim(escape[2:], "{}")
	code, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		return " " // \n and its like
	}
	return string(rune(code))
}

// decodeBase64 decodes a run of base64, in either alphabet. What stands before it
// may look like a part of it, as a path does: all four alignments are tried.
func decodeBase64(run string, add func(string)) {
	run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
	for shift := range 4 {
		part := run[shift:]
		decoded, err := base64.RawStdEncoding.DecodeString(part[:len(part)-len(part)%4])
		if err == nil && readable(decoded) {
			add(strings.ToValidUTF8(string(decoded), " "))
		}
	}
}

// readable reports whether bytes are mostly text.
func readable(b []byte) bool {
	bad, n, most := 0, 0, len(b)/8
	for ; len(b) > 0; n++ {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError || unicode.IsControl(r) && !unicode.IsSpace(r) {
			if bad++; bad > most {
				return false
			}
		}
		b = b[size:]
	}
	return bad*8 <= n
}
