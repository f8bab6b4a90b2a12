package teaser

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// keeper takes from a page what rule 1 and rule 2 of the package do not let stay.
type keeper struct {
	taken    *taken
	title    string // what the offer calls the page
	resource resource

	size   int  // of what stays so far, in bytes, at least
	marked bool // the page's structured data says already what is not free
	moved  bool // <base> leads to another origin
}

// keptElements make a page look and link as it does. What is not here goes, with
// all that is in it.
var keptElements = setOf(
	atom.A, atom.Abbr, atom.Acronym, atom.Address, atom.Article, atom.Aside, atom.B, atom.Base, atom.Bdi, atom.Bdo,
	atom.Big, atom.Blockquote, atom.Body, atom.Br, atom.Button, atom.Caption, atom.Center, atom.Cite, atom.Code, atom.Col,
	atom.Colgroup, atom.Dd, atom.Del, atom.Details, atom.Dfn, atom.Div, atom.Dl, atom.Dt, atom.Em, atom.Fieldset, atom.Figcaption,
	atom.Figure, atom.Font, atom.Footer, atom.Form, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Head, atom.Header,
	atom.Hgroup, atom.Hr, atom.Html, atom.I, atom.Img, atom.Input, atom.Ins, atom.Kbd, atom.Label, atom.Legend, atom.Li, atom.Link,
	atom.Main, atom.Mark, atom.Menu, atom.Meta, atom.Nav, atom.Ol, atom.Optgroup, atom.Option, atom.P, atom.Picture, atom.Pre, atom.Q,
	atom.Rp, atom.Rt, atom.Ruby, atom.S, atom.Samp, atom.Script, atom.Section, atom.Select, atom.Small, atom.Source, atom.Span,
	atom.Strike, atom.Strong, atom.Style, atom.Sub, atom.Summary, atom.Sup, atom.Table, atom.Tbody, atom.Td, atom.Tfoot, atom.Th,
	atom.Thead, atom.Time, atom.Title, atom.Tr, atom.Tt, atom.U, atom.Ul, atom.Var, atom.Wbr)

// keptDrawing are the elements of SVG that only draw. Names are as HTML spells them.
var keptDrawing = setOf("svg", "g", "path", "circle", "rect", "line", "polyline", "polygon", "ellipse", "use", "symbol", "defs",
	"linearGradient", "radialGradient", "stop", "clipPath", "mask", "text", "tspan", "title")

func setOf[T comparable](members ...T) map[T]bool {
	set := make(map[T]bool, len(members))
	for _, m := range members {
		set[m] = true
	}
	return set
}

var hidden = regexp.MustCompile(`(?i)\b(?:display\s*:\s*none|visibility\s*:\s*hidden)`)

// stays reports whether an element may stay, whatever is in it.
func stays(n *html.Node) bool {
	for _, a := range n.Attr {
		if a.Key == "hidden" || a.Key == "style" && hidden.MatchString(a.Val) {
			return false
		}
	}
	switch n.Namespace {
	case "svg":
		return keptDrawing[n.Data]
	case "math": // all that show something begin so; an annotation is the source
		return strings.HasPrefix(n.Data, "m") && n.Data != "maction"
	}
	return keptElements[n.DataAtom] || strings.Contains(n.Data, "-") && boxElement(n.Data)
}

// keptAMP are the elements of AMP that show what is in them without its script.
var keptAMP = setOf("amp-layout", "amp-accordion", "amp-fit-text", "amp-carousel", "amp-base-carousel", "amp-timeago")

// boxElement reports whether a custom element is a box with a name, and no player.
func boxElement(name string) bool {
	return !playerElement.MatchString(name) && (!strings.HasPrefix(name, "amp-") || keptAMP[name])
}

// shown reports whether a node and all that it is in may stay. What it finds out is
// known for the next node.
func shown(n *html.Node, known map[*html.Node]bool) bool {
	if n == nil {
		return true
	}
	is, ok := known[n]
	if !ok {
		is = (n.Type != html.ElementNode || stays(n)) && shown(n.Parent, known)
		known[n] = is
	}
	return is
}

// clean goes through all that is below a node. It reports whether a player or a
// link to another form of the text went: a box that held nothing else goes along.
func (k *keeper) clean(parent *html.Node) (played bool) {
	for n := parent.FirstChild; n != nil; {
		next := n.NextSibling
		switch {
		case k.size > maxCut: // no use in going on
			return played
		case !k.keep(n):
			played = played || n.DataAtom == atom.Audio || n.DataAtom == atom.Video || n.DataAtom == atom.A || n.DataAtom == atom.Iframe || playerElement.MatchString(n.Data)
			parent.RemoveChild(n)
		case k.clean(n) && hollow(n):
			played = true
			parent.RemoveChild(n)
		}
		n = next
	}
	return played
}

// clearPlayers takes from a text what only plays it, or leads to another form of it:
// neither is a part of the text, nor one of its paragraphs.
func (k *keeper) clearPlayers(parent *html.Node) (played bool) {
	for n := parent.FirstChild; n != nil; {
		next := n.NextSibling
		if n.Type == html.ElementNode && (plays(n) || n.DataAtom == atom.A && k.leadsToForm(n) && !unlink(n) || k.clearPlayers(n) && hollow(n)) {
			played = true
			parent.RemoveChild(n)
		}
		n = next
	}
	return played
}

// keep makes one node fit to stay, or says that it cannot be.
func (k *keeper) keep(n *html.Node) bool {
	switch n.Type {
	case html.TextNode:
		if n.Parent.DataAtom == atom.Style {
			n.Data = k.taken.restyle(n.Data)
		}
		k.size += len(n.Data)
		return k.size <= maxCut && !k.taken.in(n.Data)
	case html.DoctypeNode: // other kinds than this one date from before phones
		n.Data, n.Attr = "html", nil
		return true
	case html.ElementNode:
		k.size += len(n.Data)
		return stays(n) && k.element(n)
	}
	return false // a comment
}

func (k *keeper) element(n *html.Node) bool {
	if n.Namespace == "" {
		switch n.DataAtom {
		case atom.Script:
			return k.structuredData(n)
		case atom.Meta:
			return k.meta(n)
		case atom.Link:
			if !link(n) {
				return false
			}
		case atom.Title:
			setText(n, k.shownTitle(n))
		case atom.Base:
			k.moved = k.moved || !k.local(attr(n, "href"))
		case atom.A:
			if k.leadsToForm(n) {
				return unlink(n)
			}
		case atom.Input:
			if strings.EqualFold(attr(n, "type"), "hidden") {
				return false
			}
		}
	}
	custom := n.Namespace == "" && n.DataAtom == 0
	kept := n.Attr[:0]
	for _, a := range n.Attr {
		if k.attribute(a, custom) {
			kept = append(kept, a)
			k.size += len(a.Key) + len(a.Val)
		}
	}
	n.Attr = kept
	switch n.DataAtom {
	case atom.Img:
		return !counts(n) && (hasAttr(n, "src") || hasAttr(n, "srcset"))
	case atom.Source:
		return hasAttr(n, "srcset")
	}
	return true
}

// unlink makes a link within a sentence a part of the sentence. Others go.
func unlink(n *html.Node) bool {
	if n.Parent.DataAtom != atom.P || !saysWord(n.PrevSibling) && !saysWord(n.NextSibling) {
		return false
	}
	n.Data, n.DataAtom, n.Attr = "span", atom.Span, nil
	return true
}

// nearLink is how much of a text is looked at for a word beside a link, in bytes:
// thousands of links can stand beside the same text.
const nearLink = 256

func saysWord(n *html.Node) bool {
	return n != nil && n.Type == html.TextNode &&
		(strings.ContainsFunc(n.Data[:min(nearLink, len(n.Data))], unicode.IsLetter) || strings.ContainsFunc(n.Data[max(0, len(n.Data)-nearLink):], unicode.IsLetter))
}

// shownTitle is a <title>, as short as the offer's, or that if it will not do.
func (k *keeper) shownTitle(n *html.Node) string {
	if n.FirstChild == nil || k.taken.in(n.FirstChild.Data) {
		return k.title
	}
	return plain(n.FirstChild.Data, maxTitle)
}

// local reports whether an address that others are relative to leaves them on
// this site. One that does not would take the offer's form elsewhere.
func (k *keeper) local(href string) bool {
	path, ok := strings.CutPrefix(href, k.resource.origin())
	return href == "" || strings.HasPrefix(path, "/") && (ok || !strings.HasPrefix(path, "//") && !strings.Contains(path, `\`))
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

func setAttr(n *html.Node, key, value string) {
	for i, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			n.Attr[i].Val = value
			return
		}
	}
	n.Attr = append(n.Attr, html.Attribute{Key: key, Val: value})
}

// setText makes a text all that a node holds.
func setText(n *html.Node, text string) {
	for n.FirstChild != nil {
		n.RemoveChild(n.FirstChild)
	}
	n.AppendChild(&html.Node{Type: html.TextNode, Data: text})
}
