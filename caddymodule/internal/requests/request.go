package requests

import (
	"net/http"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// OriginalTarget is what the client asked for, before Caddy's rewrites.
func OriginalTarget(r *http.Request) string {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && original.RequestURI != "" {
		return original.RequestURI
	}
	return r.RequestURI
}

// Inner reports whether the server made a request itself, out of another one, for a
// part of a page: httpInclude of Caddy's templates says so in a header, and nothing
// that came over the network lacks the address that it came to.
func Inner(r *http.Request) bool {
	return r.Header["Caddy-Templates-Include"] != nil && r.Context().Value(http.LocalAddrContextKey) == nil
}
