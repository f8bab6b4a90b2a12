package gate

import (
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Some sites do not deliver what has a price but redirect to it: to a bucket with a
// signed address, to a CDN with a token. Such a redirect is the article itself, and
// whoever has not paid is not given it. Others only lead to another page of the site:
// with a slash at the end, to where an article has moved, to a login.

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
	base, err := url.Parse(origin)
	if err != nil {
		return true
	}
	base.Path, base.RawPath, base.RawQuery = r.URL.Path, r.URL.RawPath, r.URL.RawQuery
	// Browsers leave out what url.Parse refuses, and read "\" as "/".
	target, err := base.Parse(strings.ReplaceAll(strings.TrimSpace(locations[0]), `\`, "/"))
	if err != nil || target.User != nil || target.Opaque != "" || !sameSite(base, target) {
		return true
	}
	parsed, err := g.Canonicalizer.Parse(target.RequestURI())
	if err != nil {
		return true
	}
	if parsed.Reserved() {
		return false
	}
	asked := *r
	asked.URL, asked.RequestURI = target, target.RequestURI()
	decision, err := g.Table.Decide(&asked, &parsed)
	if err != nil || gatedStatus(decision.Status) {
		return false // what it leads to is sold at this gate
	}
	return bearsSecret(r, target)
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

// bearsSecret reports whether an address on this site, which has no price, holds what
// only the site can know, or names a file: both are content, and no page to go on from.
// It is sure of pages only: whatever else it says yes to is sold, and delivered then.
func bearsSecret(r *http.Request, target *url.URL) bool {
	for segment := range strings.SplitSeq(target.Path, "/") {
		if random(segment) && !strings.Contains(r.URL.Path, segment) {
			return true
		}
	}
	if media := mime.TypeByExtension(path.Ext(target.Path)); media != "" && !strings.HasPrefix(media, "text/html") && !strings.HasPrefix(media, "application/xhtml") {
		return true
	}
	values, err := url.ParseQuery(target.RawQuery)
	if err != nil {
		return true
	}
	sent := r.URL.Query()
	for key, list := range values {
		for i, value := range list {
			if i < len(sent[key]) && sent[key][i] == value {
				continue // the client's own
			}
			if signs(key) || !harmless(r, value) {
				return true
			}
		}
	}
	return false
}

// harmless reports whether a value says nothing that the client does not know: where
// to come back to, or a word.
func harmless(r *http.Request, value string) bool {
	if at := strings.Index(value, "://"); at >= 0 { // an address of this site, in full
		rest := value[at+3:]
		if rest = strings.TrimPrefix(rest, r.Host); rest == value[at+3:] {
			return false
		}
		value = rest
	}
	if value == "" || value == "/" || value == r.URL.Path || value == r.URL.RequestURI() || value == r.URL.EscapedPath() {
		return true
	}
	if len(value) > 20 {
		return false
	}
	letters := strings.Trim(value, "0123456789")
	if letters == "" {
		return len(value) <= 6 // no time in seconds
	}
	for _, c := range letters {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return letters == value
}

// signs reports whether a parameter is one by which signed addresses are known.
func signs(key string) bool {
	key = strings.ToLower(key)
	for _, word := range [...]string{"sig", "token", "expire", "hmac", "hash", "policy", "amz", "goog", "key", "credential", "secret", "auth", "ticket", "verify", "nonce", "pass"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	switch key {
	case "exp", "st", "se", "sp", "sv", "sr", "md5", "e", "s", "h", "k", "t", "jwt", "access", "hdnts", "hdnea", "download", "file", "response-content-disposition":
		return true
	}
	return false
}

// random reports whether a part of a path looks drawn, and not written: long, and in
// one piece of digits and letters of both cases, or hexadecimal.
func random(segment string) bool {
	const long = 16
	if len(segment) < long {
		return false
	}
	hex, digits, capitals, small, run, longest := true, 0, 0, 0, 0, 0
	for i := range len(segment) {
		c := segment[i]
		run++
		switch {
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c && c <= 'z':
			small++
			hex = hex && c <= 'f'
		case 'A' <= c && c <= 'Z':
			capitals++
			hex = hex && c <= 'F'
		default:
			hex, run = hex && c == '-', 0
		}
		longest = max(longest, run)
	}
	if hex && digits > 0 && small+capitals > 0 {
		return true
	}
	return longest >= long && (digits > 2 || capitals > 2 && small > 0)
}
