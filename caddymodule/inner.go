package caddymodule

import "net/http"

// inner reports whether the server made a request itself, out of another one, for a
// part of a page: httpInclude of Caddy's templates says so in a header, and nothing
// that came over the network lacks the address that it came to.
func inner(r *http.Request) bool {
	return r.Header["Caddy-Templates-Include"] != nil && r.Context().Value(http.LocalAddrContextKey) == nil
}
