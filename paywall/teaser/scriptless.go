package teaser

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A page that is cut has no scripts, but most browsers that show it run scripts
// elsewhere and do not render noscript. What the page says in there for readers
// without scripts is true for all readers now.

// withoutScripts makes a page one that needs no script to be seen. What is in a
// noscript takes the place of what waits for a script, before that is looked at.
func withoutScripts(doc *html.Node) {
	for _, n := range elements(doc) {
		switch {
		case n.Parent == nil: // it went
		case n.DataAtom == atom.Html, n.DataAtom == atom.Body:
			awake(n)
		case n.DataAtom == atom.Style && hasAttr(n, "amp-boilerplate"):
			n.Parent.RemoveChild(n) // hides the page until a script has come, or for eight seconds
		case n.DataAtom == atom.Noscript:
			unwrapNoscript(n)
		}
	}
	for _, n := range elements(doc) {
		switch {
		case n.Data == "amp-img" && n.Namespace == "":
			ampImage(n)
		case n.DataAtom == atom.Img, n.DataAtom == atom.Source:
			loadAtOnce(n)
		}
	}
}

func elements(doc *html.Node) (all []*html.Node) {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

// asleep are the classes by which a page waits for a script. "js" becomes "no-js".
var asleep = setOf("js", "js-enabled", "has-js", "loading", "is-loading", "page-loading", "preload", "is-preload", "preloading", "is-preloading",
	"async-hide", "wf-loading", "fonts-loading", "fouc", "no-fouc", "is-hidden", "not-ready", "cloak", "is-cloaked")

// awake shows a page that a script would have shown.
func awake(n *html.Node) {
	kept := n.Attr[:0]
	for _, a := range n.Attr {
		switch {
		case a.Key == "hidden", a.Key == "v-cloak", a.Key == "x-cloak", a.Key == "style" && (hidden.MatchString(a.Val) || strings.Contains(a.Val, "opacity")):
			continue
		case a.Key == "class":
			a.Val = withoutClasses(a.Val)
		}
		kept = append(kept, a)
	}
	n.Attr = kept
}

func withoutClasses(class string) string {
	words, changed := strings.Fields(class), false
	kept := words[:0]
	for _, word := range words {
		name := strings.ToLower(word)
		switch {
		case !asleep[name]:
			kept = append(kept, word)
			continue
		case name == "js":
			kept = append(kept, "no-js")
		}
		changed = true
	}
	if !changed {
		return class
	}
	return strings.Join(kept, " ")
}

// unwrapNoscript puts the pictures and style sheets of a noscript into its place.
// One that has neither asks for scripts, or counts visitors.
func unwrapNoscript(n *html.Node) {
	parent := n.Parent
	defer parent.RemoveChild(n)
	if n.FirstChild == nil {
		return
	}
	nodes, err := html.ParseFragment(strings.NewReader(n.FirstChild.Data), element("div"))
	if err != nil {
		return
	}
	picture := false
	for _, inner := range nodes {
		picture = picture || parent.DataAtom != atom.Head && holds(inner, isPicture)
	}
	if picture { // in the place of the one that waits for a script
		for _, beside := range []*html.Node{elementBeside(n, func(n *html.Node) *html.Node { return n.PrevSibling }), elementBeside(n, func(n *html.Node) *html.Node { return n.NextSibling })} {
			if beside != nil && (beside.DataAtom == atom.Img || beside.DataAtom == atom.Picture) && holds(beside, waits) {
				parent.RemoveChild(beside)
			}
		}
	}
	for _, inner := range nodes {
		if picture || isStyle(inner) {
			parent.InsertBefore(inner, n)
		}
	}
}

// elementBeside is the element next to a node, nil if there is text in between.
func elementBeside(n *html.Node, next func(*html.Node) *html.Node) *html.Node {
	for n = next(n); n != nil; n = next(n) {
		if n.Type == html.ElementNode {
			return n
		}
		if n.Type == html.TextNode && strings.TrimSpace(n.Data) != "" {
			return nil
		}
	}
	return nil
}

func holds(n *html.Node, what func(*html.Node) bool) bool {
	if what(n) {
		return true
	}
	for inner := range n.Descendants() {
		if what(inner) {
			return true
		}
	}
	return false
}

func isPicture(n *html.Node) bool { return n.DataAtom == atom.Img && stays(n) && !counts(n) }

// counts reports whether an image is a dot that only counts visitors.
func counts(n *html.Node) bool {
	return n.DataAtom == atom.Img && (dot[attr(n, "width")] || dot[attr(n, "height")])
}

var dot = setOf("0", "1", "0px", "1px")

// isStyle reports whether an element is a style sheet, other than AMP's that
// undoes what was taken away with it.
func isStyle(n *html.Node) bool {
	return n.DataAtom == atom.Style && !hasAttr(n, "amp-boilerplate") || n.DataAtom == atom.Link && strings.EqualFold(attr(n, "rel"), "stylesheet")
}

// Where scripts that load pictures late find them, in the order of preference.
var (
	lateSources = []string{"data-src", "data-lazy-src", "data-original", "data-lazy", "data-hi-res-src", "data-image"}
	lateSets    = []string{"data-srcset", "data-lazy-srcset", "data-original-set", "data-bgset"}
	lateClasses = setOf("lazy", "lazyload", "lazyloading", "lazy-load", "lazy-image", "b-lazy", "js-lazy", "lozad", "lazy-hidden", "blur-up", "is-lazy")
)

// waits reports whether a picture waits for a script to load it.
func waits(n *html.Node) bool {
	if n.DataAtom != atom.Img && n.DataAtom != atom.Source {
		return false
	}
	for _, a := range n.Attr {
		if strings.HasPrefix(a.Key, "data-") && strings.ContainsAny(a.Val, "/.") {
			return true
		}
	}
	src := attr(n, "src")
	return src == "" && attr(n, "srcset") == "" || strings.HasPrefix(src, "data:") || strings.Contains(attr(n, "style"), "opacity")
}

// loadAtOnce gives a picture the address that a script would have given it.
func loadAtOnce(n *html.Node) {
	src, set := firstAttr(n, lateSources), firstAttr(n, lateSets)
	if src == "" && set == "" {
		return
	}
	if src != "" {
		setAttr(n, "src", src)
	}
	if set != "" {
		setAttr(n, "srcset", set)
	}
	kept := n.Attr[:0]
	for _, a := range n.Attr {
		switch {
		case strings.HasPrefix(a.Key, "data-"), a.Key == "style" && strings.Contains(a.Val, "opacity"):
			continue
		case a.Key == "class":
			words := strings.Fields(a.Val)
			a.Val = strings.Join(slices.DeleteFunc(words, func(word string) bool { return lateClasses[strings.ToLower(word)] }), " ")
		}
		kept = append(kept, a)
	}
	n.Attr = kept
}

func firstAttr(n *html.Node, keys []string) string {
	for _, key := range keys {
		if value := attr(n, key); value != "" {
			return value
		}
	}
	return ""
}

func hasAttr(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

// ampImage makes an image of AMP's element, which shows nothing without its script.
func ampImage(n *html.Node) {
	kept := []html.Attribute{{Key: "style", Val: "max-width:100%;height:auto"}}
	for _, a := range n.Attr {
		switch a.Key {
		case "src", "srcset", "sizes", "alt", "title", "width", "height", "class", "id":
			kept = append(kept, a)
		}
	}
	n.Data, n.DataAtom, n.Attr = "img", atom.Img, kept
	for n.FirstChild != nil { // a placeholder, or a noscript with the same image
		n.RemoveChild(n.FirstChild)
	}
}
