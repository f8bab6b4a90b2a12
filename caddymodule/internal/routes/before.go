package routes

import (
	"fmt"
	"slices"
)

// pass looks at a whole route before the gate's. One that delivers the site's own
// content stands in the way even if only some requests enter it: its matcher does
// not see what the gate sees. What answers by itself, such as "respond /health",
// does so only if all requests enter it; some says that not all do.
func (w *walker) pass(b *branch, some bool) error {
	relation := w.relate(&b.match)
	if relation == apart || relation == narrower && b.match.hostOnly && w.ends(b.handlers) {
		return nil
	}
	some = some || relation != whole || !b.match.hostOnly
	w.makeWay(b)
	w.carried = w.carried || carries(b)
	for i := range b.handlers {
		if err := w.passHandler(&b.handlers[i], some); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) passHandler(h *handler, some bool) error {
	switch {
	case h.name == gateName:
		return fmt.Errorf("a site has one paywall directive, and it stands at %s already; write several price rules into that one", h.source)
	case h.invokes != "":
		return w.invoke(h.invokes, func(b *branch) error { return w.pass(b, some) })
	case h.name == "intercept":
		return w.lead(h.responses, &address{})
	case h.asksOnly(w):
		if h.proxy == nil {
			return fmt.Errorf("forward_auth before paywall would be sent the keys of wallets, since %s", w.unreachable())
		}
		w.site.Askers = append(w.site.Askers, h.proxy)
		return w.lead(h.responses, &address{})
	case delivers(h.name) || !some && answers(h.name):
		return fmt.Errorf("paywall stands after %s, which already answers; put it before, outside of the blocks", w.called(h.name))
	}
	for i := range h.routes {
		if err := w.pass(&h.routes[i], some); err != nil {
			return err
		}
	}
	for i := range h.errors {
		if err := w.arrive(&h.errors[i], &address{}); err != nil {
			return err
		}
	}
	return nil
}

// called names a handler, and the named route that it stands in.
func (w *walker) called(name string) string {
	if len(w.invoked) > 0 {
		return fmt.Sprintf("invoke %s (%s)", w.invoked[len(w.invoked)-1], name)
	}
	return name
}

// unreachable says where a proxy stands that is not in Caddy's routes yet, and
// where to write it.
func (w *walker) unreachable() string {
	if len(w.invoked) > 0 {
		return fmt.Sprintf("it stands in the named route %s; write it into the site's own block", w.invoked[len(w.invoked)-1])
	}
	return "both stand in one route; give each a route of its own, one after the other"
}

// invoke looks at a named route, once where it leads to itself.
func (w *walker) invoke(name string, look func(*branch) error) error {
	b := w.tree.namedRoute(w.site.Server, name)
	if b == nil || slices.Contains(w.invoked, name) {
		return nil
	}
	w.invoked = append(w.invoked, name)
	defer func() { w.invoked = w.invoked[:len(w.invoked)-1] }()
	return look(b)
}

// asksOnly reports whether a proxy passes requests on when its upstream says
// 2xx, as forward_auth does.
func (h *handler) asksOnly(w *walker) bool {
	if h.name != "reverse_proxy" {
		return false
	}
	for _, response := range h.responses {
		if slices.Equal(response.status, []int{2}) {
			return !slices.ContainsFunc(response.routes, func(b branch) bool { return w.mayEnd(b.handlers) })
		}
	}
	return false
}

// ends reports whether handlers answer every request that they get.
func (w *walker) ends(handlers []handler) bool {
	return slices.ContainsFunc(handlers, func(h handler) bool {
		if h.name == "reverse_proxy" && h.asksOnly(w) {
			return false
		}
		return answers(h.name) || slices.ContainsFunc(h.routes, func(b branch) bool { return b.match.all && w.ends(b.handlers) })
	})
}

// mayEnd reports whether handlers answer some request that they get.
func (w *walker) mayEnd(handlers []handler) bool {
	return slices.ContainsFunc(handlers, func(h handler) bool {
		if answers(h.name) || h.name == "copy_response" {
			return true
		}
		return h.invokes != "" || slices.ContainsFunc(h.routes, func(b branch) bool { return w.mayEnd(b.handlers) })
	})
}

// answers names the handlers of standard Caddy that end a request.
func answers(handler string) bool {
	switch handler {
	case "static_response", "error", "acme_server", "metrics":
		return true
	}
	return delivers(handler)
}

// delivers names those that bring what the site has.
func delivers(handler string) bool { return handler == "reverse_proxy" || handler == "file_server" }
