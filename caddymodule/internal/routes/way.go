package routes

import (
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Follow walks the way of a request through a server's routes up to a gate, without
// answering: only handlers that change what is asked for are run, on r itself. It
// answers the gate, nil if the way comes to none, or the name of the handler that
// answers before any gate.
func Follow(server *caddyhttp.Server, r *http.Request) (gate Gate, answered string) {
	w := &way{server: server, groups: make(map[string]bool)}
	w.follow(server.Routes, r)
	return w.gate, w.answered
}

// way is how far the way of a request was followed.
type way struct {
	server   *caddyhttp.Server
	groups   map[string]bool // of routes, of which one was entered
	gate     Gate            // that it comes to
	answered string          // the handler that answers before any gate
	over     bool            // a route that ends the way was entered
}

// follow walks through routes as Caddy's do (RouteList.Compile).
func (w *way) follow(routes caddyhttp.RouteList, r *http.Request) {
	for _, route := range routes {
		if route.Group != "" && w.groups[route.Group] {
			continue
		}
		matched, err := route.MatcherSets.AnyMatchWithError(r)
		if err != nil || !matched {
			continue
		}
		if route.Group != "" {
			w.groups[route.Group] = true
		}
		for _, handler := range route.Handlers {
			if w.enter(handler, r); w.ended() {
				return
			}
		}
		if w.over = route.Terminal; w.over {
			return
		}
	}
}

func (w *way) ended() bool { return w.gate != nil || w.answered != "" || w.over }

func (w *way) enter(handler caddyhttp.MiddlewareHandler, r *http.Request) {
	switch h := handler.(type) {
	case Gate:
		w.gate = h
		return
	case *caddyhttp.Subroute:
		w.follow(h.Routes, r)
		return
	case *caddyhttp.Invoke:
		if route := w.server.NamedRoutes[h.Name]; route != nil {
			w.follow(caddyhttp.RouteList{*route}, r)
		}
		return
	}
	module, ok := handler.(caddy.Module)
	if !ok {
		return
	}
	switch name := module.CaddyModule().ID.Name(); name {
	case "rewrite", "vars", "map":
		nothing := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
		_ = handler.ServeHTTP(nowhere{}, r, nothing) // a rewrite that fails changes nothing
	case "static_response", "error":
		w.answered = name
	}
}

// RequestByNobody is the GET of a URL by somebody who has nothing, as the server would
// have it before its routes.
func RequestByNobody(u *url.URL, server *caddyhttp.Server) (*http.Request, error) {
	target := u.EscapedPath()
	if target == "" {
		target = "/"
	}
	if u.RawQuery != "" {
		target += "?" + u.RawQuery
	}
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	r.Host, r.RequestURI, r.RemoteAddr = u.Host, target, "192.0.2.1:443" // nobody's address (RFC 5737)
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nowhere{}, server), nil
}

// nowhere is the writer of a request that is not answered.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}
