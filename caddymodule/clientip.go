package caddymodule

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// maxHops is how many addresses of a forwarding header are looked at, from its
// end. The client can write as many as fit into a head.
const maxHops = 16

// clientIP returns the visitor's address for limits held in memory. It is the
// last address in the server's client IP headers that is not a trusted proxy's:
// proxies append to those headers, and the client wrote all that stands before.
// Caddy reads them so with trusted_proxies_strict only; without it the client
// could choose an address with each request.
func clientIP(r *http.Request) string {
	server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	if trusted && server != nil && server.TrustedProxiesStrict == 0 {
		return strictClientIP(r, server)
	}
	if ip, ok := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string); ok && ip != "" {
		return ip
	}
	return peer(r)
}

func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func strictClientIP(r *http.Request, server *caddyhttp.Server) string {
	hops := 0
	for _, name := range server.ClientIPHeaders {
		rest, more := strings.Join(r.Header.Values(name), ","), true
		for more && hops < maxHops {
			last := rest
			if i := strings.LastIndexByte(rest, ','); i >= 0 {
				rest, last = rest[:i], rest[i+1:]
			} else {
				more = false
			}
			addr, ok := parseHop(last)
			if !ok {
				continue
			}
			if hops++; !isTrustedProxy(r, server, addr) {
				return addr.String()
			}
		}
	}
	return peer(r)
}

// parseHop reads an address that a proxy wrote down, with or without its port.
func parseHop(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	addr, err := netip.ParseAddr(s)
	return addr.WithZone(""), err == nil
}

// isTrustedProxy asks Caddy whether an address is one of the server's trusted
// proxies: it decides so about the peer of a request, here of a copy.
func isTrustedProxy(r *http.Request, server *caddyhttp.Server, addr netip.Addr) bool {
	asked := http.Request{Method: r.Method, URL: &url.URL{}, Header: http.Header{}, Host: r.Host}
	asked.RemoteAddr = net.JoinHostPort(addr.String(), "0")
	answer := caddyhttp.PrepareRequest(asked.WithContext(r.Context()), caddy.NewEmptyReplacer(), nil, server)
	trusted, _ := caddyhttp.GetVar(answer.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return trusted
}

// noteForwarded says once that a peer which is no trusted proxy claims to forward
// for others. If it is the publisher's proxy, all readers share its limits; if it
// is a visitor, the claim is ignored. Which of them it is, only the publisher knows.
func (a *App) noteForwarded(r *http.Request) {
	if r.Header["X-Forwarded-For"] == nil || a.forwarded.Load() {
		return
	}
	if trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool); trusted || a.forwarded.Swap(true) {
		return
	}
	from := "a public address"
	if addr, err := netip.ParseAddr(peer(r)); err == nil && (addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()) {
		from = addr.String()
	} else if err != nil {
		from = "a Unix socket"
	}
	a.logger.Warn("X-Forwarded-For comes from a peer that is not a trusted proxy, and is ignored: all readers behind it share the limits of one address. "+
		"Is this server behind a proxy or a CDN? Then write its addresses into the global options: servers { trusted_proxies static <ranges>; trusted_proxies_strict }",
		slog.String("peer", from))
}
