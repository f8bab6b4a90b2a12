package gate

// bodyTag finds the end of a page's <body …> tag while the page goes by, in
// whatever parts it comes. It reads as browsers do (HTML, 13.2.5): a "<body" in a
// comment, a script, an attribute or a title is none. It keeps nothing but its
// place. The zero value is at the beginning of a page.
type bodyTag struct {
	at        bodyState
	name      []byte // of the tag, in lower case; of a long one the beginning
	closing   bool   // it is an end tag
	last      [10]byte
	length    int    // of a comment, and the dashes that begin it
	raw       string // the element whose text is being read
	escaped   int    // in a script: 1 after "<!--", 2 in a "<script" in there
	templates int    // that are open
	based     bool   // there was a <base>
}

type bodyState int

const (
	inText bodyState = iota
	afterLess
	afterLessSlash
	afterLessBang
	inComment
	inBogus // a comment of another kind, which ends with the next ">"
	inName
	betweenAttributes
	inAttribute
	afterAttribute
	beforeValue
	inDoubleQuotes
	inSingleQuotes
	inBareValue
	inRaw // the text of a script and the like, which has no tags in it but its own end
	inPlain
)

// rawElements have text without tags. With scripts, as most readers have them, so
// has noscript.
var rawElements = map[string]bool{
	"script": true, "style": true, "title": true, "textarea": true, "xmp": true, "iframe": true,
	"noembed": true, "noframes": true, "noscript": true,
}

// find reads on, and answers how much of p there is up to the end of the tag.
func (b *bodyTag) find(p []byte) (int, bool) {
	for i, c := range p {
		if b.next(c) {
			return i + 1, true
		}
	}
	return 0, false
}

// next takes a byte, and reports whether the tag ends with it.
func (b *bodyTag) next(c byte) bool {
	switch b.at {
	case inText:
		if c == '<' {
			b.at = afterLess
		}
	case afterLess, afterLessSlash, afterLessBang:
		b.open(c)
	case inComment:
		b.comment(c)
	case inBogus:
		if c == '>' {
			b.at = inText
		}
	case inRaw:
		b.rawText(c)
	case inPlain:
	default:
		return b.tag(c)
	}
	return false
}

// open is at the beginning of something.
func (b *bodyTag) open(c byte) {
	from := b.at
	switch {
	case from == afterLessBang && c == '-':
		if b.length++; b.length == 2 {
			b.at, b.length, b.last = inComment, 0, [10]byte{8: '-', 9: '-'}
		}
	case from != afterLessBang && letter(c):
		b.at, b.closing, b.name = inName, from == afterLessSlash, append(b.name[:0], lower(c))
	case from == afterLess && c == '/':
		b.at = afterLessSlash
	case from == afterLess && c == '!':
		b.at, b.length = afterLessBang, 0
	case from == afterLess && c == '<':
	case from == afterLess && c != '?', c == '>':
		b.at = inText
	default:
		b.at = inBogus
	}
}

func (b *bodyTag) comment(c byte) {
	b.push(c)
	b.length++
	// The dashes that begin it may end it, too, but not with "!" between.
	if b.ends("-->") || b.ends("--!>") && b.length >= len("--!>") {
		b.at = inText
	}
}

// tag is in a tag, and reports whether it is the one and ends here.
func (b *bodyTag) tag(c byte) bool {
	switch b.at {
	case inDoubleQuotes, inSingleQuotes:
		if c == '"' && b.at == inDoubleQuotes || c == '\'' && b.at == inSingleQuotes {
			b.at = betweenAttributes
		}
		return false
	case beforeValue:
		switch {
		case space(c):
			return false
		case c == '"':
			b.at = inDoubleQuotes
			return false
		case c == '\'':
			b.at = inSingleQuotes
			return false
		}
	}
	switch {
	case c == '>':
		return b.end()
	case b.at == inBareValue && !space(c), b.at == beforeValue:
		b.at = inBareValue
	case space(c) && (b.at == inAttribute || b.at == afterAttribute):
		b.at = afterAttribute
	case space(c), c == '/':
		b.at = betweenAttributes
	case b.at == inName:
		if len(b.name) < len(b.last) { // no name that matters is longer
			b.name = append(b.name, lower(c))
		}
	case c == '=' && b.at != betweenAttributes:
		b.at = beforeValue
	default:
		b.at = inAttribute
	}
	return false
}

// end is at the end of a tag, and reports whether it is the one.
func (b *bodyTag) end() bool {
	b.at = inText
	name := string(b.name)
	switch {
	case name == "template" && b.closing:
		b.templates = max(b.templates-1, 0)
	case b.closing:
	case name == "template":
		b.templates++
	case name == "base":
		b.based = true
	case name == "plaintext":
		b.at = inPlain
	case rawElements[name]:
		b.at, b.raw, b.escaped, b.last = inRaw, name, 0, [10]byte{}
	}
	return name == "body" && !b.closing && b.templates == 0
}

func (b *bodyTag) rawText(c byte) {
	if space(c) || c == '/' || c == '>' {
		switch {
		case b.escaped == 1 && b.ends("<script"):
			b.escaped = 2
		case b.escaped == 2 && b.ends("</script"):
			b.escaped = 1
		case b.escaped != 2 && b.ends("</"+b.raw):
			b.name, b.closing, b.at = append(b.name[:0], b.raw...), true, inName
			b.tag(c)
			return
		}
	}
	b.push(c)
	switch {
	case b.raw == "script" && b.escaped == 0 && b.ends("<!--"):
		b.escaped = 1
	case b.ends("-->"):
		b.escaped = 0
	}
}

func (b *bodyTag) push(c byte) {
	copy(b.last[:], b.last[1:])
	b.last[len(b.last)-1] = lower(c)
}

func (b *bodyTag) ends(s string) bool {
	return len(s) <= len(b.last) && string(b.last[len(b.last)-len(s):]) == s
}

func letter(c byte) bool { return 'a' <= lower(c) && lower(c) <= 'z' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }
