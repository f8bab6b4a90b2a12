package caddymodule

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// placement is what the route tree around a gate says.
type placement struct {
	hosts    []string // that the site answers to; empty: all
	listen   []string // addresses of its server
	detours  []string // targets that the config leads to around the gate
	found    bool     // the gate is in a server's own routes
	gullible bool     // a client behind a trusted proxy can choose its address
}

// inspectPlacement refuses a gate that requests can get around: one behind a
// handler that already answers, behind another gate, or in a block that only
// some spellings of a path reach. It looks at the tree above the module being
// provisioned, in which Caddy has by then loaded whatever comes earlier.
func inspectPlacement(ctx caddy.Context) (placement, error) {
	var p placement
	self, _ := ctx.Module().(*Handler)
	for _, module := range ctx.Modules() {
		switch m := module.(type) {
		case *caddyhttp.App:
			for _, server := range m.Servers {
				if err := p.inspectServer(server, self); err != nil {
					return p, err
				}
			}
			if !p.found {
				return p, fmt.Errorf("paywall stands in a named route, and requests that do not invoke it go around; put it into the site's own block")
			}
		case *caddyhttp.Subroute:
			if err := p.inspectRoutes(m.Routes); err != nil {
				return p, err
			}
		case *Handler:
		case caddyhttp.MiddlewareHandler:
			return p, fmt.Errorf("paywall stands inside %s, which has already asked the site; put it before", module.CaddyModule().ID.Name())
		}
	}
	return p, nil
}

// inspectServer looks at a server's own routes if the gate is in them. Servers
// are loaded one after the other, in no fixed order: those that are done have
// no route to load, and those to come have no defaults yet.
func (p *placement) inspectServer(server *caddyhttp.Server, self *Handler) error {
	begun := server.ClientIPHeaders != nil
	switch {
	case !begun:
		return nil
	case loads(server.Routes, self):
		p.detours = append(p.detours, detours(server)...)
		if err := inspectErrors(server); err != nil {
			return err
		}
		p.found, p.listen, p.gullible = true, server.Listen, gullible(server)
		return p.inspectRoutes(server.Routes)
	case loading(server.Routes) < 0 && server.Errors != nil && loads(server.Errors.Routes, self):
		p.found, p.gullible = true, gullible(server)
		return p.inspectRoutes(server.Errors.Routes)
	}
	return nil
}

// inspectRoutes looks at one list of routes on the way to the gate: what comes
// before the route being loaded, what stands in it before the gate, and under
// which matcher it is reached.
func (p *placement) inspectRoutes(routes caddyhttp.RouteList) error {
	i := loading(routes)
	if i < 0 {
		return nil
	}
	for _, earlier := range routes[:i] {
		if err := inspectEarlier(earlier); err != nil {
			return err
		}
	}
	if err := inspectBefore(routes[i].HandlersRaw); err != nil {
		return err
	}
	for _, set := range routes[i].MatcherSets {
		for _, matcher := range set {
			host, ok := matcher.(*caddyhttp.MatchHost)
			if !ok {
				return fmt.Errorf("paywall stands in a block with a matcher (%s), and other spellings of a path go around the block; put it outside and give it the matcher, such as: paywall /articles/* 0.20", moduleName(matcher))
			}
			p.hosts = append(p.hosts, *host...)
		}
	}
	return nil
}

// inspectBefore looks at the handlers of the gate's own route, which are not
// loaded yet.
func inspectBefore(handlers []json.RawMessage) error {
	gate := slices.IndexFunc(handlers, mentionsGate)
	for _, raw := range handlers[:max(gate, 0)] {
		if name := answering(raw); name != "" {
			return behind(name)
		}
	}
	var gates []rawHandler
	for _, raw := range handlers {
		if h := readHandler(raw); h.Handler == "paywall" {
			gates = append(gates, h)
		}
	}
	if len(gates) > 1 {
		return fmt.Errorf("a site has one paywall directive, and there is another at %s; write several price rules into one", gates[1].Source)
	}
	return nil
}

// inspectEarlier looks at a whole route before the gate's. One that delivers the
// site's own content stands in the way even if only some requests enter it: the
// matcher does not see what the gate sees. What answers by itself, such as
// "respond /health", does so only if all requests enter it.
func inspectEarlier(route caddyhttp.Route) error {
	for _, handler := range route.Handlers {
		switch h := handler.(type) {
		case *Handler:
			return fmt.Errorf("a site has one paywall directive, and it stands at %s already; write several price rules into that one", h.Source)
		case *caddyhttp.Subroute:
			for _, inner := range h.Routes {
				inner.MatcherSets = append(inner.MatcherSets, route.MatcherSets...)
				if err := inspectEarlier(inner); err != nil {
					return err
				}
			}
		case *reverseproxy.Handler:
			if !asksOnly(h) {
				return behind("reverse_proxy")
			}
		default:
			name := moduleName(handler)
			if delivers(name) || len(route.MatcherSets) == 0 && answers(name) {
				return behind(name)
			}
		}
	}
	return nil
}

func behind(handler string) error {
	return fmt.Errorf("paywall stands behind %s, which already answers; put it before, outside of the blocks", handler)
}

// asksOnly reports whether a proxy passes requests on when its upstream says
// 2xx, as forward_auth does.
func asksOnly(h *reverseproxy.Handler) bool {
	for _, response := range h.HandleResponse {
		if response.Match == nil || !slices.Equal(response.Match.StatusCode, []int{2}) {
			continue
		}
		for _, route := range response.Routes {
			for _, raw := range route.HandlersRaw {
				if answering(raw) != "" {
					return false
				}
			}
			for _, handler := range route.Handlers {
				if name := moduleName(handler); answers(name) || name == "copy_response" {
					return false
				}
			}
		}
		return true
	}
	return false
}

// loads reports whether a gate with this config is in the route that is being
// loaded.
func loads(routes caddyhttp.RouteList, self *Handler) bool {
	i := loading(routes)
	return i >= 0 && slices.ContainsFunc(routes[i].HandlersRaw, func(raw json.RawMessage) bool {
		return holdsGate(decode(raw), self)
	})
}

// loading is the index of the route whose handlers are being loaded: the first
// that has not got its handlers yet. -1 when there is none.
func loading(routes caddyhttp.RouteList) int {
	return slices.IndexFunc(routes, func(r caddyhttp.Route) bool {
		return len(r.Handlers) == 0 && len(r.HandlersRaw) > 0
	})
}

// answers names the handlers of standard Caddy that end a request. What invoke
// leads to may do so.
func answers(handler string) bool {
	switch handler {
	case "static_response", "error", "acme_server", "metrics", "invoke":
		return true
	}
	return delivers(handler)
}

// delivers names those that bring what the site has.
func delivers(handler string) bool { return handler == "reverse_proxy" || handler == "file_server" }

// mentionsGate reports whether a handler's config is a gate's, or holds one.
func mentionsGate(raw json.RawMessage) bool { return holdsGate(decode(raw), nil) }

// holdsGate looks for a gate in a tree of config: for the one given, or any.
func holdsGate(node any, self *Handler) bool {
	switch n := node.(type) {
	case map[string]any:
		if n["handler"] == "paywall" {
			return self == nil || n["source"] == self.Source || self.Source == "" && n["source"] == nil
		}
		for _, child := range n {
			if holdsGate(child, self) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(n, func(child any) bool { return holdsGate(child, self) })
	}
	return false
}

func decode(raw json.RawMessage) (node any) {
	_ = json.Unmarshal(raw, &node) // what cannot be read is refused by Caddy when its turn comes
	return node
}

// rawHandler is what matters here of a handler's config.
type rawHandler struct {
	Handler string `json:"handler"`
	Source  string `json:"source"`
	Routes  []struct {
		Match    []json.RawMessage `json:"match"`
		Handlers []json.RawMessage `json:"handle"`
	} `json:"routes"`
}

func readHandler(raw json.RawMessage) (h rawHandler) {
	_ = json.Unmarshal(raw, &h) // what cannot be read is refused by Caddy when its turn comes
	return h
}

// answering names the handler that answers every request which enters a
// handler, or a subroute; "" if there is none.
func answering(raw json.RawMessage) string {
	h := readHandler(raw)
	if h.Handler == "reverse_proxy" {
		proxy := new(reverseproxy.Handler)
		if json.Unmarshal(raw, proxy) == nil && asksOnly(proxy) {
			return ""
		}
	}
	if answers(h.Handler) {
		return h.Handler
	}
	for _, route := range h.Routes {
		if h.Handler != "subroute" || len(route.Match) > 0 {
			continue
		}
		for _, inner := range route.Handlers {
			if name := answering(inner); name != "" {
				return name
			}
		}
	}
	return ""
}

func moduleName(v any) string {
	if m, ok := v.(caddy.Module); ok {
		return m.CaddyModule().ID.Name()
	}
	return fmt.Sprintf("%T", v)
}
