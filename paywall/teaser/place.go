package teaser

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// place is where a text is cut.
type place struct {
	text   *html.Node // the matched element that the offer is put into
	node   *html.Node // a paragraph that stays, or the run of text that is cut
	offset int        // in the run of text, in bytes; 0: the node stays whole
}

// walk counts the words of matched elements until the place is found.
type walk struct {
	rule        Rule
	most        int // half of all words
	words       int // so far
	prose       int // of those that the rule counts
	paragraphs  int
	open        bool // the run of text before ended within a word
	beside      int  // depth of elements that the rule does not count in
	text        *html.Node
	found       place
	ok, stopped bool
}

// find answers where to cut; not ok if no place leaves enough after it.
func (c *Cutter) find(texts []*html.Node) (place, bool) {
	total := walk{}
	for _, n := range texts {
		total.count(n)
	}
	w := walk{rule: c.rule, most: total.words / 2}
	for _, n := range texts {
		w.text = n
		w.visit(n)
	}
	return w.found, w.ok
}

// count counts all words below a node.
func (w *walk) count(n *html.Node) {
	switch {
	case n.Type == html.TextNode:
		words, open := countWords(n.Data, w.open)
		w.words, w.open = w.words+words, open
		return
	case n.Type == html.ElementNode && unread(n):
		return
	}
	w.open = w.open && inline(n.DataAtom)
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		w.count(child)
	}
	w.open = w.open && inline(n.DataAtom)
}

// aside reports whether what stands in an element goes along with the text,
// and is not counted as its beginning.
func aside(a atom.Atom) bool {
	switch a {
	case atom.Header, atom.Footer, atom.Aside, atom.Figure, atom.Figcaption, atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return true
	}
	return false
}

func (w *walk) visit(n *html.Node) {
	if w.stopped {
		return
	}
	switch {
	case n.Type == html.TextNode:
		w.run(n)
		return
	case n.Type == html.ElementNode && unread(n):
		return
	}
	before := w.words
	if aside(n.DataAtom) && n != w.text {
		w.beside++
		defer func() { w.beside-- }()
	}
	w.open = w.open && inline(n.DataAtom)
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		w.visit(child)
	}
	w.open = w.open && inline(n.DataAtom)
	if n.DataAtom == atom.P && w.rule.Paragraphs > 0 && w.beside == 0 && w.words > before && !w.stopped {
		w.paragraphs++
		w.found, w.ok = place{text: w.text, node: n}, true
		w.stopped = w.paragraphs == w.rule.Paragraphs
	}
}

// run counts the words of a run of text, and stops before the first one that
// must not stay.
func (w *walk) run(n *html.Node) {
	w.open = scanWords(n.Data, w.open, func(at int) bool {
		enough := w.rule.Words > 0 && w.beside == 0 && w.prose == w.rule.Words
		if enough || w.words == w.most {
			if w.stopped = true; w.rule.Words > 0 && w.prose > 0 {
				w.found, w.ok = place{text: w.text, node: n, offset: at}, true
			}
			return false
		}
		w.words++
		if w.beside == 0 {
			w.prose++
		}
		return true
	})
}

// take removes what stands after the cut: the rest of a run of text, and parts of
// the page.
func (p *place) take(texts []*html.Node) (rest string, parts []*html.Node) {
	if p.node.Type == html.TextNode {
		rest = p.node.Data[p.offset:]
		p.node.Data = strings.TrimRightFunc(p.node.Data[:p.offset], unicode.IsSpace)
		if p.node.Data != "" {
			p.node.Data += "…"
		}
	}
	for n := p.node; n != p.text; n = n.Parent {
		for n.NextSibling != nil {
			parts = append(parts, n.NextSibling)
			n.Parent.RemoveChild(n.NextSibling)
		}
	}
	later := false
	for _, n := range texts {
		if later {
			parts = append(parts, n)
			n.Parent.RemoveChild(n)
		}
		later = later || n == p.text
	}
	return rest, parts
}
