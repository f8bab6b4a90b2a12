package gate

import (
	"io"
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/paywall/target"
)

// forgeable are request headers by which a client could tell the site another
// target, mount point or method than the gate decided on (IIS, ASP.NET, Symfony,
// WSGI, gunicorn, Rack, Spring, Next.js, Traefik, Envoy and nginx ingress read
// them; CVE-2026-40575, CVE-2026-35051, CVE-2025-61780). In lower case; "-" stands
// for whatever byte a CGI-like site takes for an underscore.
var forgeable = []string{
	"x-original-url", "x-original-uri", "x-original-path", "x-original-query", "x-original-method",
	"x-rewrite-url", "x-rewrite-uri", "x-rewrite-path", "x-rewrite-query",
	"x-request-uri", "x-request-url", "x-request-path", "x-real-uri", "x-real-url", "x-override-url",
	"x-envoy-original-path", "x-replaced-path", "x-ingress-path", "x-waws-unencoded-url",
	"x-invoke-path", "x-invoke-query", "x-invoke-output", "x-matched-path", "x-middleware-rewrite", "x-now-route-matches",
	"x-forwarded-uri", "x-forwarded-url", "x-forwarded-path", "x-forwarded-query", "x-forwarded-method",
	"x-forwarded-prefix", "x-forwarded-path-prefix", "x-forwarded-pathbase", "x-forwarded-path-base",
	"x-forwarded-base", "x-forwarded-base-path", "x-forwarded-root", "x-forwarded-servlet",
	"x-forwarded-context", "x-forwarded-contextpath", "x-forwarded-context-path", "x-forwarded-script-name",
	"x-script-name", "x-context-path", "x-proxycontextpath", "x-path-prefix", "x-base-path", "x-proxy-path", "x-url-prefix",
	"x-accel-mapping", "x-sendfile-type",
	"x-http-method-override", "x-http-method", "x-method-override",
	"script-name", "path-info",
}

// forgeableByLength spares most headers any comparison.
var forgeableByLength = func() (byLength [32][]string) {
	for _, known := range forgeable {
		byLength[len(known)] = append(byLength[len(known)], known)
	}
	return byLength
}()

// cleanRequest takes from a request what is not the client's to say. An
// ordinary request is looked through once and nothing is allocated.
func cleanRequest(r *http.Request) {
	cleanHeader(r.Header)
	if r.Trailer != nil {
		cleanTrailer(r)
	}
}

func cleanHeader(h http.Header) {
	for name := range h {
		if name == "" {
			continue
		}
		switch name[0] | 0x20 {
		case 'p':
			if ours(name) || isForgeable(name) {
				delete(h, name)
			}
		case 's':
			if len(name) == len("script-name") && isForgeable(name) { // not each Sec-Fetch-…
				delete(h, name)
			}
		case 'x':
			if isForgeable(name) {
				delete(h, name)
			}
		case 'r':
			if name == "Referer" {
				cleanReferer(h)
			}
		}
	}
	upgrade := h["Upgrade"]
	websocket := len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket")
	if upgrade != nil && !websocket {
		delete(h, "Upgrade") // h2c would tunnel later requests past the gate
	}
	delete(h, "Http2-Settings")
	cleanConnection(h, websocket)
}

// cleanReferer leaves of a page of a checkout its path. What it was asked for with is
// no site's business: it may be a gift's key. Our pages say so to browsers, which w3m
// does not listen to. Of an odd spelling nothing is left: there the key may stand in
// what is a path to us.
func cleanReferer(h http.Header) {
	for i, value := range h["Referer"] {
		page, _, _ := strings.Cut(value, "?")
		named, escaped := mayBeOurs(page)
		if !named && !escaped {
			continue
		}
		if !escaped && strings.Contains(page, reservedPrefix+"/") {
			h["Referer"][i] = page
			continue
		}
		if target, err := new(target.Canonicalizer).Parse(page); err == nil && target.Reserved() || err != nil && named {
			delete(h, "Referer")
			return
		}
	}
}

// mayBeOurs spares most addresses the work of being read: our pages have their name
// in theirs, or letters of it escaped.
func mayBeOurs(page string) (named, escaped bool) {
	const name = "paywall"
	for i := range len(page) - 1 {
		switch c := page[i]; {
		case c == '%' && '2' <= page[i+1] && page[i+1] <= '7':
			escaped = true
		case c|0x20 == 'p' && len(page)-i >= len(name) && strings.EqualFold(page[i:i+len(name)], name):
			named = true
		}
	}
	return named, escaped
}

// ours reports whether a name is "Paywall-…" in any spelling that a site may
// take for it: CGI, PHP and WSGI know letters and digits, the rest is "_"
// (CVE-2026-52845, CVE-2025-64484).
func ours(name string) bool {
	const prefix = "paywall"
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) &&
		(len(name) == len(prefix) || !alphanumeric(name[len(prefix)]))
}

func isForgeable(name string) bool {
	if len(name) >= len(forgeableByLength) {
		return false
	}
	for _, known := range forgeableByLength[len(name)] {
		if alias(name, known) {
			return true
		}
	}
	return false
}

// alias compares a name with one in lower case of the same length.
func alias(name, lower string) bool {
	for i := range len(lower) {
		c, want := name[i], lower[i]
		if want == '-' {
			if alphanumeric(c) {
				return false
			}
			continue
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != want {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// cleanConnection leaves of Connection what a WebSocket needs. The rest concerns
// this connection alone, and the server has read it; a client that names another
// header there would have a proxy after us drop it (CVE-2024-45410). And Go's
// maps grow at fourteen entries: one header less makes room for one of ours, which
// saves a paid request 2 us (measured).
func cleanConnection(h http.Header, websocket bool) {
	values := h["Connection"]
	delete(h, "Connection")
	if !websocket {
		return
	}
	for _, value := range values {
		if listed(value, "upgrade") {
			h["Connection"] = []string{"Upgrade"}
			return
		}
	}
}

// cleanTrailer does the same for fields after the body, which some sites take
// for headers. They arrive when the body has been read, declared or not, and in
// the very map that is there now.
func cleanTrailer(r *http.Request) {
	cleanFields(r.Trailer)
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &trailerCleaner{r.Body, r.Trailer}
	}
}

func cleanFields(fields http.Header) {
	for name := range fields {
		if ours(name) || isForgeable(name) || credential(name) {
			delete(fields, name)
		}
	}
}

// credential reports the credentials themselves, which are never a trailer (RFC 9110, 6.5.1).
func credential(name string) bool {
	return strings.EqualFold(name, "Authorization") || strings.EqualFold(name, "Cookie")
}

// trailerCleaner cleans what came after a body before its reader learns of the end.
type trailerCleaner struct {
	io.ReadCloser
	trailer http.Header
}

func (c *trailerCleaner) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if err == io.EOF {
		cleanFields(c.trailer)
	}
	return n, err
}
