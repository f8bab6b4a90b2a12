package teaser

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

// hostile are kinds of text that strangers can write on a page, of about a size.
var hostile = map[string]func(size int) string{
	"nested base64": nested(sentence(3), func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
	"base64 of base64s": nested(sentence(3), func(s string) string {
		b := base64.StdEncoding.EncodeToString([]byte(s))
		return b + "." + b
	}),
	"nested entities": nested("&lt;"+sentence(3), func(s string) string { return strings.ReplaceAll(s, "&", "&amp;") + s }),
	"nested percents": func(size int) string {
		once := url.PathEscape("%" + sentence(3))
		return strings.ReplaceAll(once, "%", "%"+strings.Repeat("25", size/2/strings.Count(once, "%")))
	},
	"script escapes":     repeated(`\u005cu005cu0041`),
	"many short base64s": repeated(base64.StdEncoding.EncodeToString([]byte(strings.Repeat(`%41`, 20))) + " "),
	"long words":         repeated("x"),
	"marks":              repeated("a\u0301\u0323"),
	"decompositions":     repeated("\ufdfa"),
	"Thai":               repeated("ระฆังดังขึ้นเหนือท่าเรือ"),
	"attributes":         repeated(`<i title="` + strings.Repeat("x y ", 60) + `"></i>`),
	"style sheets": func(size int) string {
		return "<style>" + repeated("a{background:url(/pic-after.jpg)}")(size/3) + "</style><p>" + repeated("url(")(size/2)
	},
	"elements":                 repeated("<p>x"),
	"formatting":               repeated("<p><b><i><u>"),
	"words that meet":          repeated("<p>The</p><p>bell</p><p>number</p><b>x y z w v u t s</b>"),
	"what stands twice":        repeated(sentence(3)),
	"what stands twice, apart": repeated(strings.ReplaceAll(sentence(3), " ", " <b></b>")),
	"noscript":                 repeated("<noscript><img src=/a.jpg></noscript><img data-src=/b.jpg>"),
	"pictures":                 repeated(`<img src="/a/b/c.jpg" srcset="/a 1x, /b 2x">`),
	"classes":                  repeated(`<b class="audio-player x listen tts"></b>`),
	"links":                    repeated(`<a href="/articles/bells/print?x=%41&y=print">x</a>`),
	"links after a number": func(size int) string {
		return repeated("1 ")(size/2) + repeated("<a href=/x.pdf></a>")(size/2)
	},
	"texts":        repeated("</article><article>x"),
	"hidden texts": repeated("</article><article hidden>x"),
	"texts in a style": func(size int) string {
		return `<div style="` + repeated("color:red;")(size/2) + `">` + repeated("</article><article>x")(size/2)
	},
	"players in one another": func(size int) string {
		return strings.Repeat("<div class=player>", 400) + repeated("x ")(size-400*18)
	},
	"boxes that players left": func(size int) string {
		return strings.Repeat("<div><audio></audio><a href=/x.pdf></a>", 400) + repeated(". ")(size-400*40) + "<p>x"
	},
	"players and no words": func(size int) string {
		return strings.Repeat("<div class=player>", 400) + repeated("<i>.</i>")(size-400*20) + "<p>x"
	},
	"buttons in one another": func(size int) string {
		return strings.Repeat("<div>", 400) + repeated("<button>x</button>")(size-400*5)
	},
}

func repeated(unit string) func(int) string {
	return func(size int) string { return strings.Repeat(unit, size/len(unit)) }
}

// nested is a text in as many encodings as the size leaves room for.
func nested(s string, encode func(string) string) func(int) string {
	return func(size int) string {
		for next := s; len(next) <= size; next = encode(s) {
			s = next
		}
		return s
	}
}

// hostilePages are pages of every kind, where strangers write before the text and
// after the cut.
func hostilePages(size int) map[string]string {
	text := paragraphs(1, 60) + "<img src=/pic-after.jpg>"
	pages := make(map[string]string)
	for kind, write := range hostile {
		strange := write(size - len(text))
		pages[kind+", in front"] = "<div><p>" + strange + "</div><article>" + text + "</article>"
		pages[kind+", after"] = "<article>" + text + "<div><p>" + strange + "</div></article>"
	}
	return pages
}

// TestWhateverStrangersWriteOnAPageTellsNothing cuts pages of an eighth of the greatest
// size, [TestNoPageTakesTenTimesTheStepsOfAnOrdinaryOne] those of nearly the greatest.
func TestWhateverStrangersWriteOnAPageTellsNothing(t *testing.T) {
	for name, page := range hostilePages(maxPage / 8) {
		cutHostile(t, name, page)
	}
}

func cutHostile(t *testing.T, name, page string) {
	t.Helper()
	out, err := cutter(t, article(2)).Cut([]byte(page), "Bells", testOrigin+"/articles/bells")
	if err == nil && bytes.Contains(append(out.Before, out.After...), []byte(sentence(40))) {
		t.Errorf("%s: the text after the cut is there", name)
	}
	t.Logf("%-36s %7d %v", name, len(page), err)
}
