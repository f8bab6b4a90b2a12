package caddymodule

import (
	"net/http"
	"strings"

	"github.com/tuppence/tuppence/paywall/checkout"
)

// hookPrefix is where providers call, each at its way's name.
const hookPrefix = checkout.Prefix + "webhook/"

// withHooks lets providers call where readers go. Such a call has no reader: it is believed
// for its signature alone, so that neither its cookies nor its origin count.
type withHooks struct {
	*checkout.Checkout
	app *App
}

// ServeHTTP implements [http.Handler].
func (h withHooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	way, found := strings.CutPrefix(r.URL.Path, hookPrefix)
	if !found {
		h.Checkout.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "providers call here with POST", http.StatusMethodNotAllowed)
		return
	}
	if err := h.app.topups.Hook(way, w, r); err != nil {
		h.app.hookFailed(err)
	}
}

// hookFailed logs why a call came to nothing, once a minute: everybody can make calls.
func (a *App) hookFailed(err error) {
	a.failures.Do(func() {
		a.logger.Warn("a call to a webhook was refused, or could not be booked yet", "error", err)
	})
}
