package requests

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// maxHops is how many addresses of a forwarding header are looked at, from its
// end. The client can write as many as fit into a head.
const maxHops = 16

// ClientIP returns the visitor's address for limits held in memory. It is the
// last address in the server's client IP headers that is not a trusted proxy's:
// proxies append to those headers, and the client wrote all that stands before.
// Caddy reads them so with trusted_proxies_strict only; without it the client
// could choose an address with each request.
func ClientIP(r *http.Request) string {
	server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	if trusted && server != nil && server.TrustedProxiesStrict == 0 {
		return strictClientIP(r, server)
	}
	if ip, ok := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string); ok && ip != "" {
		return ip
	}
	return Peer(r)
}

// Peer is the address that a request came from over the network.
func Peer(r *http.Request) string {
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
	return Peer(r)
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

// TrustsClientAddress reports whether a server believes what stands first in
// X-Forwarded-For when a trusted proxy sends it. Proxies append to that header,
// so what stands first is the client's own claim; only with
// trusted_proxies_strict is it read from the end.
//
// By the time that a gate is loaded, Caddy has moved the setting into a field
// that it does not export. A test fails should it ever be called otherwise, and
// ProvenAddr looks again.
func TrustsClientAddress(server *caddyhttp.Server) bool {
	if server.TrustedProxiesStrict > 0 {
		return false
	}
	trusted := reflect.ValueOf(server).Elem().FieldByName("trustedProxies")
	return server.TrustedProxiesUnix || trusted.IsValid() && !trusted.IsNil()
}

// ProvenAddr is the address that a request came from, the zero value if the
// client may have had a say in it.
func ProvenAddr(r *http.Request) netip.Addr {
	server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	if trusted && (server == nil || server.TrustedProxiesStrict == 0) {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddr(ClientIP(r)) // the zero value if it is none
	return addr
}
