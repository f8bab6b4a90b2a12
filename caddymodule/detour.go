package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/paywall/pricing"
)

// A detour is a path that the config itself leads requests to where no gate
// stands: error pages (handle_errors) and pages chosen by a proxy's answer
// (handle_response). A site that shows one of its own articles there would give
// it away.

// detours are the fixed targets of rewrites in error routes and in
// handle_response.
func detours(server *caddyhttp.Server) []string {
	var found []string
	if server.Errors != nil {
		for _, route := range server.Errors.Routes {
			found = append(found, rewrites(decodeAll(route.HandlersRaw), true)...)
		}
	}
	for _, route := range server.Routes {
		found = append(found, rewrites(decodeAll(route.HandlersRaw), false)...)
	}
	return found
}

// rewrites collects targets from a tree of config; astray says that the tree is
// behind no gate.
func rewrites(node any, astray bool) []string {
	var found []string
	switch n := node.(type) {
	case []any:
		for _, child := range n {
			found = append(found, rewrites(child, astray)...)
		}
	case map[string]any:
		if uri, ok := n["uri"].(string); ok && astray && n["handler"] == "rewrite" {
			found = append(found, uri)
		}
		if inner, ok := n["rewrite"].(map[string]any); ok && astray {
			if uri, ok := inner["uri"].(string); ok {
				found = append(found, uri)
			}
		}
		for key, child := range n {
			found = append(found, rewrites(child, astray || key == "handle_response")...)
		}
	}
	return found
}

func decodeAll(raws []json.RawMessage) []any {
	nodes := make([]any, len(raws))
	for i, raw := range raws {
		nodes[i] = decode(raw)
	}
	return nodes
}

// inspectErrors refuses error pages that hand a request to the site as it came:
// of an article that failed before it was sold, they would show the article.
func inspectErrors(server *caddyhttp.Server) error {
	if server.Errors == nil {
		return nil
	}
	for _, route := range server.Errors.Routes {
		if name := handsOver(decodeAll(route.HandlersRaw), new(bool)); name != "" {
			return fmt.Errorf("an error page (handle_errors) hands requests to %s as they came, those for something with a price too; rewrite them to the page first, or put paywall before", name)
		}
	}
	return nil
}

// handsOver names the first handler in a chain that delivers the site's content
// before the request was rewritten, or met a gate.
func handsOver(handlers []any, safe *bool) string {
	for _, node := range handlers {
		h, _ := node.(map[string]any)
		name, _ := h["handler"].(string)
		inner, _ := h["rewrite"].(map[string]any)
		switch {
		case *safe:
			return ""
		case name == "paywall", name == "rewrite" && h["uri"] != nil:
			*safe = true
		case delivers(name) && inner["uri"] == nil:
			return name
		}
		routes, _ := h["routes"].([]any)
		for _, route := range routes {
			r, _ := route.(map[string]any)
			chain, _ := r["handle"].([]any)
			within := safe
			if r["match"] != nil { // what happens in it happens to some requests only
				some := *safe
				within = &some
			}
			if found := handsOver(chain, within); found != "" {
				return found
			}
		}
	}
	return ""
}

// checkDetours refuses a config that leads requests around the gate to
// something that has a price. Targets with placeholders are not known yet.
func (h *Handler) checkDetours(targets []string) error {
	for _, target := range targets {
		path, _, _ := strings.Cut(target, "?")
		if strings.Contains(target, "{") || !strings.HasPrefix(path, "/") {
			continue
		}
		parsed, err := h.canon.Parse(target)
		if err != nil {
			return fmt.Errorf("an error page or handle_response rewrites to %s: %w", target, err)
		}
		r, err := http.NewRequest(http.MethodGet, path, nil)
		if err != nil {
			return fmt.Errorf("an error page or handle_response rewrites to %s: %w", target, err)
		}
		r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, new(caddyhttp.Server))
		decision, err := h.table.Decide(r, &parsed)
		if err == nil && decision.Status != pricing.Priced && decision.Status != pricing.Misconfigured {
			continue
		}
		return fmt.Errorf("an error page or handle_response shows %s, which has a price, to everybody; show a page that is free, or write: free %s", target, path)
	}
	return nil
}
