package teaser

import (
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	// maxPage is how much of a page is read, in bytes after decoding. Longer
	// pages are described by what stands before that.
	maxPage = 1 << 20
	// maxToken bounds one tag, comment or run of text, in bytes: it is all that
	// is ever in memory. Inlined images and scripts are the usual offenders.
	maxToken = 256 << 10
	// fewWords are too few to be what a page with sound or pictures in motion is
	// sold for: an album's notes, a film's summary.
	fewWords = 300
	// maxTitle bounds what is handed out, in runes: an offer that carries the
	// title travels in a URL.
	maxTitle = 160
)

// Head is what a page says about itself. All of it is plain text: white space
// is single spaces, and no control or direction characters are left.
type Head struct {
	Title string // og:title, else <title>; at most 160 runes
	Words int    // of the longest <article>, else of <main>, else of <body>; 0 if there are none, or few beside a player
}

// ReadHead reads an HTML page in UTF-8 (see [Decode]), at most 1 MiB of it, and
// stops there. The error is the reader's: what was found before it is returned
// with it. A page cannot be malformed; whatever a browser would show is read.
func ReadHead(r io.Reader) (Head, error) {
	z := html.NewTokenizer(io.LimitReader(r, maxPage))
	z.SetMaxBuf(maxToken)
	var s scanner
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) && !errors.Is(err, html.ErrBufferExceeded) {
				return s.head(), err
			}
			return s.head(), nil
		case html.StartTagToken, html.SelfClosingTagToken: // HTML ignores the slash in "<article/>"
			s.open(z)
		case html.EndTagToken:
			name, _ := z.TagName()
			s.close(atom.Lookup(name))
		case html.TextToken:
			s.text(z.Text())
		}
	}
}

// scanner follows the tags of one page.
type scanner struct {
	title, ogTitle string

	inTitle bool
	mute    atom.Atom // the outermost element without words that we are in
	muted   int       // its depth; 0: in none

	articles, mains     int // depth
	article, main, body int // words so far
	longest             int // words of the longest article
	sawArticle, sawMain bool
	plays               bool // has something to listen to or to watch
	inWord              bool // the text before ended within a word, and only inline tags came since
}

// muteTag reports whether an element holds no words that a reader reads.
func muteTag(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Template, atom.Noscript, atom.Svg, atom.Nav,
		atom.Iframe, atom.Select, atom.Textarea, atom.Button, atom.Dialog, atom.Object:
		return true
	}
	return false
}

// inline reports whether an element leaves the word around it whole.
func inline(a atom.Atom) bool {
	switch a {
	case atom.A, atom.Abbr, atom.B, atom.Bdi, atom.Bdo, atom.Cite, atom.Code, atom.Del, atom.Em, atom.I,
		atom.Ins, atom.Kbd, atom.Mark, atom.Q, atom.S, atom.Small, atom.Span, atom.Strong, atom.Sub,
		atom.Sup, atom.Time, atom.U, atom.Wbr, 0:
		return true
	}
	return false
}

func (s *scanner) open(z *html.Tokenizer) {
	name, hasAttr := z.TagName()
	tag := atom.Lookup(name)
	if !inline(tag) {
		s.inWord = false
	}
	if s.muted > 0 {
		if tag == s.mute {
			s.muted++
		}
		return
	}
	if muteTag(tag) {
		s.mute, s.muted = tag, 1
		return
	}
	switch tag {
	case atom.Title:
		s.inTitle = true
	case atom.Meta:
		if hasAttr {
			s.meta(z)
		}
	case atom.Article:
		if s.articles == 0 {
			s.article = 0
		}
		s.articles++
		s.sawArticle = true
	case atom.Main:
		s.mains++
		s.sawMain = true
	case atom.Audio, atom.Video:
		s.plays = true
	}
}

func (s *scanner) close(tag atom.Atom) {
	if !inline(tag) {
		s.inWord = false
	}
	if s.muted > 0 {
		if tag == s.mute {
			s.muted--
		}
		return
	}
	switch tag {
	case atom.Title:
		s.inTitle = false
	case atom.Article:
		s.articles = max(0, s.articles-1)
		s.longest = max(s.longest, s.article)
	case atom.Main:
		s.mains = max(0, s.mains-1)
	}
}

func (s *scanner) text(text []byte) {
	if s.muted > 0 {
		return
	}
	if s.inTitle {
		if s.title == "" {
			s.title = plain(string(text), maxTitle)
		}
		return
	}
	n, open := countWords(string(text), s.inWord)
	s.inWord = open
	s.body += n
	if s.articles > 0 {
		s.article += n
	}
	if s.mains > 0 {
		s.main += n
	}
}

func (s *scanner) meta(z *html.Tokenizer) {
	var name, content string
	for more := true; more; {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch string(key) {
		case "name", "property":
			name = strings.ToLower(string(value))
		case "content":
			content = string(value)
		}
	}
	if name == "og:title" && s.ogTitle == "" {
		s.ogTitle = plain(content, maxTitle)
	}
}

func (s *scanner) head() Head {
	h := Head{Title: s.ogTitle, Words: s.body}
	if h.Title == "" {
		h.Title = s.title
	}
	switch {
	case s.sawArticle:
		h.Words = max(s.longest, s.article)
	case s.sawMain:
		h.Words = s.main
	}
	if s.plays && h.Words < fewWords {
		h.Words = 0
	}
	return h
}
