// Package requests reads from a request what only Caddy knows of it: what the client
// asked for before rewrites, who asks, under which origin, and which writer is the
// server's own. The library takes these as functions.
package requests
