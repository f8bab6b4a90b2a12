package caddymodule

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/paywall/pricing"
)

// checkDetours refuses a config that leads requests around the gate to
// something that has a price.
func (h *Handler) checkDetours(targets []string) error {
	for _, target := range targets {
		path, query, _ := strings.Cut(target, "?")
		if strings.Contains(query, "{") {
			if len(h.Query) > 0 {
				return fmt.Errorf("an error page or handle_response rewrites to %s, where the request decides the query, and that decides what has a price; write the query out", target)
			}
			target = path
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
