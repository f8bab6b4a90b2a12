package teaser

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"
)

const (
	// runLength is by how many words in a row a text is known again. Fewer are
	// met by chance, in menus and bylines.
	runLength = 6
	// unspacedLength is that in letters of scripts without spaces between words
	// (see [unspaced]): about as much as six words.
	unspacedLength = 20
)

// runs hashes every run of words in a text that is handed over in pieces. Case,
// punctuation, spelling of accents and invisible characters do not matter.
type runs struct {
	each func(run uint64, in []*html.Node)
	skip func(*html.Node) bool // elements whose text does not count
	left *int                  // by what the text grows when it is normalised goes off here

	node    *html.Node // that is being read
	word    uint64     // hash of the word that is being read, 0: none
	last    *html.Node // that its last letter stands in
	letter  uint64     // hash of the letter of an unspaced script with its marks, 0: none
	words   ring
	letters ring // letters of unspaced scripts, and the words among them
}

// ring holds the hashes of what was read last, and where that ends.
type ring struct {
	hashes [unspacedLength]uint64
	nodes  [unspacedLength]*html.Node
	count  int
}

// FNV-1a. A page that is made to collide would harm nobody but itself.
const (
	hashStart = 14695981039346656037
	hashStep  = 1099511628211
)

// add takes one more, and hands the last n over when there are as many.
func (r *ring) add(hash uint64, node *html.Node, n int, each func(uint64, []*html.Node)) {
	at := r.count % n
	r.hashes[at], r.nodes[at] = hash, node
	if r.count++; r.count < n {
		return
	}
	run := hashStart ^ uint64(n)
	for i := range n {
		run = (run ^ r.hashes[(r.count+i)%n]) * hashStep
	}
	each(run, r.nodes[:n])
}

// piece is how much of a text is normalised at once, in bytes: one character may
// become eighteen.
const piece = 4 << 10

func (s *runs) text(text string) {
	for text != "" && *s.left >= 0 {
		end := len(text)
		if end > piece {
			start := piece
			for start < end && !utf8.RuneStart(text[start]) {
				start++
			}
			if at := norm.NFKC.FirstBoundaryInString(text[start:]); at >= 0 {
				end = start + at
			}
		}
		normal := norm.NFKC.String(text[:end])
		*s.left -= max(0, len(normal)-end)
		s.normal(normal)
		text = text[end:]
	}
}

func (s *runs) normal(text string) {
	for _, r := range text {
		switch {
		case ideograph(r):
			s.end()
			s.mix(r)
			s.end()
		case unspaced(r) && !unicode.IsMark(r):
			if s.letter == 0 && s.word != 0 {
				s.end() // a word of another script
			}
			s.endLetter()
			s.mix(r)
			s.letter = (hashStart ^ uint64(r)) * hashStep
		case unicode.IsMark(r):
			s.mix(r)
			if s.letter != 0 {
				s.letter = (s.letter ^ uint64(r)) * hashStep
			}
		case unicode.IsLetter(r), unicode.IsDigit(r):
			if s.letter != 0 {
				s.end()
			}
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

// endLetter ends a letter of an unspaced script.
func (s *runs) endLetter() {
	if s.letter == 0 {
		return
	}
	s.letters.add(s.letter, s.last, unspacedLength, s.each)
	s.letter = 0
}

// end ends a word.
func (s *runs) end() {
	if s.word == 0 {
		return
	}
	if s.letter != 0 {
		s.endLetter()
	} else if s.letters.count > 0 { // a name in another script, within such a text
		s.letters.add(s.word, s.last, unspacedLength, s.each)
	}
	s.words.add(s.word, s.last, runLength, s.each)
	s.word = 0
}

// begin forgets what was read: what follows has nothing to do with it.
func (s *runs) begin() {
	s.end()
	s.words.count, s.letters.count = 0, 0
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

// maxRead is how much text of one page is looked at, in bytes, every spelling of
// it counted. A page of the greatest size that is no trick stays far below.
const maxRead = 2 << 20

// taken is what stands after the cut and nowhere before it.
type taken struct {
	runs     map[uint64]struct{} // of words
	pictures map[string]struct{} // names of files
	left     int                 // of maxRead; below zero, all counts as taken
}

func newTaken() *taken {
	return &taken{runs: make(map[uint64]struct{}), pictures: make(map[string]struct{}), left: maxRead}
}

func (t *taken) add(feed func(*runs)) {
	s := runs{each: func(run uint64, _ []*html.Node) { t.runs[run] = struct{}{} }, skip: muted, left: &t.left}
	feed(&s)
	s.end()
}

func (t *taken) remove(feed func(*runs)) {
	s := runs{each: func(run uint64, _ []*html.Node) { delete(t.runs, run) }, skip: unread, left: &t.left}
	feed(&s)
	s.end()
}

func muted(n *html.Node) bool { return muteTag(n.DataAtom) }

// unread reports whether the element is invisible on the cut page.
func unread(n *html.Node) bool { return muted(n) || !stays(n) }

// in reports whether a text says, in any spelling, something that was taken.
func (t *taken) in(text string) bool {
	found := false
	s := runs{left: &t.left, each: func(run uint64, _ []*html.Node) {
		_, hit := t.runs[run]
		found = found || hit
	}}
	complete := spellings(text, &t.left, func(spelling string) bool {
		s.text(spelling)
		s.begin()
		return !found
	})
	return found || !complete || t.left < 0
}

// erase empties the texts below a node that together say something that was taken.
func (t *taken) erase(root *html.Node) {
	for found := true; found && t.left >= 0; { // what was apart may stand together then
		found = false
		s := runs{skip: func(*html.Node) bool { return false }, left: &t.left}
		s.each = func(run uint64, in []*html.Node) {
			if _, hit := t.runs[run]; !hit {
				return
			}
			found = true
			for _, n := range in {
				n.Data = ""
			}
		}
		for n := range root.Descendants() {
			t.left -= len(n.Data)
		}
		s.tree(root)
		s.end()
	}
}
