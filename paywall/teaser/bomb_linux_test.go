package teaser

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// worked is how long this thread has had a processor.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	const thread = 1 // RUSAGE_THREAD
	if err := syscall.Getrusage(thread, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// TestWhateverStrangersWriteOnAPageTellsNothing, and the log says how long each page
// took: at most 105 ms on a quiet machine. Reading the page into a tree, which every
// page takes, is not counted.
func TestWhateverStrangersWriteOnAPageTellsNothing(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	nest := func(s string, encode func(string) string) string {
		for len(s) < 480<<10 {
			next := encode(s)
			if len(next) > maxPage*9/10 {
				break
			}
			s = next
		}
		return s
	}
	text := paragraphs(1, 60)
	half := strings.Repeat(sentence(3), 7000)
	for name, page := range map[string]string{
		"nested base64":            nest(sentence(3), func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
		"base64 of base64s":        nest(sentence(3), func(s string) string { b := base64.StdEncoding.EncodeToString([]byte(s)); return b + "." + b }),
		"nested percents":          nest("%41"+sentence(3), url.PathEscape),
		"nested entities":          nest("&lt;"+sentence(3), func(s string) string { return strings.ReplaceAll(s, "&", "&amp;") + s }),
		"script escapes":           strings.Repeat(`\u005cu005cu0041`, 60_000),
		"many short base64s":       strings.Repeat(base64.StdEncoding.EncodeToString([]byte(strings.Repeat(`%41`, 20)))+" ", 8000),
		"long words":               strings.Repeat("x", 900<<10),
		"marks":                    strings.Repeat("a\u0301\u0323", 180_000),
		"decompositions":           strings.Repeat("\ufdfa", 300_000),
		"Thai":                     strings.Repeat("ระฆังดังขึ้นเหนือท่าเรือ", 12_000),
		"attributes":               strings.Repeat(`<i title="`+strings.Repeat("x y ", 60)+`"></i>`, 3400),
		"style sheets":             "<style>" + strings.Repeat("a{background:url(/pic-behind.jpg)}", 7000) + "</style><p>" + strings.Repeat("url(", 100_000),
		"elements":                 strings.Repeat("<p>x", 250_000),
		"formatting":               strings.Repeat("<p><b><i><u>", 40_000),
		"words that meet":          strings.Repeat("<p>The</p><p>bell</p><p>number</p><b>x y z w v u t s</b>", 15_000),
		"what stands twice":        half,
		"what stands twice, apart": strings.ReplaceAll(half, " ", " <b></b>"),
		"noscript":                 strings.Repeat("<noscript><img src=/a.jpg></noscript><img data-src=/b.jpg>", 15_000),
		"pictures":                 strings.Repeat(`<img src="/a/b/c.jpg" srcset="/a 1x, /b 2x">`, 20_000),
		"classes":                  strings.Repeat(`<b class="audio-player x listen tts"></b>`, 20_000),
		"links":                    strings.Repeat(`<a href="/articles/bells/print?x=%41&y=print">x</a>`, 18_000),
	} {
		for place, page := range map[string]string{
			"in front": "<div><p>" + page + "</div><article>" + text + "<img src=/pic-behind.jpg></article>",
			"behind":   "<article>" + text + "<img src=/pic-behind.jpg><div><p>" + page + "</div></article>",
		} {
			name := name + ", " + place
			if len(page) > maxPage {
				t.Errorf("%s: %d bytes are more than are cut", name, len(page))
			}
			c := cutter(t, article(2))
			began := worked(t)
			if _, err := html.Parse(strings.NewReader(page)); err != nil {
				t.Fatal(err)
			}
			parsed := worked(t)
			out, err := c.Cut([]byte(page), "Bells", testOrigin+"/articles/bells")
			took := worked(t) - parsed - (parsed - began)
			if err == nil && bytes.Contains(append(out.Before, out.After...), []byte(sentence(40))) {
				t.Errorf("%s: the text behind the cut is there", name)
			}
			t.Logf("%-36s %8s %v", name, took.Round(time.Millisecond), err)
		}
	}
}
