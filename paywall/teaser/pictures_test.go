package teaser

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

// TestPicturesBehindTheCutAreNotTold: in no size, format, spelling or place.
func TestPicturesBehindTheCutAreNotTold(t *testing.T) {
	after := map[string]string{
		"an image":             `<img src="/uploads/harbour-bell.jpg">`,
		"in sizes":             `<img srcset="/uploads/harbour-bell-300x200.jpg 300w, /uploads/harbour-bell-1024x683.jpg 1024w">`,
		"waiting for a script": `<img data-src="/uploads/harbour-bell.jpg" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">`,
		"in noscript":          `<noscript><img src="/uploads/harbour-bell.jpg"></noscript>`,
		"a picture":            `<picture><source srcset="/uploads/harbour-bell.avif"><img src="/uploads/harbour-bell.jpg"></picture>`,
		"a background":         `<div style="background-image:url('/uploads/harbour-bell.jpg')"></div>`,
		"a link":               `<a href="/uploads/harbour-bell.jpg">Large</a>`,
		"AMP":                  `<amp-img src="/uploads/harbour-bell.jpg" width=3 height=2></amp-img>`,
		"a gallery":            `<div data-images='["/uploads/harbour-bell.jpg"]'></div>`,
		"a proxy":              `<img src="/_next/image?url=%2Fuploads%2Fharbour-bell.jpg&amp;w=640">`,
	}
	const told = "/uploads/harbour-bell.jpg"
	again := []string{
		`<script type=application/ld+json>{"@type":"NewsArticle","image":["/hero.jpg","%s"],"thumbnailUrl":"%s"}</script>`, `<script type=application/ld+json>{"@type":"NewsArticle","image":{"@type":"ImageObject","url":"https://cdn.example%s","width":3}}</script>`,
		`<meta property=og:image content="https://news.example%s">`, `<meta name=twitter:image content="%s">`, `<img src="%s" alt=x>`, `<img src="/x.jpg" srcset="/x.jpg 1x, %s 2x">`, `<picture><source srcset="%s"></picture>`,
		`<a href="%s">x</a>`, `<div data-bg="%s">x</div>`, `<div style="background:url(%s)">x</div>`, `<style>.x{background:#fff url("%s") no-repeat}</style>`, `<link rel=preload as=image href="%s">`, `<link rel=icon href="%s">`,
		`<img src="/cdn-cgi/image/width=80%s">`, `<svg><use href="%s"></use></svg>`, `<x-gallery first="%s">x</x-gallery>`, `<noscript><img src="%s"></noscript>`, `<img data-src="%s">`,
	}
	spellings := map[string]func(string) string{
		"plain": func(s string) string { return s }, "another size": func(s string) string { return strings.Replace(s, ".jpg", "-1536x1024.jpg", 1) },
		"another format": func(s string) string { return strings.Replace(s, ".jpg", "@2x.webp", 1) }, "scaled": func(s string) string { return strings.Replace(s, ".jpg", "-scaled.jpg?ver=3", 1) },
		"percent": url.QueryEscape, "base64": func(s string) string {
			return "/img/" + base64.RawURLEncoding.EncodeToString([]byte("https://x.example"+s))
		},
	}
	for where, picture := range after {
		for _, spot := range again {
			for how, spell := range spellings {
				page := "<head></head><body>" + strings.ReplaceAll(spot, "%s", spell(told)) + "<article>" + paragraphs(1, 3) + picture + paragraphs(4, 9) + "</article>"
				got := cut(t, article(2), page)
				all := got
				for _, run := range base64ish.FindAllString(got, -1) {
					decodeBase64(run, func(s string) { all += s })
				}
				if strings.Contains(all, "harbour-bell") {
					t.Fatalf("%s, %s, in %s:\n%s", where, how, spot, got)
				}
			}
		}
	}
}

// TestOtherPicturesStay: those before the cut, and whose names only look alike.
func TestOtherPicturesStay(t *testing.T) {
	page := `<head><meta property="og:image" content="https://news.example/uploads/harbour-1200x630.jpg"><style>.x{background:url(/uploads/harbour-bell.jpg)}.y{color:red}</style></head><body><img src="/teasers/2.jpg"><img src="/teasers/harbour-bells.jpg">` +
		`<article><img src="/uploads/harbour.jpg" width="800">` + paragraphs(1, 3) + `<img src="/uploads/harbour-bell.jpg"><img src="/uploads/2.jpg"><img src="/uploads/harbour.jpg">` + paragraphs(4, 9)
	got := cut(t, article(2), page)
	for _, stays := range []string{`content="https://news.example/uploads/harbour-1200x630.jpg"`, `<img src="/teasers/2.jpg"/>`, `<img src="/teasers/harbour-bells.jpg"/>`, `<img src="/uploads/harbour.jpg" width="800"/>`, `.x{background:none}.y{color:red}`} {
		if !strings.Contains(got, stays) {
			t.Errorf("no %s in\n%s", stays, got)
		}
	}
}
