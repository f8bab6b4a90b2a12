package caddymodule

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/net/idna"
)

// newOrigin tells under which origin a request reached the site: the fixed one
// of the config, or scheme and host as Caddy sees them.
func newOrigin(fixed string) (func(*http.Request) string, error) {
	if fixed == "" {
		return requestOrigin(), nil
	}
	resolved, err := resolve(fixed)
	if err != nil {
		return nil, fmt.Errorf("origin: %w", err)
	}
	u, err := url.Parse(resolved)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("origin %q: write scheme and host only, such as https://news.example", fixed)
	}
	host, err := asciiHost(u.Host)
	if err != nil || !saneHost(host) {
		return nil, fmt.Errorf("origin %q: the host is no name that browsers can ask for; write one such as https://news.example", fixed)
	}
	origin := formatOrigin(u.Scheme, host)
	return func(*http.Request) string { return origin }, nil
}

// requestOrigin takes the scheme from a trusted proxy's word if there is one
// (Caddy's trusted_proxies), and the host from the request alone. It remembers
// the last origin: most sites have one.
func requestOrigin() func(*http.Request) string {
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
		o := &origin{scheme, r.Host, formatOrigin(scheme, r.Host)}
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

// hostless reports whether a request names no host, and need not: old protocols had
// no Host header, and health checks still speak them.
func hostless(r *http.Request) bool { return r.Host == "" && !r.ProtoAtLeast(1, 1) }

// saneHost reports whether a Host header can be part of an origin. With a site
// for all hosts it is the visitor's to choose, and it names the account that
// sales are booked to.
func saneHost(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.:[]", c) >= 0:
		default:
			return false
		}
	}
	return host != "" && len(host) <= 255
}

// formatOrigin is the ASCII serialisation of an origin (RFC 6454, 6.2): lower
// case, without the scheme's default port.
func formatOrigin(scheme, host string) string {
	port := ":80"
	if scheme == "https" {
		port = ":443"
	}
	return scheme + "://" + strings.TrimSuffix(strings.ToLower(host), port)
}

// hostNames maps a name to the form in which browsers send it (UTS 46), but
// leaves the underscores of internal names alone.
var hostNames = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.VerifyDNSLength(true))

// asciiHost spells a host, with or without a port, as browsers do: in ASCII,
// lower case, without the dot that may end a full name.
func asciiHost(host string) (string, error) {
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

// checkQueryNames refuses what is more than the name of a parameter.
func checkQueryNames(names []string) error {
	for i, name := range names {
		if name == "" || strings.ContainsAny(name, "?&=#*;,/ ") {
			return fmt.Errorf("query %q: write the parameter's name alone, such as: query p", name)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("query %s is given twice", name)
		}
	}
	return nil
}
