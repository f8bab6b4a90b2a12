package caddymodule

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"reflect"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/paywall/gate"
)

// resolver is the DNS that crawlers are verified with: the machine's, asked by
// Go itself, whose lookups end when their time is over. Tests bring their own.
var resolver gate.Resolver = &net.Resolver{PreferGo: true}

func (h *Handler) provisionCrawlers() error {
	if h.Crawlers == nil {
		return nil
	}
	if trustsClientAddress(h.place.Server) {
		return errors.New("crawlers are told by their addresses, and behind trusted_proxies clients can write one of Google's into X-Forwarded-For; add trusted_proxies_strict to the server's options")
	}
	var err error
	h.bots, err = gate.NewCrawlers(h.Crawlers, resolver, crawlerAddr)
	return err
}

// trustsClientAddress reports whether a server believes what stands first in
// X-Forwarded-For when a trusted proxy sends it. Proxies append to that header,
// so what stands first is the client's own claim; only with
// trusted_proxies_strict is it read from the end.
//
// By the time that a gate is loaded, Caddy has moved the setting into a field
// that it does not export. A test fails should it ever be called otherwise, and
// crawlerAddr looks again.
func trustsClientAddress(server *caddyhttp.Server) bool {
	if server.TrustedProxiesStrict > 0 {
		return false
	}
	trusted := reflect.ValueOf(server).Elem().FieldByName("trustedProxies")
	return server.TrustedProxiesUnix || trusted.IsValid() && !trusted.IsNil()
}

// crawlerAddr is the address that a request came from, the zero value if the
// client may have had a say in it.
func crawlerAddr(r *http.Request) netip.Addr {
	server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	if trusted && (server == nil || server.TrustedProxiesStrict == 0) {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddr(clientIP(r)) // the zero value if it is none
	return addr
}
