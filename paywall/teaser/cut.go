package teaser

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	// MaxPage is how long a page can be that is cut, in bytes after decoding.
	MaxPage = maxPage
	// maxCut is how long what is left of it can be, in bytes: it is remembered.
	maxCut = 256 << 10
)

// Why a page is not cut.
var (
	errNoMatch   = errors.New("nothing on the page matches the selector")
	errUncut     = errors.New("there is no place to cut: what would stay is more than half of the words, or has no paragraph")
	errNoRoom    = errors.New("what matches the selector cannot hold an offer: it should be an article, a main, a section or a div")
	errElsewhere = errors.New("its <base> leads to another site")
	errCostly    = errors.New("it repeats itself in so many encodings that looking at all of them takes too long")
	errTooLong   = fmt.Errorf("what is left of it is longer than %d KiB", maxCut>>10)
)

// Rule says where pages are cut. One of Paragraphs and Words is above zero.
type Rule struct {
	Selector   string // CSS, of the elements that hold the text
	Paragraphs int    // that stay, not counting those in a header, a figure and the like
	Words      int    // that stay
}

// Cutter cuts pages. It is safe for concurrent use.
type Cutter struct {
	rule     Rule
	selector cascadia.SelectorGroup
}

// NewCutter checks a rule. The error says what to write instead.
func NewCutter(r Rule) (*Cutter, error) {
	switch {
	case r.Paragraphs < 0 || r.Words < 0 || r.Paragraphs == 0 && r.Words == 0:
		return nil, errors.New("how much stays must be above zero: write paragraphs 3, or words 100")
	case r.Paragraphs > 0 && r.Words > 0:
		return nil, errors.New("write paragraphs or words, not both")
	}
	selector, err := cascadia.ParseGroup(r.Selector)
	if err != nil {
		return nil, fmt.Errorf("%q is not a CSS selector such as article, or \".post .body\": %w", r.Selector, err)
	}
	return &Cutter{r, selector}, nil
}

// Page is what is left of a page: the offer belongs between the two parts.
type Page struct {
	Before, After []byte // HTML in UTF-8
	Form          bool   // a form may stand there; it may not in another form
}

// Size is how long it is, in bytes.
func (p *Page) Size() int { return len(p.Before) + len(p.After) }

// Cut cuts an HTML page in UTF-8 (see [Decode]). title is what may be known of
// it (see [ReadHead]), address where it stands, "https://news.example/a/bells". All
// elements that match are one text, in the order of the page: what comes after
// the cut goes from all of them. The error says why there is nothing to show.
func (c *Cutter) Cut(page []byte, title, address string) (*Page, error) {
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	withoutScripts(doc)
	texts, hidden := outermost(cascadia.QueryAll(doc, c.selector))
	if len(texts) == 0 {
		return nil, errNoMatch
	}
	k := keeper{taken: newTaken(), title: title, resource: newResource(address)}
	for _, n := range texts {
		k.clearPlayers(n)
	}
	at, found := c.find(texts)
	if !found {
		return nil, errUncut
	}
	room, form := roomIn(at.text)
	if !room {
		return nil, errNoRoom
	}
	k.take(at, texts, hidden)
	k.clean(doc)
	if k.size > maxCut {
		return nil, errTooLong
	}
	k.taken.erase(doc)
	if k.moved {
		return nil, errElsewhere
	}
	if k.taken.left < 0 {
		return nil, errCostly
	}
	mark := rand.Text()
	place := element("div", html.Attribute{Key: "class", Val: CutClass})
	place.AppendChild(&html.Node{Type: html.CommentNode, Data: mark})
	at.text.AppendChild(place)
	if err := k.complete(doc); err != nil {
		return nil, err
	}
	out, err := render(doc, mark)
	if err != nil {
		return nil, err
	}
	out.Form = form
	return out, nil
}

// take takes what stands after the cut out of the page, and notes what of it
// nothing that stays may say.
func (k *keeper) take(at place, texts, hidden []*html.Node) {
	rest, parts := at.take(texts)
	k.taken.add(func(after *runs) {
		for _, n := range hidden {
			after.tree(n)
		}
		after.text(rest) // words run on over the cut only where it is one of words
		for _, n := range parts {
			after.tree(n)
		}
	})
	free := texts[:slices.Index(texts, at.text)+1]
	k.taken.remove(func(public *runs) {
		for _, n := range free {
			public.tree(n)
		}
		public.begin()
		public.text(k.title)
	})
	for _, n := range append(hidden, parts...) {
		k.taken.addPictures(n)
	}
	for _, n := range free {
		k.taken.removePictures(n)
	}
}

// outermost leaves out what lies in another, and puts aside what is not shown.
func outermost(matched []*html.Node) (texts, hidden []*html.Node) {
	known := make(map[*html.Node]bool)
	for _, n := range matched { // in the order of the page
		switch {
		case !shown(n, known):
			hidden = append(hidden, n)
		case len(texts) == 0 || !within(n, texts[len(texts)-1]):
			texts = append(texts, n)
		}
	}
	return texts, hidden
}

func within(n, outer *html.Node) bool {
	for ; n != nil; n = n.Parent {
		if n == outer {
			return true
		}
	}
	return false
}

// roomIn reports whether an offer can stand at the end of an element, and
// whether it can be a form there.
func roomIn(n *html.Node) (room, form bool) {
	switch n.DataAtom {
	case atom.Article, atom.Section, atom.Main, atom.Div, atom.Body, atom.Td, atom.Li, atom.Blockquote:
	default:
		return false, false
	}
	form = true
	for ; n != nil; n = n.Parent {
		switch {
		case n.Namespace != "" || n.DataAtom == atom.A || n.DataAtom == atom.Button:
			return false, false
		case n.DataAtom == atom.Form:
			form = false
		}
	}
	return true, form
}

// complete adds to a page that was cleaned what it has to say anew.
func (k *keeper) complete(doc *html.Node) error {
	head := cascadia.Query(doc, headSelector)
	if head == nil {
		return errNoMatch // the parser makes one for every page
	}
	head.InsertBefore(element("meta", html.Attribute{Key: "charset", Val: "utf-8"}), head.FirstChild)
	if k.marked {
		return nil
	}
	data, ok := k.newStructuredData()
	if !ok {
		return errors.New("writing structured data failed")
	}
	head.AppendChild(data)
	return nil
}

var headSelector = cascadia.MustCompile("head")

func element(name string, attributes ...html.Attribute) *html.Node {
	return &html.Node{Type: html.ElementNode, Data: name, DataAtom: atom.Lookup([]byte(name)), Attr: attributes}
}

func render(doc *html.Node, mark string) (*Page, error) {
	var out bytes.Buffer
	if err := html.Render(&out, doc); err != nil {
		return nil, fmt.Errorf("writing the page: %w", err)
	}
	if out.Len() > maxCut {
		return nil, errTooLong
	}
	before, after, ok := bytes.Cut(out.Bytes(), []byte("<!--"+mark+"-->"))
	if !ok {
		return nil, errNoRoom
	}
	return &Page{Before: bytes.Clone(before), After: bytes.Clone(after)}, nil
}
