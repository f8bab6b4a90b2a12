package requests

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/net/idna"
)

// ParseOrigin spells an origin that a config names, "https://news.example", as
// browsers do. Its error says what to write in its place.
func ParseOrigin(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("write scheme and host only, such as https://news.example")
	}
	host, err := ASCIIHost(u.Host)
	if err != nil || !SaneHost(host) {
		return "", errors.New("the host is no name that browsers can ask for; write one such as https://news.example")
	}
	return FormatOrigin(u.Scheme, host), nil
}

// RequestOrigin tells under which origin a request reached the site. It takes the
// scheme from a trusted proxy's word if there is one (Caddy's trusted_proxies), and
// the host from the request alone. It remembers the last origin: most sites have one.
func RequestOrigin() func(*http.Request) string {
	type origin struct{ scheme, host, text string }
	var last atomic.Pointer[origin]
	return func(r *http.Request) string {
		if r.Host == "" {
			return ""
		}
		scheme := requestScheme(r)
		if o := last.Load(); o != nil && o.scheme == scheme && o.host == r.Host {
			return o.text
		}
		o := &origin{scheme, r.Host, FormatOrigin(scheme, r.Host)}
		last.Store(o)
		return o.text
	}
}

func requestScheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted &&
		strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		return "https"
	}
	return "http"
}

// Hostless reports whether a request names no host, and need not: old protocols had
// no Host header, and health checks still speak them.
func Hostless(r *http.Request) bool { return r.Host == "" && !r.ProtoAtLeast(1, 1) }

// SaneHost reports whether a Host header can be part of an origin. With a site
// for all hosts it is the visitor's to choose, and it names the account that
// sales are booked to.
func SaneHost(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.:[]", c) >= 0:
		default:
			return false
		}
	}
	return host != "" && len(host) <= 255
}

// FormatOrigin is the ASCII serialisation of an origin (RFC 6454, 6.2): lower
// case, without the scheme's default port.
func FormatOrigin(scheme, host string) string {
	port := ":80"
	if scheme == "https" {
		port = ":443"
	}
	return scheme + "://" + strings.TrimSuffix(strings.ToLower(host), port)
}

// hostNames maps a name to the form in which browsers send it (UTS 46), but
// leaves the underscores of internal names alone.
var hostNames = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.VerifyDNSLength(true))

// ASCIIHost spells a host, with or without a port, as browsers do: in ASCII,
// lower case, without the dot that may end a full name.
func ASCIIHost(host string) (string, error) {
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name, port = host[:i], host[i:]
	}
	name = strings.TrimSuffix(name, ".")
	if strings.HasPrefix(name, "[") {
		return strings.ToLower(name) + port, nil
	}
	name, err := hostNames.ToASCII(name)
	return name + strings.TrimSuffix(port, ":"), err
}
