package gate

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"
)

// client is what will be done with the answer to a request.
type client int

const (
	program client = iota // it is told in JSON
	browser               // a page is about to be shown: it is led on
	script                // a page's script will show the answer as a page, or as a part of one
	preview               // a chat or a network shows a link's title
)

// clientOf goes by what browsers say. Where they say nothing, whoever asks for HTML is one.
func clientOf(r *http.Request) client {
	h := r.Header
	if mode := h["Sec-Fetch-Mode"]; len(mode) > 0 && mode[0] == "navigate" {
		if dest := h["Sec-Fetch-Dest"]; len(dest) > 0 && dest[0] == "empty" {
			return program // <a download>: what comes is saved as a file, unless it is an error
		}
		return browser
	}
	switch {
	case h["Hx-Request"] != nil:
		return program // htmx, which goes where a header says
	case h["Turbo-Frame"] != nil || h["X-Turbo-Request-Id"] != nil:
		return script
	case len(h["Sec-Fetch-Mode"]) > 0:
		if asksForHTML(h) {
			return script // such as a service worker, which asks in the place of a navigation
		}
		return program
	case asksForHTML(h):
		return browser
	case previews(h):
		return preview
	}
	return program
}

func asksForHTML(h http.Header) bool {
	for _, accept := range h["Accept"] {
		if strings.Contains(accept, "text/html") {
			return true
		}
	}
	return false
}

// navigation reports whether a browser is about to show the answer.
func navigation(r *http.Request) bool { return clientOf(r) == browser }

// prefetching reports whether a page is asked for before anybody has gone to it. What
// it gets may be shown later, when it has been bought: Chromium keeps a prefetched
// page for five minutes, whatever its Cache-Control says, unless it is an error.
func prefetching(r *http.Request) bool {
	names := [...]string{"Sec-Purpose", "Purpose", "X-Moz"}
	for i, name := range names {
		if i == 1 && r.Header["Sec-Fetch-Mode"] != nil {
			return false // a browser that knows the first
		}
		for _, purpose := range r.Header[name] {
			purpose = strings.ToLower(purpose)
			if strings.Contains(purpose, "prefetch") || strings.Contains(purpose, "prerender") {
				return true
			}
		}
	}
	return false
}

// previewers fetch a page for its title and picture, when somebody posts a link, and
// ask for anything ("*/*"). In lower case; whoever pretends to be one learns what
// every offer says.
var previewers = []string{
	"facebookexternalhit", "facebot", "whatsapp", "telegrambot", "twitterbot", "slackbot", "discordbot", "linkedinbot", "skypeuripreview",
	"mastodon", "pleroma", "misskey", "viber", "iframely", "embedly", "redditbot", "pinterest", "bluesky", "cardyb", "matrix", "synapse",
	"vkshare", "line-poker", "kakaotalk-scrap", "zoombot", "microsoftpreview", "google-pagerenderer",
}

func previews(h http.Header) bool {
	for _, agent := range h["User-Agent"] {
		agent = strings.ToLower(agent)
		for _, name := range previewers {
			if strings.Contains(agent, name) {
				return true
			}
		}
	}
	return false
}

// handover is a page that leads on by itself. It takes the whole window with it, also
// where a script puts it into another page (Turbo reloads it for its meta).
type handover struct {
	Title, Price, Site string
	Unlock, Page       string // addresses
	Preview            bool
}

var handoverPage = template.Must(template.New("handover").Parse(`<!doctype html>
<html lang="en" prefix="og: https://ogp.me/ns#">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
{{- if .Preview}}
<meta name="description" content="{{.Price}}">
<meta property="og:type" content="article">
<meta property="og:title" content="{{.Title}}">
<meta property="og:description" content="{{.Price}}">
<meta property="og:url" content="{{.Page}}">
<meta property="og:site_name" content="{{.Site}}">
{{- else}}
<meta name="turbo-visit-control" content="reload">
<meta http-equiv="refresh" content="0; url={{.Unlock}}">
{{- end}}
<style>` + refusalStyle + `</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p>{{.Price}}</p>
<p><a href="{{.Unlock}}" target="_top" data-turbo="false" hx-boost="false">Read on</a></p>
</main>
</body>
</html>
`))

// handOver writes such a page.
func (t *ticket) handOver(found *page, q *signedOffer, preview bool) []byte {
	v := handover{
		Title: found.head.Title, Price: "This costs " + t.rule.Price.String() + " " + string(t.rule.Price.Currency) + ".",
		Unlock: q.unlock, Page: t.origin + t.asked.Location(), Preview: preview,
	}
	_, v.Site, _ = strings.Cut(t.origin, "://")
	if v.Title == "" {
		v.Title = t.resource
	}
	var b bytes.Buffer
	_ = handoverPage.Execute(&b, v) // strings into a buffer: cannot fail
	return b.Bytes()
}
