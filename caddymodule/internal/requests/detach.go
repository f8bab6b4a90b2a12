package requests

import (
	"context"
	"maps"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Detach gives a request that the gate makes up (the probe) a context of its own.
// Caddy keeps per-request state there, among it which route groups have already run:
// shared, the real request would find its routes used up. What handlers before the
// gate have set is the same as for the request that caused it, reader: root, vars and
// fs, the outputs of map, the groups of a matcher. Who the reader is, is not.
func Detach(w http.ResponseWriter, r, reader *http.Request) *http.Request {
	before := reader.Context()
	server, _ := before.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if server == nil {
		return r
	}
	repl := caddy.NewReplacer()
	detached := caddyhttp.PrepareRequest(r, repl, w, server)
	ctx := detached.Context()

	if vars, ok := before.Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		own, _ := ctx.Value(caddyhttp.VarsCtxKey).(map[string]any)
		fresh := maps.Clone(own)
		for name, value := range vars {
			if text, ok := value.(string); name == "uuid" || strings.HasPrefix(name, authPrefix) || ok && identifies(reader, text) {
				continue
			}
			own[name] = value
		}
		maps.Copy(own, fresh) // the client's address, and when this began
	}
	if all, ok := before.Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(func(key string) (any, bool) {
			if strings.HasPrefix(key, "http.request.") || strings.HasPrefix(key, "http.response.") || strings.HasPrefix(key, authPrefix) {
				return nil, false
			}
			value, known := all.Get(key)
			if text, ok := value.(string); ok && identifies(reader, text) {
				return nil, false
			}
			return value, known
		})
	}
	original, ok := before.Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if ok && original.RequestURI != reader.RequestURI { // rewritten: the site may go by what was asked for
		original.Method = r.Method
		return detached.WithContext(context.WithValue(ctx, caddyhttp.OriginalRequestCtxKey, original))
	}
	return detached
}

// authPrefix begins what an authentication handler before the gate says of a reader.
const authPrefix = "http.auth."

// identifies reports whether a value that a handler took from a request is the
// reader's: a cookie's, or a credential.
func identifies(r *http.Request, value string) bool {
	if value == "" {
		return false
	}
	for _, cookie := range r.Cookies() {
		if cookie.Value == value {
			return true
		}
	}
	for _, name := range [...]string{"Authorization", "Cookie", "Proxy-Authorization"} {
		for _, line := range r.Header[name] {
			if line == value || strings.HasSuffix(line, " "+value) {
				return true
			}
		}
	}
	return false
}
