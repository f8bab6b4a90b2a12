package gate

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// bodyPages are pages; "¦" stands where their body tag ends, if they have one.
var bodyPages = []string{
	"<!doctype html><html><head><title>x</title></head><body>¦text",
	"<BODY>¦", "<body >¦", "<body\n\tclass=\"a b\" id=x>¦", "<body/>¦", "<body / a>¦x", "<body a='>' b=\">\" c=>¦>",
	"<body a=b/>¦", "<body =>¦>", "<body ==>¦>", "<body a = '>'>¦", "<body a\n=\n\">\">¦", "<body a=b'c>¦'>", "<body \"a>¦\">", "<body a/=\">¦\">",
	"<bodyx><body>¦", "<bod><ybody><b><body>¦", "< body><body>¦", "</body><body>¦", "</body a='<body>'><body>¦", "<<body>¦", "<a<body><body>¦",
	"<!-- <body> --><body>¦", "<!--><body>¦", "<!---><body>¦", "<!----><body>¦", "<!-- --!><body>¦", "<!--!> <body> --><body>¦", "<!---!><body>--><body>¦",
	"<!----!><body>¦", "<!-- -- > <body> --><body>¦", "<!-- <!-- <body> --><body>¦", "<!-> <body>¦", "<!><body>¦", "<!x <body><body>¦", "<!-x <body><body>¦",
	"<!DOCTYPE html PUBLIC \"a>b\"><body>¦", "<![CDATA[<body>]]><body>¦", "<?php <body>?><body>¦", "</ <body><body>¦", "</><body>¦",
	"<title><body></title><body>¦", "<title></titlex><body></title ><body>¦", "<textarea><body></textarea/><body>¦", "<style>/*<body>*/</style\n><body>¦",
	"<script>\"<body>\"</script><body>¦", "<script><!-- <script><body></script> <body> --></script><body>¦", "<script><!-- </script><body>¦",
	"<script><!--><script><body></script><body>¦", "<script><!-- <script> --> <body></script><body>¦", "<script/><body></script><body>¦",
	"<script><!-- <scriptx></script><body>¦", "<SCRIPT><body></ScRiPt><body>¦", "<script></script a='</script>'><body>¦", "<script></ script><body></script><body>¦",
	"<noframes><body></noframes><body>¦", "<xmp><body></xmp><body>¦", "<iframe><body></iframe><body>¦", "<noembed><body></noembed><body>¦",
	"<template><body></template><body>¦", "<template><template></template><body></template><body>¦", "</template><body>¦",
	"<meta content=\"<body>\"><body>¦", "<meta content='<body>' ><body>¦", "<meta content=<body>x<body>¦", "<a b=\"'\" c='\"<body>'><body>¦",
	"", "text", "<body", "<body a='>", "<p>no body", "<title><body>", "<script><body>", "<!-- <body>", "<plaintext><body>", "<!", "<", "</",
}

// placed splits a page where "¦" stands.
func placed(page string) (whole string, at int) {
	before, after, ok := strings.Cut(page, "¦")
	if !ok {
		return before, -1
	}
	return before + after, len(before)
}

// found is where a page's tag ends that comes in parts of a length, -1 for nowhere.
func found(page string, part int) int {
	var b bodyTag
	for from := 0; from < len(page); from += part {
		if at, ok := b.find([]byte(page[from:min(from+part, len(page))])); ok {
			return from + at
		}
	}
	return -1
}

func TestBodyTagIsFoundAsBrowsersDo(t *testing.T) {
	for _, body := range append(bodyPages, "<noscript><body></noscript><body>¦") {
		page, want := placed(body)
		for _, part := range []int{1, 2, 3, 7, len(page) + 1} {
			if got := found(page, part); got != want {
				t.Errorf("%q in parts of %d: at %d, want %d", page, part, got, want)
			}
		}
	}
}

func TestBaseIsSeenBeforeTheBody(t *testing.T) {
	for page, want := range map[string]bool{
		`<base href="https://cdn.example/"><body>`: true, `<BASE><body>`: true, `<basefont><body>`: false, `</base><body>`: false, `<!--<base>--><body>`: false, `<body><base>`: false,
	} {
		var b bodyTag
		if _, ok := b.find([]byte(page)); !ok || b.based != want {
			t.Errorf("%s: found %v, base %v", page, ok, b.based)
		}
	}
}

// parsed is where golang.org/x/net/html sees the end of the first body tag
// outside of templates.
func parsed(page string) int {
	z, at, templates := html.NewTokenizer(strings.NewReader(page)), 0, 0
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return -1
		}
		at += len(z.Raw())
		name, _ := z.TagName()
		switch start := kind == html.StartTagToken || kind == html.SelfClosingTagToken; {
		case string(name) == "body" && start && templates == 0:
			return at
		case string(name) == "template" && start:
			templates++
		case string(name) == "template" && kind == html.EndTagToken:
			templates = max(templates-1, 0)
		}
	}
}

// FuzzBodyTag: the place is the one that a tokenizer of the whole page finds, in
// whatever parts it comes.
func FuzzBodyTag(f *testing.F) {
	for _, body := range bodyPages {
		page, _ := placed(body)
		f.Add(page, 3)
	}
	f.Fuzz(func(t *testing.T, page string, part int) {
		if part < 1 || strings.Contains(strings.ToLower(page), "noscript") || strings.Contains(page, "\x00") {
			return // the tokenizer alone has no scripts, and replaces NUL
		}
		if got, want := found(page, part), parsed(page); got != want {
			t.Errorf("%q in parts of %d: at %d, want %d", page, part, got, want)
		}
	})
}
