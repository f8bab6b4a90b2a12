package caddymodule

import (
	"net/http"

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
