package teaser

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

const testOrigin = "https://news.example"

// sentence is one that stands nowhere else.
func sentence(n int) string {
	return fmt.Sprintf("The bell number w%dx rang over the wide harbour at dusk w%dy.", n, n)
}

func paragraphs(from, to int) string {
	var b strings.Builder
	for n := from; n <= to; n++ {
		fmt.Fprintf(&b, "<p>%s</p>\n", sentence(n))
	}
	return b.String()
}

func cutter(t testing.TB, r Rule) *Cutter {
	t.Helper()
	c, err := NewCutter(r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// cut cuts a page and answers it with "OFFER" where the offer belongs.
func cut(t testing.TB, r Rule, page string) string {
	t.Helper()
	out, err := cutter(t, r).Cut([]byte(page), "Bells", testOrigin)
	if err != nil {
		t.Fatalf("%v:\n%s", err, page)
	}
	return string(out.Before) + "OFFER" + string(out.After)
}

func article(n int) Rule { return Rule{Selector: "article", Paragraphs: n} }

// wantSentences checks which of the sentences up to most a page has.
func wantSentences(t *testing.T, page string, most int, want ...int) {
	t.Helper()
	has := make(map[int]bool)
	for _, n := range want {
		has[n] = true
	}
	for n := 1; n <= most; n++ {
		if strings.Contains(page, sentence(n)) != has[n] {
			t.Errorf("sentence %d stays: %v, in\n%s", n, !has[n], page)
		}
	}
}

func TestAPageEndsAfterItsFirstParagraphs(t *testing.T) {
	page := `<!doctype html><html lang=en><head><title>Bells</title><link rel=stylesheet href=/site.css></head><body class="front">
<header><nav><a href=/>Home</a></nav></header><main><article><header><p>Kicker</p><h1>Bells</h1></header>` + paragraphs(1, 3) +
		`<h2>Later</h2><figure><img src=/x.jpg alt="more of it"></figure>` + paragraphs(4, 9) + `</article></main><aside>Most read</aside><footer>Imprint</footer></body></html>`
	got := cut(t, article(3), page)
	wantSentences(t, got, 9, 1, 2, 3)
	for _, stays := range []string{`<html lang="en">`, `<body class="front">`, `<a href="/">Home</a>`, "<p>Kicker</p><h1>Bells</h1>", "Most read", "Imprint",
		`<link rel="stylesheet" href="/site.css"/>`, sentence(3) + `</p><div class="paywall-cut">OFFER</div></article></main><aside>`, `<meta charset="utf-8"/>`} {
		if !strings.Contains(got, stays) {
			t.Errorf("no %s in\n%s", stays, got)
		}
	}
	for _, goes := range []string{"Later", "x.jpg"} {
		if strings.Contains(got, goes) {
			t.Errorf("%s is left in\n%s", goes, got)
		}
	}
}

func TestWhereAPageIsCut(t *testing.T) {
	for name, tc := range map[string]struct {
		rule Rule
		page string
		want []int // sentences of nine
	}{
		"one":                            {article(1), "<article>" + paragraphs(1, 9) + "</article>", []int{1}},
		"never more than half":           {article(9), "<article>" + paragraphs(1, 9) + "</article>", []int{1, 2, 3, 4}},
		"empty paragraphs are none":      {article(2), "<article><p></p><p>&nbsp;<p><img src=x>" + paragraphs(1, 9) + "</article>", []int{1, 2}},
		"nor those beside the text":      {article(1), "<article><header>" + paragraphs(1, 1) + "</header><figure>" + paragraphs(2, 2) + "</figure><aside>" + paragraphs(3, 3) + "</aside>" + paragraphs(4, 9) + "</article>", []int{1, 2, 3, 4}},
		"beside the text, but too much":  {article(2), "<article>" + paragraphs(1, 1) + "<aside>" + paragraphs(2, 8) + "</aside>" + paragraphs(9, 9) + "</article>", []int{1}},
		"deep":                           {article(1), "<article><div><section>" + paragraphs(1, 4) + "</section>" + paragraphs(5, 8) + "</div>" + paragraphs(9, 9) + "</article>", []int{1}},
		"several are one text":           {article(2), "<article>" + paragraphs(1, 1) + "</article><article>" + paragraphs(2, 5) + "</article><article>" + paragraphs(6, 9) + "</article>", []int{1, 2}},
		"nested are one":                 {article(2), "<article>" + paragraphs(1, 1) + "<article>" + paragraphs(2, 5) + "</article>" + paragraphs(6, 9) + "</article>", []int{1, 2}},
		"a class":                        {Rule{Selector: ".post > .body", Paragraphs: 2}, "<div class=post><div class='x body'>" + paragraphs(1, 8) + "</div></div><div class=body>" + paragraphs(9, 9) + "</div>", []int{1, 2, 9}},
		"a list of selectors":            {Rule{Selector: "article, .more", Paragraphs: 2}, "<article>" + paragraphs(1, 4) + "</article><div class=more>" + paragraphs(5, 9) + "</div>", []int{1, 2}},
		"nobody closed anything":         {article(2), "<article>" + strings.ReplaceAll(paragraphs(1, 9), "</p>", ""), []int{1, 2}},
		"the same text elsewhere":        {article(2), "<div>" + paragraphs(1, 9) + "</div><article>" + paragraphs(1, 9) + "</article><p>" + paragraphs(4, 6), []int{1, 2}},
		"and in pieces":                  {article(2), "<article>" + paragraphs(1, 9) + "</article><div>" + strings.ReplaceAll(sentence(8), " ", " <b></b><i>") + "</div>", []int{1, 2}},
		"hidden before the text":         {article(2), "<div hidden><article>" + paragraphs(5, 9) + "</article></div><template><article>" + paragraphs(5, 9) + "</article></template><article>" + paragraphs(1, 9) + "</article>", []int{1, 2}},
		"hidden in the free part":        {article(1), "<aside>" + paragraphs(5, 5) + "</aside><article><div hidden>" + paragraphs(5, 5) + "</div>" + paragraphs(1, 9) + "</article>", []int{1}},
		"hidden by style":                {article(2), "<div style='color:red; DISPLAY : none'>" + paragraphs(9, 9) + "</div><article>" + paragraphs(1, 8) + "</article>", []int{1, 2}},
		"words end a paragraph":          {Rule{Selector: "article", Words: 12}, "<article>" + paragraphs(1, 9) + "</article>", []int{1}},
		"words without paragraphs":       {Rule{Selector: "article", Words: 24}, "<article>" + strings.NewReplacer("<p>", "", "</p>", "<br><br>").Replace(paragraphs(1, 9)) + "</article>", []int{1, 2}},
		"words, never more than half":    {Rule{Selector: "article", Words: 999}, "<article>" + paragraphs(1, 8) + "</article>", []int{1, 2, 3, 4}},
		"an inline tag around the rest":  {Rule{Selector: "article", Words: 12}, "<article><p>" + sentence(1) + " <b>" + sentence(2) + "</b>" + paragraphs(3, 9) + "</article>", []int{1}},
		"a form around the page":         {article(2), "<form action=/x><article>" + paragraphs(1, 9) + "</article></form>", []int{1, 2}},
		"a page that says it in its own": {article(2), "<x-page data='" + paragraphs(1, 9) + "'><article>" + paragraphs(1, 9) + "</article></x-page>", []int{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			got := cut(t, tc.rule, tc.page)
			wantSentences(t, got, 9, tc.want...)
			if !strings.Contains(got, "OFFER") {
				t.Errorf("no place for the offer in %s", got)
			}
		})
	}
}

func TestWordsEndWithinAParagraph(t *testing.T) {
	got := cut(t, Rule{Selector: "article", Words: 4}, "<article><h1>One two three</h1><p>Four <em>five six, seven eight</em> nine.</p><p>"+sentence(1)+"</article>")
	if !strings.Contains(got, `<p>Four <em>five six, seven…</em></p><div class="paywall-cut">OFFER</div></article>`) {
		t.Errorf("%s", got)
	}
}

func TestWhatCannotBeCutIsNotShown(t *testing.T) {
	body := paragraphs(1, 9)
	for name, tc := range map[string]struct {
		page string
		want error
	}{
		"no match":                    {"<main>" + body + "</main>", errNoMatch},
		"nothing":                     {"", errNoMatch},
		"only in a template":          {"<template><article>" + body + "</article></template>", errNoMatch},
		"only hidden":                 {"<div hidden><article>" + body + "</article></div>", errNoMatch},
		"no paragraphs":               {"<article>" + strings.NewReplacer("<p>", "", "</p>", "<br>").Replace(body) + "</article>", errUncut},
		"one paragraph":               {"<article>" + paragraphs(1, 1) + "</article>", errUncut},
		"half is in the first":        {"<article><p>" + sentence(1) + sentence(2) + "</p><p>" + sentence(3) + "</p></article>", errUncut},
		"no words":                    {"<article><p><img src=x></p></article>", errUncut},
		"in a link":                   {"<a href=/x><article>" + body + "</article></a>", errNoRoom},
		"in a button":                 {"<button><article>" + body + "</article></button>", errNoRoom},
		"relative to another site":    {"<base href=https://cdn.example/><article>" + body + "</article>", errElsewhere},
		"relative to a cousin":        {"<base href=https://news.example.evil/><article>" + body + "</article>", errElsewhere},
		"relative to a host":          {"<base href=//cdn.example/><article>" + body + "</article>", errElsewhere},
		"what is left is far too big": {"<style>" + strings.Repeat("a{}", maxCut/3) + "</style><article>" + body + "</article>", errTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := cutter(t, article(2)).Cut([]byte(tc.page), "Bells", testOrigin); err != tc.want {
				t.Errorf("%v, %+v", err, out)
			}
		})
	}
	if out, err := cutter(t, Rule{Selector: "ul", Paragraphs: 1}).Cut([]byte("<ul><li>"+body+"</ul>"), "", testOrigin); err != errNoRoom {
		t.Errorf("%v, %+v", err, out)
	}
	deep := strings.Repeat("<div>", 2000) + "<article>" + body
	if out, err := cutter(t, article(2)).Cut([]byte(deep), "", testOrigin); err == nil {
		t.Errorf("%+v", out)
	}
}

func TestBasesOnThisSiteStay(t *testing.T) {
	for _, base := range []string{"/", "/news/", "https://news.example/", ""} {
		if got := cut(t, article(2), `<base href="`+base+`" target=_blank><article>`+paragraphs(1, 9)); !strings.Contains(got, `<base href="`+base+`"/>`) {
			t.Errorf("%s", got)
		}
	}
}

func TestAFormStandsInNoOtherForm(t *testing.T) {
	for page, want := range map[string]bool{"<article>": true, "<form><article>": false, "<form></form><article>": true} {
		out, err := cutter(t, article(2)).Cut([]byte(page+paragraphs(1, 9)), "", testOrigin)
		if err != nil || out.Form != want {
			t.Errorf("%s: %v, %v", page, out.Form, err)
		}
	}
}

// TestWhatIsNotLookGoes: rule 1 of the package.
func TestWhatIsNotLookGoes(t *testing.T) {
	for _, goes := range []string{
		`<!-- GONE -->`, `<script>GONE</script>`, `<script src=/GONE.js></script>`, `<script type=application/json id=__NEXT_DATA__>{"a":"GONE"}</script>`,
		`<script type=text/x-template>GONE</script>`, `<noscript>GONE</noscript>`, `<template>GONE</template>`, `<iframe src=/GONE></iframe>`, `<iframe srcdoc=GONE></iframe>`,
		`<object data=/GONE></object>`, `<embed src=/GONE>`, `<textarea>GONE</textarea>`, `<input type=HIDDEN value=GONE>`, `<dialog>GONE</dialog>`, `<xmp>GONE</xmp>`, `<noframes>GONE</noframes>`,
		`<div hidden>GONE</div>`, `<div hidden=until-found>GONE</div>`, `<p style="visibility:hidden">GONE</p>`, `<p onclick=GONE>x</p>`, `<img onerror=GONE src=x>`,
		`<a href="javascript:GONE">x</a>`, `<a href=" JavaScript:GONE">x</a>`, `<a href="data:text/html,GONE">x</a>`, `<a target=GONE>x</a>`,
		`<div data-page='{"component":"Article","props":{"body":"GONE, and more"}}'>x</div>`, `<div wire:snapshot="a long state of forty bytes and more GONE">x</div>`,
		`<svg><script>GONE</script><foreignObject>GONE</foreignObject><metadata>GONE</metadata></svg>`, `<math><annotation>GONE</annotation></math>`, `<svg><style>GONE</style></svg>`,
		`<meta name=description content=GONE>`, `<meta property=og:description content=GONE>`, `<meta name=twitter:description content=GONE>`, `<meta itemprop=articleBody content=GONE>`,
		`<meta itemprop=articleBody name=author content=GONE>`, `<meta name=keywords content=GONE>`, `<meta http-equiv=refresh content="1;url=/GONE">`, `<meta name=parsely-page content=GONE>`,
		`<link rel=preload as=fetch href=/GONE>`, `<link rel=modulepreload href=/GONE>`, `<link rel=prefetch href=/GONE>`, `<link rel=next href=/GONE>`, `<link rel=amphtml href=/GONE>`,
		`<link rel=alternate type=application/json href=/GONE>`, `<link href=/GONE>`, `<link rel="stylesheet next" href=/GONE>`,
		`<script type=application/ld+json>{"@type":"NewsArticle","articleBody":"GONE","description":"GONE","text":"GONE","author":{"description":"GONE"}}</script>`,
		`<script type=application/ld+json>{"@type":"WebPage","mainEntity":{"@type":"Question","acceptedAnswer":{"text":"GONE"}}}</script>`,
		`<script type=application/ld+json>{"headline":"` + strings.Repeat("x", maxProperty) + `GONE"}</script>`, `<script type=application/ld+json>{"GONE</script>`,
	} {
		for _, page := range []string{"<body>" + goes + "<article>" + paragraphs(1, 9), "<article>" + goes + paragraphs(1, 9), "<head>" + goes + "<article>" + paragraphs(1, 9), "<article>" + paragraphs(1, 9) + "</article>" + goes} {
			if got := cut(t, article(2), page); strings.Contains(got, "GONE") {
				t.Errorf("%s is left in\n%s", goes, got)
			}
		}
	}
}

// TestTextThatBecameAttributesGoes: a quote within quotes, or none around a text.
func TestTextThatBecameAttributesGoes(t *testing.T) {
	for _, broken := range []string{`<img src=/x alt="A man said "over the harbour at dusk" and left">`, `<div title=A man went over the harbour at dusk,>x</div>`} {
		got := cut(t, article(2), "<body>"+broken+"<article>"+paragraphs(1, 9))
		for _, word := range []string{" over", "harbour=", "dusk="} {
			if strings.Contains(strings.Split(got, "<article>")[0], word) {
				t.Errorf("%s is left in\n%s", word, got)
			}
		}
	}
}

// TestWhatIsLookStays: the other side of rule 1.
func TestWhatIsLookStays(t *testing.T) {
	for _, stays := range []string{
		`<link rel="shortcut icon" href="/favicon.ico"/>`, `<link rel="canonical" href="https://news.example/a"/>`, `<style media="screen">body > p { color: red }</style>`,
		`<meta name="viewport" content="width=device-width"/>`, `<meta property="og:image" content="https://news.example/a.jpg"/>`, `<meta property="og:title" content="Bells"/>`, `<title>Bells</title>`,
		`<div class="grid grid-cols-2" id="top" style="margin: 1px" data-theme="dark" data-v-7ba5bd90="">x</div>`, `<img src="/a.jpg" srcset="/a.jpg 1x, /b.jpg 2x" alt="A bell" loading="lazy" width="3"/>`,
		`<svg viewBox="0 0 1 1"><path d="M0 0h1v1z"></path><linearGradient id="g"></linearGradient></svg>`, `<site-menu open="">x</site-menu>`, `<form action="/search"><input name="q" placeholder="Search"/><button>Go</button></form>`,
		`<a href="/a?b=c&amp;d" rel="next">Next</a>`, `<details><summary>More</summary>x</details>`, `<table><tbody><tr><td>x</td></tr></tbody></table>`, `<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="/>`,
	} {
		if got := cut(t, article(2), "<body>"+stays+"<article>"+paragraphs(1, 9)); !strings.Contains(got, stays) {
			t.Errorf("no %s in\n%s", stays, got)
		}
	}
	for late, want := range map[string]string{
		`<link rel=preload as=style href=/a.css onload="this.rel='stylesheet'">`:      `<link rel="stylesheet" as="style" href="/a.css"/>`,
		`<link rel=stylesheet media=print href=/a.css onload="this.media='all'">`:     `<link rel="stylesheet" media="all" href="/a.css"/>`,
		`<link rel=stylesheet media=print href=/a.css>`:                               `<link rel="stylesheet" media="print" href="/a.css"/>`,
		`<title> Bells · The Penny	Post</title>`:                                      `<title>Bells · The Penny Post</title>`,
		`<title>` + sentence(9) + `</title>`:                                          `<title>Bells</title>`,
		`<title>` + strings.Repeat("x", 999) + `</title>`:                             `<title>` + strings.Repeat("x", maxTitle-1) + `…</title>`,
		`<meta name=twitter:title content="A far longer title that nobody knows of">`: `<meta name="twitter:title" content="Bells"/>`,
	} {
		if got := cut(t, article(2), "<head>"+late+"</head><article>"+paragraphs(1, 9)); !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestStructuredDataSaysWhatIsNotFree(t *testing.T) {
	const mark = `"hasPart":{"@type":"WebPageElement","cssSelector":".paywall-cut","isAccessibleForFree":false},`
	for name, tc := range map[string]struct{ data, want string }{
		"none":         {``, `{"@context":"https://schema.org","@type":"Article",` + mark + `"headline":"Bells","isAccessibleForFree":false}`},
		"of others":    {`{"@type":"BreadcrumbList","itemListElement":[{"position":1,"name":"Home"}]}`, `{"@context":"https://schema.org","@type":"Article",` + mark + `"headline":"Bells","isAccessibleForFree":false}`},
		"an article":   {`{"@context":"https://schema.org","@type":"NewsArticle","headline":"Bells </script>","isAccessibleForFree":"True","hasPart":[],"author":[{"@type":"Person","name":"Ada"}],"articleBody":"x"}`, `{"@context":"https://schema.org","@type":"NewsArticle","author":[{"@type":"Person","name":"Ada"}],` + mark + `"headline":"Bells \u003c/script\u003e","isAccessibleForFree":false}`},
		"in a graph":   {`{"@graph":[{"@type":"WebSite","name":"News"},{"@type":["Article","Thing"]}]}`, `{"@graph":[{"@type":"WebSite","name":"News"},{"@type":["Article","Thing"],` + mark + `"isAccessibleForFree":false}]}`},
		"in a list":    {`[{"@type":"BlogPosting","wordCount":1200}]`, `[{"@type":"BlogPosting",` + mark + `"isAccessibleForFree":false,"wordCount":1200}]`},
		"in a page":    {`{"@type":"WebPage","mainEntity":{"@type":"Article"}}`, `{"@type":"WebPage","mainEntity":{"@type":"Article",` + mark + `"isAccessibleForFree":false}}`},
		"broken":       {`{"@type":"NewsArticle",`, `{"@context":"https://schema.org","@type":"Article",` + mark + `"headline":"Bells","isAccessibleForFree":false}`},
		"another's":    {`{"@type":"ItemList","itemListElement":[{"@type":"ListItem","item":{"@type":"Article","name":"Other"}}]}`, `{"@type":"ItemList","itemListElement":[{"@type":"ListItem","item":{"@type":"Article","name":"Other"}}]}`},
		"scalar value": {`"NewsArticle"`, `"NewsArticle"`},
	} {
		t.Run(name, func(t *testing.T) {
			page := "<head>"
			if tc.data != "" {
				page += `<script id=x type="application/ld+json; charset=utf-8">` + strings.ReplaceAll(tc.data, "</", `<\/`) + `</script>`
			}
			got := cut(t, article(2), page+"</head><article>"+paragraphs(1, 9))
			if !strings.Contains(got, `<script type="application/ld+json">`+tc.want+"\n</script>") {
				t.Errorf("no %s in\n%s", tc.want, got)
			}
			if strings.Count(got, "isAccessibleForFree") != 2 {
				t.Errorf("not said once:\n%s", got)
			}
			for _, script := range strings.Split(got, `<script type="application/ld+json">`)[1:] {
				data, _, _ := strings.Cut(script, "</script>")
				if !json.Valid([]byte(data)) {
					t.Errorf("not JSON: %s", data)
				}
			}
		})
	}
}

func TestWrongRulesAreRefused(t *testing.T) {
	for rule, want := range map[Rule]string{
		{Selector: "article"}:                              "above zero",
		{Selector: "article", Paragraphs: -1}:              "above zero",
		{Selector: "article", Words: -1}:                   "above zero",
		{Selector: "article", Paragraphs: -1, Words: 1}:    "above zero",
		{Selector: "article", Paragraphs: 1, Words: 1}:     "not both",
		{Paragraphs: 1}:                                    "is not a CSS selector",
		{Selector: "art[icle", Paragraphs: 1}:              "is not a CSS selector",
		{Selector: "p:nonsense", Paragraphs: 1}:            "is not a CSS selector",
		{Selector: "article::first-letter", Paragraphs: 1}: "is not a CSS selector",
		{Selector: "article 3", Paragraphs: 1}:             "is not a CSS selector",
		{Selector: "article,", Paragraphs: 1}:              "is not a CSS selector",
		{Selector: "article {", Paragraphs: 1}:             "is not a CSS selector",
	} {
		if _, err := NewCutter(rule); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", rule, err)
		}
	}
}

// TestDemoArticlesCanBeCut: real pages, whole.
func TestDemoArticlesCanBeCut(t *testing.T) {
	for _, name := range []string{"bells", "lighthouses", "paper", "penny-post", "sourdough", "tide-tables"} {
		page, err := os.ReadFile("../../cmd/tuppence/demo/articles/" + name + ".html")
		if err != nil {
			t.Fatal(err)
		}
		got := cut(t, article(2), string(page))
		free, paid, _ := strings.Cut(string(page), "</header>\n<p>")
		if !strings.Contains(got, `<link rel="stylesheet" href="/style.css"/>`) || !strings.Contains(free, "<h1>") || !strings.Contains(got, "<h1>") {
			t.Errorf("%s lost its looks:\n%s", name, got)
		}
		text := strings.Split(paid, "<p>")
		if n := strings.Count(got, "<p>"); n < 3 || n > 5 || !strings.Contains(got, text[1][:40]) {
			t.Errorf("%s: %d paragraphs", name, n)
		}
		for i, p := range text[2:] {
			p, _, _ = strings.Cut(p, "<")
			if p != "" && strings.Contains(got, p) { // the footer's begins with a link
				t.Errorf("%s: paragraph %d is left: %s", name, i+2, p)
			}
		}
	}
}
