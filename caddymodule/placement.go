package caddymodule

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// placement is what the route tree around a gate says.
type placement struct {
	hosts   []string // that the site answers to; empty: all
	detours []string // targets that the config leads to around the gate
}

// inspectPlacement refuses a gate that requests can get around: one behind a
// handler that already answers, behind another gate, or in a block that only
// some spellings of a path reach. It looks at the tree above the module being
// provisioned, in which Caddy has by then loaded whatever comes earlier.
func inspectPlacement(ctx caddy.Context) (placement, error) {
	var p placement
	for _, module := range ctx.Modules() {
		switch m := module.(type) {
		case *caddyhttp.App:
			for _, server := range m.Servers {
				if err := p.inspectServer(server); err != nil {
					return p, err
				}
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

// inspectServer looks at a server's own routes if the gate is in them. Several
// servers may hold gates; those already loaded, or not begun, say nothing.
func (p *placement) inspectServer(server *caddyhttp.Server) error {
	if i := loading(server.Routes); i < 0 || !slices.ContainsFunc(server.Routes[i].HandlersRaw, mentionsGate) {
		return nil
	}
	p.detours = append(p.detours, detours(server)...)
	return p.inspectRoutes(server.Routes)
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
			return fmt.Errorf("paywall stands behind %s, which already answers; put it before", name)
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

// inspectEarlier looks at a whole route before the gate's. Only one that all
// requests enter stands in the way; what answers a part of them, such as
// "respond /health", is the site's own decision.
func inspectEarlier(route caddyhttp.Route) error {
	for _, handler := range route.Handlers {
		switch h := handler.(type) {
		case *Handler:
			return fmt.Errorf("a site has one paywall directive, and it stands at %s already; write several price rules into that one", h.Source)
		case *caddyhttp.Subroute:
			for _, inner := range h.Routes {
				if err := inspectEarlier(inner); err != nil && len(route.MatcherSets) == 0 {
					return err
				}
			}
		default:
			if name := moduleName(handler); len(route.MatcherSets) == 0 && answers(name) {
				return fmt.Errorf("paywall stands behind %s, which already answers; put it before", name)
			}
		}
	}
	return nil
}

// loading is the index of the route whose handlers are being loaded: the first
// that has not got its handlers yet. -1 when there is none.
func loading(routes caddyhttp.RouteList) int {
	return slices.IndexFunc(routes, func(r caddyhttp.Route) bool {
		return len(r.Handlers) == 0 && len(r.HandlersRaw) > 0
	})
}

// answers names the handlers of standard Caddy that end a request.
func answers(handler string) bool {
	switch handler {
	case "reverse_proxy", "file_server", "static_response", "error", "acme_server", "metrics":
		return true
	}
	return false
}

// mentionsGate reports whether a handler's config is a gate's, or holds one.
func mentionsGate(raw json.RawMessage) bool {
	var node any
	return json.Unmarshal(raw, &node) == nil && holdsGate(node)
}

func holdsGate(node any) bool {
	switch n := node.(type) {
	case map[string]any:
		if n["handler"] == "paywall" {
			return true
		}
		for _, child := range n {
			if holdsGate(child) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(n, holdsGate)
	}
	return false
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
