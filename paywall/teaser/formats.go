package teaser

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// The same text again, in another form: to listen to, to print, as a book, on the
// next page.

// formats are the endings of files that hold a text, or somebody who reads it.
var formats = regexp.MustCompile(`(?i)\.(?:mp3|m4[abpv]|aac|og[agvx]|opus|wave?|flac|weba|webm|wma|aiff?|amr|spx|m3u8?|pls|mpd|ism|f4[amv]|mp4|mpe?g|mov|avi|mkv|wmv|3gp|` +
	`pdf|epub|mobi|azw3?|kfx|kepub|fb2|djvu?|cb[rz]|docx?|odt|rtf|pages|ps|zip|gz|tgz|7z|rar|vtt|srt|ttml)(?:$|[?#&"'\s<>(),;:|/\\\]}])`)

// says are words by which addresses tell another form of a page from the page.
var says = setOf("print", "printable", "printer", "printversion", "print-version", "amp", "pdf", "epub", "ebook", "audio", "listen", "podcast", "tts", "speech",
	"read-aloud", "readaloud", "download", "downloads", "export", "text", "txt", "plain", "raw", "source", "markdown", "md", "full", "fulltext", "full-text", "all", "showall", "single",
	"single-page", "singlepage", "mobile", "m", "lite", "reader", "json", "xml", "api", "feed", "rss", "atom", "embed", "oembed", "page", "paged", "pg", "part", "format", "output",
	"outputtype", "view", "mode", "type", "tmpl", "layout", "version", "transcript")

// resource is the address of the page that is cut.
type resource struct {
	*url.URL
	slug string // the last part of its path, "" if that says nothing
}

// newResource reads an address whose path is decoded: "https://news.example/café?p=7".
func newResource(address string) resource {
	scheme, rest, _ := strings.Cut(address, "://")
	host, p, below := strings.Cut(rest, "/")
	if below {
		p = "/" + p
	}
	p, query, _ := strings.Cut(p, "?")
	u := &url.URL{Scheme: scheme, Host: host, Path: p, RawQuery: query}
	slug := stem(path.Base(u.Path))
	if slug == "index" {
		slug = stem(path.Base(path.Dir(u.Path)))
	}
	if len(slug) < 3 || says[slug] {
		slug = ""
	}
	return resource{u, slug}
}

func (r resource) origin() string { return r.Scheme + "://" + r.Host }

func stem(name string) string {
	name = strings.ToLower(name)
	return strings.TrimSuffix(name, path.Ext(name))
}

// otherForm reports whether an address leads to the same text in another form.
func (r resource) otherForm(address string) bool {
	if formats.MatchString(address) || strings.Contains(address, "%") && formats.MatchString(unescape(address)) {
		return true
	}
	u, err := r.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || r.Path == "" && r.RawQuery == "" {
		return false
	}
	if u.Host != r.Host {
		return r.slug != "" && r.names(u) && (saysSo(u.Path) || says[strings.ToLower(strings.SplitN(u.Host, ".", 2)[0])])
	}
	own := strings.TrimSuffix(r.Path, "/")
	rest, below := strings.CutPrefix(strings.TrimSuffix(u.Path, "/"), own)
	switch {
	case below && rest == "":
		return u.RawQuery != r.RawQuery && r.sameQuery(u) && saysInQuery(u)
	case below && own != "" && rest[0] == '/':
		return saysSo(rest) || strings.Trim(rest, "/0123456789") == ""
	case below && own != "" && rest[0] == '.':
		return true
	}
	return r.slug != "" && r.names(u) && (saysSo(u.Path) || saysInQuery(u))
}

// names reports whether an address is about the page, by a part of its path.
func (r resource) names(u *url.URL) bool {
	for part := range strings.SplitSeq(u.Path, "/") {
		if stem(part) == r.slug {
			return true
		}
	}
	return u.Host == r.Host && strings.Contains(strings.ToLower(u.RawQuery), r.slug)
}

// sameQuery reports whether an address has all of the page's query.
func (r resource) sameQuery(u *url.URL) bool {
	theirs := u.Query()
	for key, values := range r.Query() {
		if theirs.Get(key) != values[0] {
			return false
		}
	}
	return true
}

func saysSo(p string) bool {
	for part := range strings.SplitSeq(strings.ToLower(p), "/") {
		if says[part] || says[stem(part)] || says[strings.TrimPrefix(path.Ext(part), ".")] {
			return true
		}
	}
	return false
}

func saysInQuery(u *url.URL) bool {
	for key, values := range u.Query() {
		if says[strings.ToLower(key)] || len(values) > 0 && says[strings.ToLower(values[0])] {
			return true
		}
	}
	return false
}

// leadsToForm reports whether a link leads to the text in another form, or loads it.
func (k *keeper) leadsToForm(n *html.Node) bool {
	for _, a := range n.Attr {
		switch a.Key {
		case "download":
			return true
		case "type":
			media, _, _ := strings.Cut(strings.ToLower(a.Val), "/")
			if media == "audio" || media == "video" || media == "application" {
				return true
			}
		case "rel":
			for rel := range strings.FieldsSeq(strings.ToLower(a.Val)) {
				if rel == "enclosure" || rel == "alternate" || rel == "amphtml" {
					return true
				}
			}
		case "href":
			if k.resource.otherForm(a.Val) {
				return true
			}
		}
	}
	return false
}

// playerNames are parts of the names of custom elements and classes that play or
// read a text aloud. No script is left that could.
var (
	playerElement = regexp.MustCompile(`(?:^|-)(?:audio|video|player|podcast|playlist|iframe|embed|youtube|vimeo|dailymotion|brightcove|jwplayer|spotify|soundcloud|listen|speech|tts|media)(?:-|$)`)
	playerClass   = regexp.MustCompile(`(?i)(?:^|[\s_-])(?:audio|podcast|tts|read-?aloud|listen|speech|player|beyondwords|trinity|speechify|readspeaker|audionative)(?:$|[\s_-])`)
)

// maxPlayerWords is how many words a box has that only plays: a name, a time.
const maxPlayerWords = 20

// plays reports whether an element of the text is a box that only plays.
func plays(n *html.Node) bool {
	if n.DataAtom == atom.Button {
		return attr(n, "popovertarget") == "" && !inForm(n)
	}
	if !playerClass.MatchString(attr(n, "class")) && !playerClass.MatchString(attr(n, "id")) || !small(n) {
		return false
	}
	words := walk{}
	words.count(n)
	if words.words > maxPlayerWords {
		return false
	}
	for inner := range n.Descendants() {
		if inner.DataAtom == atom.Img || inner.DataAtom == atom.P {
			return false
		}
	}
	return n.DataAtom != atom.P
}

// small reports whether a box holds at most a thousand nodes and bytes of text. Others
// are not looked through: hundreds of boxes can stand in one another.
func small(n *html.Node) bool {
	left := 1 << 10
	for inner := range n.Descendants() {
		left--
		if inner.Type == html.TextNode && !muted(inner.Parent) {
			left -= len(inner.Data)
		}
		if left < 0 {
			return false
		}
	}
	return true
}

func inForm(n *html.Node) bool {
	for outer := range n.Ancestors() {
		if outer.DataAtom == atom.Form {
			return true
		}
	}
	return false
}

// hollow reports whether a box from which a player or a link went holds nothing
// else that could be read or seen.
func hollow(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Html, atom.Head, atom.Body, atom.Main, atom.Article, atom.Td, atom.Th:
		return false
	}
	if !small(n) {
		return false
	}
	figure := n.DataAtom == atom.Figure // its caption alone is none
	for inner := range n.Descendants() {
		switch {
		case inner.DataAtom == atom.Img || inner.DataAtom == atom.Svg || inner.DataAtom == atom.Input || inner.DataAtom == atom.Table || inner.DataAtom == atom.P:
			return false
		case inner.Type == html.TextNode && !figure && strings.ContainsFunc(inner.Data, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }):
			return false
		}
	}
	return true
}
