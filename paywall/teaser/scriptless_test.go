package teaser

import (
	"strings"
	"testing"
)

// TestAPageNeedsNoScriptToBeSeen: what noscript says is true for all once scripts
// are gone.
func TestAPageNeedsNoScriptToBeSeen(t *testing.T) {
	for name, tc := range map[string]struct{ page, stays, goes string }{
		"AMP's boilerplate": {`<html ⚡><head><style amp-boilerplate>body{animation:-amp-start 8s steps(1,end) 0s 1 normal both}@keyframes -amp-start{from{visibility:hidden}to{visibility:visible}}</style>` +
			`<noscript><style amp-boilerplate>body{animation:none}</style></noscript><style amp-custom>h1{color:red}</style><script async src=https://cdn.ampproject.org/v0.js></script>`, `h1{color:red}`, "amp-start"},
		"AMP's images":          {`<amp-img src="/a.jpg" width="400" height="300" layout="responsive" alt="A bell"><noscript><img src="/a.jpg"></noscript></amp-img>`, `<img style="max-width:100%;height:auto" src="/a.jpg" width="400" height="300" alt="A bell"/>`, "amp-img"},
		"AMP's hidden parts":    {`<amp-sidebar id=GONE><p>Menu</p></amp-sidebar><amp-analytics type=x></amp-analytics><amp-ad width=1>GONE</amp-ad><amp-layout><p>Shown</p></amp-layout>`, "Shown", "GONE"},
		"what fades in":         {`<head><style>.reveal{opacity:0}</style><noscript><style>.reveal{opacity:1}</style></noscript><noscript><link rel="stylesheet" href="/plain.css"></noscript>`, `<style>.reveal{opacity:1}</style><link rel="stylesheet" href="/plain.css"/>`, "noscript"},
		"a class of scripts":    {`<html class="js webp"><body class="front is-preload">`, `<html class="no-js webp"><head>`, "is-preload"},
		"no class of scripts":   {`<html class="no-js"><body class="front">`, `<html class="no-js"><head>`, "GONE"},
		"a hidden body":         {`<html style="visibility:hidden"><body style="opacity:0" hidden class=a>`, `<body class="a">`, "opacity"},
		"lazy images":           {`<img class="lazy big" data-src="/a.jpg" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="A bell">`, `<img class="big" src="/a.jpg" alt="A bell"/>`, "data-src"},
		"lazy sets":             {`<picture><source data-srcset="/a.avif 1x, /b.avif 2x" type="image/avif"><img data-srcset="/a.jpg 1x" data-src="/a.jpg" style="opacity:0"></picture>`, `<picture><source type="image/avif" srcset="/a.avif 1x, /b.avif 2x"/><img src="/a.jpg" srcset="/a.jpg 1x"/></picture>`, "opacity"},
		"lazy and noscript":     {`<figure><img class=lazyload data-src="/a.jpg"> <noscript><img src="/a.jpg" alt="A bell"></noscript></figure>`, `<img src="/a.jpg" alt="A bell"/>`, "lazyload"},
		"noscript and lazy":     {`<noscript><img src="/a.jpg"></noscript><img src="data:image/png;base64,AAAA" data-src="/a.jpg" class="GONE">`, `<img src="/a.jpg"/>`, "GONE"},
		"a wrapper":             {`<div class="gatsby-image-wrapper"><img aria-hidden="true" src="/tiny.png"><img data-main-image="" style="opacity:0" class="GONE" data-src="/a.jpg"><noscript><img data-main-image="" style="opacity:1" src="/a.jpg"></noscript></div>`, `src="/a.jpg"`, "GONE"},
		"a whole figure":        {`<noscript><figure><img src="/a.jpg"><figcaption>The bell</figcaption></figure></noscript>`, `<figure><img src="/a.jpg"/><figcaption>The bell</figcaption></figure>`, "noscript"},
		"a request":             {`<noscript><p class=GONE>Please enable JavaScript to view the comments.</p></noscript>`, "<article>", "GONE"},
		"a counter":             {`<noscript><p><img src="https://counter.example/GONE" width=1 height=1 alt=""></p></noscript><noscript><img src="/GONE" style="display:none"></noscript><noscript><iframe src="/GONE"></iframe></noscript><img src=/GONE width="1px">`, "<article>", "GONE"},
		"a counter in the head": {`<head><noscript><img height="1" width="1" src="/GONE"/></noscript><title>Bells</title><link rel="stylesheet" href="/a.css">`, `<title>Bells</title><link rel="stylesheet" href="/a.css"/>`, "GONE"},
		"a script in it":        {`<noscript><script>GONE</script><img src="/a.jpg" onerror="GONE"></noscript>`, `<img src="/a.jpg"/>`, "GONE"},
		"one in another":        {`<noscript><img src="/a.jpg"><noscript>GONE</noscript></noscript>`, `<img src="/a.jpg"/>`, "<noscript"},
	} {
		t.Run(name, func(t *testing.T) {
			page := tc.page
			if !strings.HasPrefix(page, "<h") {
				page = "<body>" + page
			}
			got := cut(t, article(2), page+"<article>"+paragraphs(1, 9))
			if !strings.Contains(got, tc.stays) {
				t.Errorf("no %s in\n%s", tc.stays, got)
			}
			if strings.Contains(got, tc.goes) {
				t.Errorf("%s is left in\n%s", tc.goes, got)
			}
		})
	}
}

// TestNoscriptLeaksNothing: what it says of the text after the cut goes.
func TestNoscriptLeaksNothing(t *testing.T) {
	for _, page := range []string{
		"<body><noscript><img src=/a.jpg><p>" + sentence(7) + "</p></noscript><article>" + paragraphs(1, 9),
		"<body><noscript><img src=/a.jpg alt='" + sentence(7) + "'></noscript><article>" + paragraphs(1, 9),
		"<article>" + paragraphs(1, 3) + "<noscript><img src=/a.jpg><p>" + sentence(7) + "</p></noscript>" + paragraphs(4, 6),
		"<noscript><img src=/a.jpg><p>" + sentence(7) + "</p></noscript><article>" + paragraphs(1, 3) + "<noscript><img src=/b.jpg><p>" + sentence(7) + "</p></noscript>" + paragraphs(4, 6),
		"<head><noscript><style>p::after{content:'" + sentence(7) + "'}</style></noscript></head><article>" + paragraphs(1, 9),
	} {
		if got := leaks(cut(t, article(2), page), sentence(7)); got != nil {
			t.Errorf("%q in\n%s", got, page)
		}
	}
}

// TestALaterTextIsTakenWhole: also what it says elsewhere.
func TestALaterTextIsTakenWhole(t *testing.T) {
	page := "<article>" + paragraphs(1, 4) + "</article><article>" + paragraphs(5, 9) + "</article><aside>" + sentence(8) + "</aside>"
	wantSentences(t, cut(t, article(2), page), 9, 1, 2)
}
