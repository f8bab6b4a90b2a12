package teaser

import (
	"strings"
	"testing"
)

const ownAddress = testOrigin + "/articles/the-bells"

// cutAt cuts a page that stands at an address.
func cutAt(t testing.TB, address, page string) string {
	t.Helper()
	out, err := cutter(t, article(2)).Cut([]byte(page), "Bells", address)
	if err != nil {
		t.Fatalf("%v:\n%s", err, page)
	}
	return string(out.Before) + "OFFER" + string(out.After)
}

// TestNoOtherFormOfTheTextStays: nothing that plays or reads it aloud, and no link
// to it as a file, in print, on one page or on the next; wherever it stands.
func TestNoOtherFormOfTheTextStays(t *testing.T) {
	for _, goes := range []string{
		`<audio controls src=/GONE.mp3></audio>`, `<audio src=/GONE></audio>`, `<audio><source src=/GONE type=audio/ogg><a href=/GONE>x</a></audio>`, `<video src=/GONE></video>`,
		`<video poster=/GONE.jpg><source src=/GONE></video>`, `<iframe src=https://player.example/GONE></iframe>`, `<object data=/GONE.pdf></object>`, `<embed src=/GONE.mp4>`,
		`<audio-player src="/GONE.mp3" id=GONE>Listen</audio-player>`, `<podcast-player data-episode=GONE>x</podcast-player>`, `<amp-audio src=/GONE></amp-audio>`, `<amp-youtube data-videoid=GONE></amp-youtube>`,
		`<lite-youtube videoid=GONE></lite-youtube>`, `<x-thing track="GONE/1">x</x-thing>`, `<x-thing number="GONE1">x</x-thing>`,
		`<a href=/files/GONE.mp3>Listen</a>`, `<a href="/GONE.M4A?x=1">x</a>`, `<a href=/GONE.ogg>x</a>`, `<a href=/GONE.opus>x</a>`, `<a href=/GONE.wav#t=1>x</a>`, `<a href=https://cdn.example/GONE/list.m3u8>x</a>`,
		`<a href=/GONE.mp4>x</a>`, `<a href=/GONE.webm>x</a>`, `<a href=/GONE.pdf>PDF</a>`, `<a href=/GONE.pdf/view>PDF</a>`, `<a href="/get?file=GONE.epub&x=1">x</a>`, `<a href="/get?file=GONE%2Eepub">x</a>`, `<a href=/GONE.mobi>x</a>`, `<a href=/GONE.docx>x</a>`,
		`<a href=/GONE type=application/pdf>x</a>`, `<a href=/GONE type=audio/mpeg>x</a>`, `<a href=/GONE download>x</a>`, `<a href=/GONE rel="nofollow enclosure">x</a>`, `<a href=/GONE rel=amphtml>x</a>`,
		`<a href="?print=1&GONE">Print</a>`, `<a href="/articles/the-bells?output=amp&GONE">x</a>`, `<a href="/articles/the-bells?page=2&GONE">2</a>`, `<a href="?GONE&do=print">x</a>`,
		`<a href="/articles/the-bells/2?GONE">Next</a>`, `<a href="/articles/the-bells/page/2#GONE">Next</a>`, `<a href="/articles/the-bells/amp/?GONE">x</a>`, `<a href="/articles/the-bells/print#GONE">x</a>`,
		`<a href="https://news.example/amp/articles/the-bells?GONE">x</a>`, `<a href="/articles/the-bells.txt?GONE">x</a>`, `<a href="/articles/the-bells.md#GONE">x</a>`, `<a href="/print.php?article=the-bells&GONE">x</a>`,
		`<a href="https://amp.news.example/the-bells?GONE">x</a>`, `<a href="https://tts.example/listen/the-bells?GONE">x</a>`, `<a href="//audio.example/the-bells/GONE">x</a>`,
		`<div data-audio="/a/GONE">x</div>`, `<div data-src="https://x.example/GONE">x</div>`, `<p data-file=GONE.mp3>x</p>`, `<div data-pdf="GONE.pdf">x</div>`, `<img src=/x.jpg longdesc=/GONE>`, `<a href=/x ping=/GONE>x</a>`,
		`<div data-audio-id="GONE">x</div>`, `<i data-tts=GONE>x</i>`, `<select><option value="/articles/the-bells?page=2&GONE">2</option></select>`, `<form action="/articles/the-bells/print?GONE"><button>Print</button></form>`, `<blockquote cite="/print/the-bells?GONE">x</blockquote>`,
		`<div style="background:url(/GONE.mp4)">x</div>`, `<button formaction=/GONE.mp3>x</button>`,
		`<link rel=amphtml href=/GONE>`, `<link rel=alternate type=application/json href=/GONE>`, `<link rel=alternate type=application/pdf href=/GONE>`, `<link rel=alternate type=application/json+oembed href=/GONE>`,
		`<link rel=next href=/GONE>`, `<link rel=prev href=/GONE>`, `<link rel=preload as=image imagesrcset="/GONE 1x">`, `<link rel=enclosure href=/GONE>`, `<link itemprop=contentUrl href=/GONE>`,
		`<meta property=og:audio content=/GONE.mp3>`, `<meta property=og:video content=/GONE>`, `<meta property=og:video:url content=/GONE>`, `<meta name=twitter:player content=/GONE>`, `<meta name=twitter:player:stream content=/GONE>`, `<meta property=og:image content=/GONE.pdf>`,
		`<script type=application/ld+json>{"@type":"NewsArticle","audio":{"contentUrl":"/GONE"},"video":{"embedUrl":"/GONE"},"associatedMedia":[{"url":"/GONE"}],"encoding":{"contentUrl":"/GONE"},"contentUrl":"/GONE","embedUrl":"/GONE","transcript":"GONE"}</script>`,
		`<script type=application/ld+json>{"@type":"NewsArticle","url":"https://news.example/GONE.pdf","sameAs":["https://news.example/amp/articles/the-bells?GONE"]}</script>`,
		`<script type=application/ld+json>{"@type":"PodcastEpisode","url":"/a","image":{"@type":"AudioObject","contentUrl":"/GONE.mp3"}}</script>`,
	} {
		for _, page := range []string{"<body>" + goes + "<article>" + paragraphs(1, 9), "<article>" + goes + paragraphs(1, 9), "<head>" + goes + "<article>" + paragraphs(1, 9), "<article>" + paragraphs(1, 9) + "</article>" + goes} {
			if got := cutAt(t, ownAddress, page); strings.Contains(got, "GONE") {
				t.Errorf("%s is left in\n%s", goes, got)
			}
		}
	}
}

// TestLinksToOtherPagesStay: the other side.
func TestLinksToOtherPagesStay(t *testing.T) {
	for _, stays := range []string{
		`<a href="/">Home</a>`, `<a href="/audio/">Audio</a>`, `<a href="/print-edition">Print</a>`, `<a href="/articles/the-bells">Bells</a>`, `<a href="/articles/the-bells#comments">3</a>`, `<a href="/articles/the-bells?share=x">x</a>`,
		`<a href="/articles/the-bells-of-york">York</a>`, `<a href="/articles/other?page=2">2</a>`, `<a href="/?page=2">2</a>`, `<a href="/tags/the-bells/">Tag</a>`, `<a href="/index.xml">Feed</a>`,
		`<a href="https://social.example/share?url=https%3A%2F%2Fnews.example%2Farticles%2Fthe-bells">Share</a>`, `<a href="mailto:x@news.example?subject=the-bells">Mail</a>`, `<a href="tel:+4912345">Call</a>`,
		`<a href="/authors/ada/">Ada</a>`, `<a href="/2026/11/">November</a>`, `<a href="/articles/page/2/">Older</a>`, `<site-menu open="">x</site-menu>`, `<my-grid columns="three">x</my-grid>`, `<img src="/img/full/the-bells.jpg"/>`,
	} {
		if got := cutAt(t, ownAddress, "<body>"+stays+"<article>"+paragraphs(1, 9)); !strings.Contains(got, stays) {
			t.Errorf("no %s in\n%s", stays, got)
		}
	}
}

// TestPagesAreToldByTheirQuery where that makes them.
func TestPagesAreToldByTheirQuery(t *testing.T) {
	for link, stays := range map[string]bool{
		"/?p=7&print=1": false, "/?print=1&amp;p=7": false, "/?p=7#more": true, "#more": true, "/?p=8&print=1": true, "/?page=2": true, "/": true, "/?s=x": true,
	} {
		got := cutAt(t, testOrigin+"/?p=7", `<body><a href="`+link+`">x</a><article>`+paragraphs(1, 9))
		if strings.Contains(got, "<a ") != stays {
			t.Errorf("%s: stays %v in\n%s", link, !stays, got)
		}
	}
}

// TestAddressesOfAllSpellingsAreTold, of a page whose path is decoded.
func TestAddressesOfAllSpellingsAreTold(t *testing.T) {
	const page = testOrigin + "/artikel/die glocken von köln 100%"
	for link, stays := range map[string]bool{
		"/artikel/die%20glocken%20von%20k%C3%B6ln%20100%25/print": false, "/artikel/die%20glocken%20von%20k%c3%b6ln%20100%25?page=2": false, "/artikel/die%20glocken%20von%20k%C3%B6ln%20100%25": true,
		"/print/die%20glocken%20von%20köln%20100%25": false, "/%zz": true,
	} {
		got := cutAt(t, page, `<base href="https://news.example/"><body><a href="`+link+`">x</a><article>`+paragraphs(1, 9))
		if strings.Contains(got, "<a ") != stays {
			t.Errorf("%s: stays %v in\n%s", link, !stays, got)
		}
	}
}

// TestADeadPlayerLeavesNoBox behind, and a sentence with a link stays a sentence.
func TestADeadPlayerLeavesNoBox(t *testing.T) {
	for _, box := range []string{
		`<figure><audio controls src=/x.mp3></audio><figcaption>BOX</figcaption></figure>`, `<div class="box BOX"><div><audio src=/x></audio></div></div>`, `<div class=BOX><iframe src=/x></iframe></div>`,
		`<div class="audio-player BOX"><span>Listen to this article</span> <span>7 min</span></div>`, `<button class=BOX>Listen</button>`, `<div id=read-aloud>BOX</div>`, `<aside class="post-podcast"><h4>BOX</h4><a href=/ep/7>Episode 7</a></aside>`,
		`<ul class=BOX><li><a href=/x.pdf>PDF</a></li></ul>`, `<div class=BOX><a href=/x.mp3>MP3</a></div>`,
	} {
		if got := cutAt(t, ownAddress, "<article><h1>Bells</h1>"+box+paragraphs(1, 9)); strings.Contains(got, "BOX") {
			t.Errorf("%s is left in\n%s", box, got)
		}
	}
	got := cutAt(t, ownAddress, "<article><form><button>Go</button></form><p>Read <a href=/x.pdf>the report</a> of the harbour first.</p><div class=player-list><p>Seven players</p></div>"+paragraphs(1, 9))
	for _, stays := range []string{"<p>Read <span>the report</span> of the harbour first.</p>", "Seven players", "<button>Go</button>"} {
		if !strings.Contains(got, stays) {
			t.Errorf("no %s in\n%s", stays, got)
		}
	}
}

// TestADescriptionInItsOwnWordsStays: one that a person wrote, and not one that a
// program took from after the cut.
func TestADescriptionInItsOwnWordsStays(t *testing.T) {
	const own = "Why the harbour has four bells and only one ringer."
	for _, name := range []string{"name=description", "property=og:description", "name=twitter:description"} {
		for content, stays := range map[string]bool{
			own: true, sentence(1): true, sentence(1) + " " + sentence(3): false, own + " " + sentence(7): false, "Too short to be known.": false,
			strings.Repeat("a bell ", 60): false, own + " /x.mp3": false,
		} {
			got := cutAt(t, ownAddress, `<head><meta `+name+` content="`+content+`"></head><article>`+paragraphs(1, 9))
			if strings.Contains(got, `content="`+content+`"`) != stays {
				t.Errorf("%s, %q: stays %v", name, content, !stays)
			}
		}
	}
}
