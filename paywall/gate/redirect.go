package gate

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Some sites do not deliver what has a price but redirect to it: to a bucket with a
// signed address, to a CDN with a token. Such a redirect is the article itself, and
// whoever has not paid is not given it. Others only lead to another page of the site:
// with a slash at the end, to where an article has moved, to a login. Those pass that
// surely are of that kind; every other one is sold, and delivered then.

// leadsAway reports whether an answer redirects to where its content may be had.
func (g *Gate) leadsAway(r *http.Request, origin string, status int, h http.Header) bool {
	if status/100 != 3 || status == http.StatusNotModified {
		return false
	}
	locations := h["Location"]
	if len(locations) == 0 {
		return false // and nothing else of it gets through
	}
	if len(locations) > 1 {
		return true // browsers differ about which one counts
	}
	base, ok := address(g, r, origin)
	if !ok {
		return true
	}
	target, ok := readAlike(base, strings.Trim(locations[0], " \t"))
	if !ok || !sameSite(base, target) {
		return true
	}
	known := newKnowledge(r, base)
	secret := known.fragmentCost(target.EscapedFragment())
	if secret > guessable {
		return true
	}
	parsed, err := g.o.Canonicalizer.Parse(target.RequestURI())
	if err != nil {
		return true
	}
	if parsed.Reserved() {
		return !parsed.Canonical || parsed.Ambiguous // browsers may end up elsewhere
	}
	asked := *r
	asked.URL, asked.RequestURI = target, target.RequestURI()
	decision, err := g.o.Table.Decide(&asked, &parsed)
	if err != nil || gatedStatus(decision.Status) {
		return false // what it leads to is sold at this gate
	}
	return namesFile(target.Path) || secret+known.cost(target.Path)+known.queryCost(target.RawQuery) > guessable
}

// address is the one that a browser shows, to which it resolves a redirect.
func address(g *Gate, r *http.Request, origin string) (*url.URL, bool) {
	base, err := url.Parse(origin)
	if err != nil {
		return nil, false
	}
	asked, err := url.ParseRequestURI(g.o.Original(r))
	if err != nil {
		return nil, false
	}
	base.Path, base.RawPath, base.RawQuery = asked.Path, asked.RawPath, asked.RawQuery
	return base, true
}

// readAlike resolves an address that browsers read as url.Parse does: not one with a
// backslash, which they take for a slash, nor with control characters, which they
// leave out, nor with more or fewer than two slashes before its host (WHATWG URL, 4.4).
func readAlike(base *url.URL, location string) (*url.URL, bool) {
	odd := func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' }
	if strings.ContainsFunc(location, odd) || strings.HasPrefix(location, "///") || !utf8.ValidString(location) {
		return nil, false
	}
	target, err := url.Parse(location)
	if err != nil || target.User != nil || target.Opaque != "" || target.Scheme != "" && target.Host == "" {
		return nil, false
	}
	return base.ResolveReference(target), true
}

// sameSite compares hosts, for a redirect to TLS as well.
func sameSite(a, b *url.URL) bool {
	if b.Scheme != "http" && b.Scheme != "https" {
		return false
	}
	return strings.EqualFold(a.Hostname(), b.Hostname()) && (a.Port() == b.Port() || defaultPort(a) && defaultPort(b))
}

func defaultPort(u *url.URL) bool {
	port := u.Port()
	return port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443"
}

// pageEndings are those of names that sites give to pages.
var pageEndings = []string{"html", "htm", "xhtml", "shtml", "php", "phtml", "asp", "aspx", "jsp", "jspx", "jsf", "do", "action", "cfm", "cgi", "pl"}

// namesFile reports whether a part of a path is named as a file is that is no page.
// It asks no table of types: those of two machines differ.
func namesFile(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		dot := strings.LastIndexByte(segment, '.')
		ending := strings.ToLower(segment[dot+1:])
		other := func(c rune) bool { return c >= utf8.RuneSelf || !alphanumeric(byte(c)) }
		if dot >= 0 && strings.Trim(ending, "0123456789") != "" && !strings.ContainsFunc(ending, other) && !slices.Contains(pageEndings, ending) {
			return true
		}
	}
	return false
}
