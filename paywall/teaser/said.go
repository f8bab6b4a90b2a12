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
	"golang.org/x/text/unicode/norm"
)

// runLength is by how many words in a row a text is known again. Fewer are met
// by chance, in menus and bylines.
const runLength = 6

// runs hashes every run of words in a text that is handed over in pieces. Case,
// punctuation, spelling of accents and invisible characters do not matter.
type runs struct {
	each func(run uint64)
	skip func(*html.Node) bool // elements whose text does not count

	node  *html.Node // that is being read
	word  uint64     // hash of the word that is being read, 0: none
	last  *html.Node // that its last letter stands in
	words [runLength]uint64
	nodes [runLength]*html.Node // that they end in
	count int
}

// FNV-1a. A page that is made to collide would harm nobody but itself.
const (
	hashStart = 14695981039346656037
	hashStep  = 1099511628211
)

func (s *runs) text(text string) {
	for _, r := range norm.NFKC.String(text) {
		switch {
		case ideograph(r):
			s.end()
			s.mix(r)
			s.end()
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
			s.mix(unicode.ToLower(r))
		case unicode.Is(unicode.Cf, r): // soft hyphens and joiners stand within words
		default:
			s.end()
		}
	}
}

func (s *runs) mix(r rune) {
	if s.word == 0 {
		s.word = hashStart
	}
	s.word = (s.word ^ uint64(r)) * hashStep
	s.last = s.node
}

// end ends a word.
func (s *runs) end() {
	if s.word == 0 {
		return
	}
	at := s.count % runLength
	s.words[at], s.nodes[at] = s.word, s.last
	s.word = 0
	if s.count++; s.count < runLength {
		return
	}
	run := uint64(hashStart)
	for i := range runLength {
		run = (run ^ s.words[(s.count+i)%runLength]) * hashStep
	}
	s.each(run)
}

// tree hands over what a reader reads in a part of a page. Words run on through
// inline tags, and end at others.
func (s *runs) tree(n *html.Node) {
	switch n.Type {
	case html.TextNode:
		s.node = n
		s.text(n.Data)
		return
	case html.ElementNode:
		if s.skip(n) {
			return
		}
	}
	block := n.Type == html.ElementNode && !inline(n.DataAtom)
	if block {
		s.end()
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		s.tree(child)
	}
	if block {
		s.end()
	}
}

// taken are the runs of words that stand behind the cut and nowhere before it.
type taken map[uint64]struct{}

func (t taken) add(feed func(*runs)) {
	s := runs{each: func(run uint64) { t[run] = struct{}{} }, skip: muted}
	feed(&s)
	s.end()
}

func (t taken) remove(feed func(*runs)) {
	s := runs{each: func(run uint64) { delete(t, run) }, skip: unread}
	feed(&s)
	s.end()
}

func muted(n *html.Node) bool { return muteTag(n.DataAtom) }

// unread elements are those whose words no reader of a page that is cut reads.
func unread(n *html.Node) bool { return muted(n) || !stays(n) }

// in reports whether a string says, in any spelling, something that was taken.
func (t taken) in(text string) bool {
	found := false
	s := runs{each: func(run uint64) {
		_, hit := t[run]
		found = found || hit
	}}
	for _, spelling := range spellings(text) {
		s.text(spelling)
		s.end()
		s.count = 0
	}
	return found
}

// erase empties the texts below a node that together say something that was taken.
func (t taken) erase(root *html.Node) {
	for found := true; found; { // what was apart may stand together then
		found = false
		s := runs{skip: func(*html.Node) bool { return false }}
		s.each = func(run uint64) {
			if _, hit := t[run]; !hit {
				return
			}
			found = true
			for _, n := range s.nodes {
				n.Data = ""
			}
		}
		s.tree(root)
		s.end()
	}
}

// maxNesting is how many encodings in one another are seen through.
const maxNesting = 4

// spellings are a text and what it stands for: decoded once, and once more.
func spellings(text string) []string {
	all := []string{text}
	for range maxNesting {
		decoded := decode(text)
		if decoded == text {
			break
		}
		all = append(all, decoded)
		text = decoded
	}
	return all
}

var (
	percents  = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	escapes   = regexp.MustCompile(`\\(?:u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}|[nrtbfv])`)
	base64ish = regexp.MustCompile(`[A-Za-z0-9+/_-]{20,}`)
)

// decode undoes one layer of every encoding that a page may use. What was base64
// is written behind the rest.
func decode(s string) string {
	decoded := s
	if strings.Contains(decoded, "&") {
		decoded = html.UnescapeString(decoded)
	}
	if strings.Contains(decoded, `\`) {
		decoded = escapes.ReplaceAllStringFunc(decoded, unescapeScript)
	}
	if strings.Contains(decoded, "%") {
		decoded = percents.ReplaceAllStringFunc(decoded, func(escape string) string {
			b, _ := url.PathUnescape(escape) // two hex digits always decode
			return b
		})
	}
	var more strings.Builder
	for _, run := range base64ish.FindAllString(s, -1) {
		writeBase64(&more, run)
	}
	return decoded + more.String()
}

func unescapeScript(escape string) string {
	digits := strings.Trim(escape[2:], "{}")
	code, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		return " " // \n and its like
	}
	return string(rune(code))
}

// writeBase64 decodes a run of base64, in either alphabet. What stands before it
// may look like a part of it, as a path does: all four alignments are tried.
func writeBase64(w *strings.Builder, run string) {
	run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
	for shift := range 4 {
		part := run[shift:]
		decoded, err := base64.RawStdEncoding.DecodeString(part[:len(part)-len(part)%4])
		if err == nil && readable(decoded) {
			w.WriteByte('\n')
			w.WriteString(strings.ToValidUTF8(string(decoded), " "))
		}
	}
}

// readable reports whether bytes are mostly text.
func readable(b []byte) bool {
	bad, n := 0, 0
	for ; len(b) > 0; n++ {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError || unicode.IsControl(r) && !unicode.IsSpace(r) {
			bad++
		}
		b = b[size:]
	}
	return bad*8 <= n
}
