package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// What only Caddy knows about a request, handed to the library as functions.

// originalTarget is what the client asked for, before Caddy's rewrites.
func originalTarget(r *http.Request) string {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.RequestURI != "" {
		return original.RequestURI
	}
	return r.RequestURI
}

// detach gives a request that the gate makes up (the probe) a context of its
// own. Caddy keeps per-request state there, among it which route groups have
// already run: shared, the real request would find its routes used up.
func detach(w http.ResponseWriter, r *http.Request) *http.Request {
	server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if server == nil {
		return r
	}
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, server)
}
