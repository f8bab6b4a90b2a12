package gate

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/tuppence/tuppence/paywall"
)

// What the gate refuses a browser is answered with a page, and the same status:
// a person is told what to do next, in the checkout's look without its files.

// refusalStyle is allowed by its digest, so that the page needs no request of
// its own and no style from elsewhere gets into it.
const refusalStyle = `body{max-width:34rem;margin:15vh auto 0;padding:0 1.25rem;font:1.0625rem/1.6 system-ui,sans-serif;overflow-wrap:anywhere}h1{font-size:1.5rem;line-height:1.25}`

const refusalText = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<style>` + refusalStyle + `</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p>{{.Detail}}</p>
<p>{{.Next}}</p>
<p><a href="{{.Href}}">{{.Link}}</a></p>
</main>
</body>
</html>
`

var (
	refusalPage     = template.Must(template.New("refusal").Parse(refusalText))
	refusalSecurity = func() string {
		digest := sha256.Sum256([]byte(refusalStyle))
		return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) +
			"'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
	}()
)

// refusal is what the page says. An empty Href is the page itself.
type refusal struct{ Title, Detail, Next, Href, Link string }

// refusalFor puts a problem into words for a reader.
func refusalFor(p problem) refusal {
	page := refusal{
		Title: "This page cannot be opened", Detail: strings.ToUpper(p.Detail[:1]) + p.Detail[1:] + ".",
		Next: "Begin at the front page and follow the links.", Href: "/", Link: "Go to the front page",
	}
	switch p.Status {
	case http.StatusBadRequest:
		page.Next = "Check the address for a typing mistake, or begin at the front page and follow the links."
	case http.StatusUnauthorized, http.StatusForbidden:
		page.Next = "The publisher has to correct this; the rest of the site is not affected."
		if p.Type != "urn:paywall:"+string(paywall.CodeMisconfigured) {
			page.Next, page.Href, page.Link = "Nothing was charged.", "", "Open the page without it"
		}
	case http.StatusInternalServerError, http.StatusServiceUnavailable:
		page.Title, page.Next = "Not possible at the moment", "Nothing was charged. Wait a few seconds, then try again."
		page.Href, page.Link = "", "Try again"
	}
	return page
}

// siteRefusal is the page in the place of the site's own words about an error.
func siteRefusal(p problem) refusal {
	page := refusal{
		Title: "This page cannot be opened", Detail: "The site answered: " + p.Title + ".",
		Next: "Nothing was charged.", Href: "/", Link: "Go to the front page",
	}
	switch {
	case p.Status == http.StatusNotFound || p.Status == http.StatusGone:
		page.Title, page.Detail = "There is no such page", "The site has nothing at this address."
	case p.Status == http.StatusUnauthorized || p.Status == http.StatusForbidden:
		page.Detail = "The site does not let you in here: it wants you to sign in first, or shows this page to others only."
	case p.Status == http.StatusTooManyRequests || p.Status >= http.StatusInternalServerError:
		page.Title, page.Next = "Not possible at the moment", "Nothing was charged. Wait a few seconds, then try again."
		page.Href, page.Link = "", "Try again"
	}
	if p.Title == "" {
		page.Detail = "The site answered with the status " + strconv.Itoa(p.Status) + "."
	}
	return page
}

// refusalHeaders are those that the page needs.
var refusalHeaders = []string{
	"Content-Type", "text/html; charset=utf-8", "Content-Security-Policy", refusalSecurity, "Referrer-Policy", "no-referrer",
}
