package teaser

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func TestHeadOfAPage(t *testing.T) {
	for _, tc := range []struct {
		name, page string
		want       Head
	}{
		{"nothing", "", Head{}},
		{"title", "<title> The\n  penny &amp; post </title><body>One two three.", Head{Title: "The penny & post", Words: 3}},
		{
			"open graph goes first",
			`<title>Site: Bells</title><meta name=description content="plain"><META PROPERTY='og:title' content='Bells'/>`,
			Head{Title: "Bells"},
		},
		{"an empty open graph title does not", `<meta property="og:title" content=" "><title>Bells</title>`, Head{Title: "Bells"}},
		{"the first title counts", `<title>One</title><title>Two</title>`, Head{Title: "One"}},
		{"a drawing's title is a tooltip", `<svg><title>icon</title></svg><title>Bells</title>`, Head{Title: "Bells"}},
		{"article before main before body", `<body>a b c d<main>e f g<article>h i</article></main>`, Head{Words: 2}},
		{"main", `<body>a b c d<main>e f g</main>`, Head{Words: 3}},
		{"the longest article", `<article>a</article><article>b c d</article><article>e f</article>`, Head{Words: 3}},
		{"a comment inside an article is part of it", `<article>a b<article>c</article>d</article>`, Head{Words: 4}},
		{"an article that nobody closed", `<article><p>a b<p>c`, Head{Words: 3}},
		{"code is not words", `<article>a<script>var b = "c d"</script><style>e f</style><template>g</template><noscript>h</noscript></article>`, Head{Words: 1}},
		{"menus are not words", `<body><nav>a b c<nav>d</nav>e</nav>f`, Head{Words: 1}},
		{"mark-up inside a word", `<p>li<b>ght</b>house&shy;s<p>keeper`, Head{Words: 2}},
		{"blocks end words", `<ul><li>one<li>two</ul>three<br>four`, Head{Words: 4}},
		{"dashes alone are no words", `<p>tide — and – time *`, Head{Words: 3}},
		{"apostrophes and hyphens stay inside", `<p>don't well-known 1,000`, Head{Words: 3}},
		{"han is counted by the character", `<p>灯台の光 and more`, Head{Words: 6}},
		{"an album's notes are not what is sold", `<article>a b c<audio src=x></audio>d</article>`, Head{}},
		{"nor a film's summary", `<main>a b c<video></video></main>`, Head{}},
		{"an essay with a film is read", `<article><video></video>` + strings.Repeat("word ", fewWords) + `</article>`, Head{Words: fewWords}},
		{"right to left override", "<title>abc\u202edef\u2066\u200b\x07</title>", Head{Title: "abcdef"}},
		{"tags in a title are text", `<title><b>Bells</b></title>`, Head{Title: "<b>Bells</b>"}},
		{"invalid UTF-8", "<title>a\xffb</title>", Head{Title: "a\ufffdb"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tc.page), iotest.OneByteReader(strings.NewReader(tc.page))} {
				got, err := ReadHead(r)
				if err != nil || got != tc.want {
					t.Errorf("%+v, %v; want %+v", got, err, tc.want)
				}
			}
		})
	}
}

func TestTitlesAreShort(t *testing.T) {
	for _, n := range []int{maxTitle - 1, maxTitle, maxTitle + 1, 10_000} {
		long := strings.Repeat("é", n)
		head, err := ReadHead(strings.NewReader("<title>" + long + "</title>"))
		if err != nil {
			t.Fatal(err)
		}
		want := long
		if n > maxTitle {
			want = strings.Repeat("é", maxTitle-1) + "…"
		}
		if head.Title != want {
			t.Errorf("a title of %d runes became %d: …%s", n, utf8.RuneCountInString(head.Title), head.Title[max(0, len(head.Title)-8):])
		}
	}
}

func TestReadingStopsAfterAMegabyte(t *testing.T) {
	r := &endless{line: []byte("<p>word word word word ")}
	head, err := ReadHead(r)
	if err != nil || head.Words < 10_000 {
		t.Errorf("%+v, %v", head, err)
	}
	if r.read > maxPage+64<<10 {
		t.Errorf("read %d bytes", r.read)
	}
}

func TestOneHugeTokenEndsThePage(t *testing.T) {
	page := "<title>Bells</title><body>one two<script>" + strings.Repeat("x", 2*maxToken) + "</script>three"
	head, err := ReadHead(strings.NewReader(page))
	if err != nil || head != (Head{Title: "Bells", Words: 2}) {
		t.Errorf("%+v, %v", head, err)
	}
}

func TestACutPageHasWhatCameBefore(t *testing.T) {
	cut := errors.New("cut")
	page := io.MultiReader(strings.NewReader("<title>Bells</title><article>one two"), iotest.ErrReader(cut))
	head, err := ReadHead(page)
	if !errors.Is(err, cut) || head != (Head{Title: "Bells", Words: 2}) {
		t.Errorf("%+v, %v", head, err)
	}
}

func TestEncodingsAreUnderstood(t *testing.T) {
	for _, tc := range []struct{ name, contentType, page string }{
		{"header", "text/html; charset=iso-8859-1", "<title>caf\xe9</title>"},
		{"meta", "text/html", "<meta charset=windows-1252><title>caf\xe9</title>"},
		{"byte order mark", "", "\ufeff<title>café</title>"},
		{"utf-16", "", "\xfe\xff" + utf16("<title>café</title>")},
		{"declared", "text/html; charset=UTF-8", "<title>café</title>"},
		{"not declared", "text/html", strings.Repeat(" ", 2000) + "<title>café</title>"},
		{"unknown", "text/html; charset=nonsense", "<title>café</title>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			head, err := ReadHead(Decode(strings.NewReader(tc.page), tc.contentType))
			if err != nil || head.Title != "café" {
				t.Errorf("%+v, %v", head, err)
			}
		})
	}
}

func FuzzReadHead(f *testing.F) {
	f.Add("<title>a</title><meta property=og:title content=b><article>c d</article>", "text/html; charset=gbk")
	f.Add("<svg><title></svg><nav><script>", "")
	f.Add("\xfe\xff\x00<\x00t", "text/html")
	f.Fuzz(func(t *testing.T, page, contentType string) {
		head, err := ReadHead(Decode(strings.NewReader(page), contentType))
		if err != nil {
			t.Fatal(err)
		}
		if head.Words < 0 || head.Words > len(page)*2 {
			t.Fatalf("%d words in %d bytes", head.Words, len(page))
		}
		s := head.Title
		if utf8.RuneCountInString(s) > maxTitle || !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r\t\x00\u202e") || strings.TrimSpace(s) != s {
			t.Fatalf("%q", s)
		}
	})
}

func BenchmarkReadHead(b *testing.B) {
	page := "<!doctype html><title>Bells</title><body><article>" + strings.Repeat("<p>The sound of a bell is a chord.</p>\n", 400) + "</article>"
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		if head, err := ReadHead(strings.NewReader(page)); err != nil || head.Words != 3200 {
			b.Fatal(head, err)
		}
	}
}

type endless struct {
	line []byte
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.line)
	e.read += n
	return n, nil
}

// utf16 spells ASCII and Latin-1 in UTF-16, big endian.
func utf16(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteByte(byte(r >> 8))
		b.WriteByte(byte(r))
	}
	return b.String()
}
