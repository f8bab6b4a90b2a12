package teaser

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

// spelled are the ways in which a page says a sentence a second time.
var spelled = map[string]func(string) string{
	"plain":    func(s string) string { return s },
	"capitals": strings.ToUpper,
	"entities": func(s string) string {
		var b strings.Builder
		for _, r := range s {
			fmt.Fprintf(&b, "&#%d;", r)
		}
		return b.String()
	},
	"entities twice": func(s string) string { return html.EscapeString(strings.ReplaceAll(s, " ", "&#32;")) },
	"soft hyphens":   func(s string) string { return strings.ReplaceAll(s, "o", "o&shy;") },
	"spans":          func(s string) string { return "<span>" + strings.ReplaceAll(s, " ", "</span> <span>") + "</span>" },
	"letters apart":  func(s string) string { return strings.ReplaceAll(s, "e", "<b>e</b>") },
	"percent": func(s string) string {
		return url.PathEscape(s)
	},
	"percent all": func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
		return b.String()
	},
	"query": url.QueryEscape,
	"script": func(s string) string {
		var b strings.Builder
		for _, r := range s {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		return b.String()
	},
	"json": func(s string) string {
		b, _ := json.Marshal(map[string]string{"body": s})
		return html.EscapeString(string(b))
	},
	"base64":              func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 in a path":    func(s string) string { return "/x/" + base64.RawURLEncoding.EncodeToString([]byte(s)) + "/y" },
	"base64 in percent":   func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("x" + s))) },
	"percent in base64":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte(url.PathEscape(s))) },
	"json in base64":      func(s string) string { b, _ := json.Marshal([]string{s}); return base64.StdEncoding.EncodeToString(b) },
	"percent in percents": func(s string) string { return url.PathEscape(url.PathEscape(s)) },
}

// spots are the places where it does; "%s" is the sentence.
var spots = []string{
	"<p>%s</p>", "<nav><a href=/>%s</a></nav>", "<button>%s</button>", "<select><option>%s</option></select>", "<title>%s</title>", "<!--%s-->", "<style>p::after{content:\"%s\"}</style>",
	"<script>var x = \"%s\"</script>", "<script type=application/json>{\"a\":\"%s\"}</script>", "<noscript>%s</noscript>", "<template><p>%s</template>", "<textarea>%s</textarea>", "<iframe srcdoc=\"%s\"></iframe>",
	"<script type=application/ld+json>{\"@type\":\"NewsArticle\",\"articleBody\":\"%s\",\"headline\":\"%s\",\"author\":[{\"name\":\"%s\"}],\"url\":\"/?t=%s\"}</script>",
	"<meta name=description content=\"%s\">", "<meta property=og:image content=\"/x?%s\">", "<meta name=author content=\"%s\">", "<meta itemprop=articleBody content=\"%s\">",
	"<img src=/x alt=\"%s\">", "<img src=\"/x?text=%s\">", "<img src=\"data:image/svg+xml,%s\">", "<img src=\"data:image/svg+xml;base64,%s\">", "<a href=\"mailto:?body=%s\" title=\"%s\">x</a>", "<a href=\"#:~:text=%s\">x</a>",
	"<div data-body=\"%s\" class=\"%s\" id=\"%s\" style=\"--x:'%s'\" aria-label=\"%s\">x</div>", "<x-article text=\"%s\"></x-article>", "<svg><title>%s</title><text>%s</text><desc>%s</desc></svg>", "<video poster=\"/%s\"><track src=\"%s\"></video>",
	"<img alt=%s src=/x>", "<img alt=\"a \"%s\" b\" src=/x>", "<!doctype html public \"%s\">",
	"<input value=\"%s\" placeholder=\"%s\">", "<details><summary>%s</summary></details>", "<div hidden>%s</div>", "<link rel=preload as=fetch href=\"/%s\">", "<link rel=canonical href=\"/?%s\">", "<table><caption>%s</caption></table>",
}

// leaks answers what of the text after the cut a page still says, in whatever
// way: the page is read as a browser would, and every string of it decoded.
func leaks(page, after string) []string {
	var said strings.Builder
	add := func(s string) {
		for range 5 {
			said.WriteString(letters(s) + "\n")
			var more strings.Builder
			for _, run := range base64ish.FindAllString(s, -1) {
				decodeBase64(run, func(decoded string) { more.WriteString("\n" + decoded) })
			}
			s = unescape(s) + more.String()
		}
	}
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return []string{err.Error()}
	}
	var all strings.Builder
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			add(a.Val)
		}
		if n.Type != html.ElementNode {
			add(n.Data)
			all.WriteString(n.Data)
		}
	}
	add(all.String())
	add(page)
	var found []string
	for _, s := range strings.SplitAfter(after, ".") {
		if s = letters(s); s != "" && strings.Contains(said.String(), s) {
			found = append(found, s)
		}
	}
	return found
}

// letters is what is left of a text without all that is between letters.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

// shows reports whether a reader reads more than an "x" in a part of a page.
func shows(part string) bool {
	doc, err := html.Parse(strings.NewReader(part))
	if err != nil {
		return true
	}
	var text strings.Builder
	var read func(*html.Node)
	read = func(n *html.Node) {
		if n.Type == html.TextNode {
			text.WriteString(n.Data)
		}
		for child := range n.ChildNodes() {
			if !muteTag(child.DataAtom) {
				read(child)
			}
		}
	}
	read(doc)
	return len(letters(text.String())) > 1
}

func TestNoSentenceBehindTheCutIsLeftInAnySpelling(t *testing.T) {
	text := "<article>" + paragraphs(1, 9) + "</article>"
	for how, spell := range spelled {
		for _, spot := range spots {
			second := strings.ReplaceAll(spot, "%s", spell(sentence(7)))
			pages := []string{second + text, text + second, "<body>" + second + "<div>" + text + "</div>" + second}
			if !shows(second) { // else it is given away
				pages = append(pages, strings.Replace(text, "<p>", second+"<p>", 1))
			}
			for _, page := range pages {
				if got := leaks(cut(t, article(2), page), sentence(7)); got != nil {
					t.Fatalf("%s in %s: %q in\n%s", how, spot, got, cut(t, article(2), page))
				}
			}
		}
	}
}

// TestSentencesBehindTheCutNeverStay does the same for pages of every shape.
func TestSentencesBehindTheCutNeverStay(t *testing.T) {
	var ways []string
	for how := range spelled {
		ways = append(ways, how)
	}
	containers := []string{"article", "div class=post", "main", "section"}
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(4, 12).Draw(r, "paragraphs")
		free := rapid.IntRange(1, 3).Draw(r, "free")
		second := func(label string) string {
			var b strings.Builder
			for range rapid.IntRange(0, 3).Draw(r, label) {
				spot := rapid.SampledFrom(spots).Draw(r, "spot")
				say := sentence(rapid.IntRange(1, n).Draw(r, "sentence"))
				b.WriteString(strings.ReplaceAll(spot, "%s", spelled[rapid.SampledFrom(ways).Draw(r, "spelling")](say)))
			}
			return b.String()
		}
		var b strings.Builder
		b.WriteString("<!doctype html><head>" + second("head") + "</head><body>" + second("before"))
		in := rapid.SampledFrom(containers).Draw(r, "container")
		fmt.Fprintf(&b, "<%s class=text>", in)
		for i := range n {
			inner := rapid.SampledFrom([]string{"<p>%s</p>", "<div><p>%s</div>", "<p>%s", "<blockquote><p><em>%s</em></blockquote>", "<h2>x</h2><p>%s</p>"}).Draw(r, "shape")
			b.WriteString(strings.ReplaceAll(inner, "%s", sentence(i+1)))
			if again := second("inside"); i >= free || !shows(again) { // else it may stand before the cut, and is given away
				b.WriteString(again)
			}
		}
		b.WriteString("</" + strings.Fields(in)[0] + ">" + second("after"))
		selector, _, _ := strings.Cut(in, " ")
		rule := Rule{Selector: selector, Paragraphs: free}
		if rapid.Bool().Draw(r, "by words") {
			rule = Rule{Selector: selector, Words: 12 * free}
		}
		out, err := cutter(t, rule).Cut([]byte(b.String()), "Bells", testOrigin)
		if err != nil {
			return // nothing is shown
		}
		page := string(out.Before) + string(out.After)
		most := min(free, n)
		for i := most + 1; i <= n; i++ {
			if got := leaks(page, sentence(i)); got != nil {
				r.Fatalf("sentence %d of %d, %d free: %q\n%s\nof\n%s", i, n, free, got, page, b.String())
			}
		}
	})
}

// FuzzCut: whatever a page is made of, the sentences at its end do not get out,
// and what gets out is a page with one place for the offer.
func FuzzCut(f *testing.F) {
	for _, spot := range spots {
		f.Add(strings.ReplaceAll(spot, "%s", sentence(7)), "<p>", "</p>")
	}
	f.Add("<table><tr><td>", "<p><b><a href=x>", "</table>")
	f.Add("<svg><p>", "<select>", "<template>")
	f.Add("<form><a>", "<plaintext>", "<frameset>")
	f.Add("<noscript><img src=x>", "<noscript><p>", "</noscript>")
	f.Add("<html class=js><body hidden><amp-img src=/x><figure><audio src=x>", "<div class=player><button>", "<img data-src=/x><amp-audio>")
	f.Add("<style>p{background:url(/x.jpg)}</style><a href=?print=1>", "<p>ระฆังดังขึ้นเหนือท่าเรือ<img src=/x.jpg>", "<a href=/x.pdf>ระฆังดังขึ้นเหนือท่าเรือ")
	f.Add("<math><mtext><table><mglyph><style>", "<p>", "<!--</style>")
	rules := []Rule{article(2), {Selector: "article", Words: 20}, {Selector: "body", Paragraphs: 1}}
	f.Fuzz(func(t *testing.T, before, open, after string) {
		if len(before)+len(open)+len(after) > 300 || strings.Contains(before+open+after, "bell") && len(before) > 0 {
			return // enough words made up, and half of all comes to the end of ours
		}
		page := before + "<article>" + paragraphs(1, 3) + open + paragraphs(4, 16) + "</article>" + after
		for _, rule := range rules {
			out, err := cutter(t, rule).Cut([]byte(page), "Bells", testOrigin)
			if err != nil {
				continue
			}
			cut := string(out.Before) + string(out.After)
			for i := 15; i <= 16; i++ {
				if !inElement(t, page, rule.Selector, sentence(i)) {
					continue // something ended the article
				}
				if got := leaks(cut, sentence(i)); got != nil {
					t.Fatalf("%+v: %q\n%s\nof\n%s", rule, got, cut, page)
				}
			}
			if strings.Count(cut, `class="`+CutClass+`"`) != 1 && !strings.Contains(page, CutClass) {
				t.Fatalf("%+v: not one place for the offer\n%s\nof\n%s", rule, cut, page)
			}
		}
	})
}

// inElement reports whether a browser finds a text within an element.
func inElement(t *testing.T, page, name, text string) bool {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.TextNode || !strings.Contains(n.Data, text) {
			continue
		}
		for outer := range n.Ancestors() {
			if outer.Data == name {
				return true
			}
		}
	}
	return false
}

func BenchmarkCut(b *testing.B) {
	page := "<!doctype html><title>Bells</title><body><article>" + paragraphs(1, 200) + "</article>"
	c := cutter(b, article(3))
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Cut([]byte(page), "Bells", testOrigin); err != nil {
			b.Fatal(err)
		}
	}
}
