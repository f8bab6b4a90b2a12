package teaser

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// What stays of a page's head.

var keptMeta = setOf(
	"description", "og:description", "twitter:description",
	"viewport", "theme-color", "color-scheme", "robots", "googlebot", "author", "format-detection", "application-name",
	"og:type", "og:url", "og:site_name", "og:locale", "og:title", "og:image", "og:image:url", "og:image:secure_url", "og:image:type",
	"og:image:width", "og:image:height", "article:published_time", "article:modified_time", "article:author", "article:section",
	"twitter:card", "twitter:site", "twitter:creator", "twitter:title", "twitter:image",
	"x-ua-compatible", "content-language")

// maxDescription is the longest description that stays, in characters. Longer ones
// are the text itself.
const maxDescription = 320

// describes reports whether a description is as long as one is: in fewer words it
// would not be known again if they stood after the cut.
func describes(content string) bool {
	words, _ := countWords(content, false)
	return words >= runLength && utf8.RuneCountInString(content) <= maxDescription
}

// meta makes a <meta> fit to stay: by name, and short. A title is the offer's. What
// describes the page in words of its own stays.
func (k *keeper) meta(n *html.Node) bool {
	name, content := strings.ToLower(attr(n, "name")+attr(n, "property")+attr(n, "http-equiv")), attr(n, "content")
	if !keptMeta[name] || attr(n, "itemprop") != "" {
		return false
	}
	switch {
	case name == "og:title" || name == "twitter:title":
		content = k.title
	case strings.HasSuffix(name, "description") && !describes(content), len(content) > maxAddress,
		formats.MatchString(content), k.taken.in(content), k.taken.shows(content):
		return false
	}
	kept := n.Attr[:0]
	for _, a := range n.Attr {
		switch a.Key {
		case "content":
			kept = append(kept, html.Attribute{Key: "content", Val: content})
		case "name", "property", "http-equiv", "media":
			kept = append(kept, a)
		}
	}
	n.Attr = kept
	return true
}

var keptLinks = setOf("stylesheet", "icon", "shortcut", "apple-touch-icon", "mask-icon", "canonical", "preconnect", "dns-prefetch",
	"author", "license")

// link makes a <link> fit to stay. A style sheet that a script would have put in
// its place stands there at once: no script will.
func link(n *html.Node) bool {
	rel := strings.ToLower(attr(n, "rel"))
	late := attr(n, "onload") != ""
	if rel == "preload" && attr(n, "as") == "style" && late {
		setAttr(n, "rel", "stylesheet")
		return true
	}
	if rel == "stylesheet" && attr(n, "media") == "print" && late {
		setAttr(n, "media", "all")
	}
	words := strings.Fields(rel)
	for _, word := range words {
		if !keptLinks[word] {
			return false
		}
	}
	return len(words) > 0
}
