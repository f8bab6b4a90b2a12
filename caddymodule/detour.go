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
		closed, err := h.closed(target)
		if err != nil {
			return fmt.Errorf("an error page or handle_response rewrites to %s: %w", target, err)
		}
		if !closed {
			continue
		}
		return fmt.Errorf("an error page or handle_response shows %s, which has a price, to everybody; show a page that is free, or write: free %s", target, path)
	}
	return nil
}

// closed reports whether the gate would keep a target of the config's own from
// whoever has not paid.
func (h *Handler) closed(target string) (bool, error) {
	parsed, err := h.canon.Parse(target)
	if err != nil {
		return false, err
	}
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		return false, err
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, new(caddyhttp.Server))
	decision, err := h.table.Decide(r, &parsed)
	return err != nil || decision.Status == pricing.Priced || decision.Status == pricing.Misconfigured, nil
}
