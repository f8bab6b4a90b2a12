package routes

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// Site is what the route tree says of one gate.
type Site struct {
	// Server holds the gate.
	Server *caddyhttp.Server
	// Detours are the paths to which the config leads requests around the gate.
	Detours []string
	// Askers are the proxies before the gate that ask somebody else whether a
	// request may pass, such as those of forward_auth.
	Askers []*reverseproxy.Handler

	hosts hostSets
}

// Serves reports whether the site answers to a host, in lower case.
func (s *Site) Serves(host string) bool { return s.hosts.matches(host) }

// Hosts are those that the site answers to, in lower case and ASCII. None: all, or
// a pattern stands among them.
func (s *Site) Hosts() []string { return s.hosts.exact() }

// Name tells the site from others of the config, by its hosts and addresses. No
// visitor chooses it, unlike a Host header, which may have any port, and with a
// wildcard any name.
func (s *Site) Name() string {
	hosts := s.hosts.exact()
	if hosts == nil && len(s.hosts) > 0 {
		hosts = s.hosts[len(s.hosts)-1]
	}
	parts := slices.Concat(slices.Sorted(slices.Values(hosts)), s.Server.Listen)
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == ":443" || part == ":80" })
	return strings.Join(parts, " ")
}

// step is one list of routes on the way to the gate.
type step struct {
	*list
	at   int // of the route that holds the gate
	gate int // how many gates that route holds before this one
}

// walker looks at the routes around one gate.
type walker struct {
	tree    *Tree
	site    *Site
	ctx     caddy.Context
	invoked []string // named routes on the way to where it looks
	carried bool     // a route before has rewritten the address by who asks
}

// Inspect finds the gate that is being provisioned, and refuses one that requests
// can get around: one after a handler that already answers, after another gate, or
// in a block that only some spellings of a path reach.
func (t *Tree) Inspect(ctx caddy.Context) (*Site, error) {
	w := &walker{tree: t, ctx: ctx, site: new(Site)}
	w.site.Server, _ = ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if w.site.Server == nil {
		return nil, errors.New("paywall stands outside of a site; put it into the site's own block")
	}
	steps, errorRoutes, err := w.way()
	if err != nil {
		return nil, err
	}
	for i := range steps {
		if err := w.enter(&steps[i]); err != nil {
			return nil, err
		}
	}
	for i := range steps {
		if err := w.before(&steps[i]); err != nil {
			return nil, err
		}
	}
	for _, routes := range errorRoutes {
		if err := w.around(w.tree.list(routes)); err != nil {
			return nil, err
		}
	}
	if err := w.checkPrefix(); err != nil {
		return nil, err
	}
	for i := range steps {
		w.after(&steps[i], i == len(steps)-1)
	}
	return w.site, nil
}

// way lists the routes that hold the gate, from the server's own down to it, and
// the error routes that stand around it.
func (w *walker) way() (steps []step, errorRoutes []caddyhttp.RouteList, err error) {
	for _, module := range w.ctx.Modules() {
		var routes caddyhttp.RouteList
		var onError *caddyhttp.HTTPErrorConfig
		switch m := module.(type) {
		case *caddyhttp.App:
			routes, onError = w.site.Server.Routes, w.site.Server.Errors
		case *caddyhttp.Subroute:
			routes, onError = m.Routes, m.Errors
		case Gate:
			continue
		case caddyhttp.MiddlewareHandler:
			return nil, nil, fmt.Errorf("paywall stands inside %s, which has already asked the site; put it before", moduleName(m))
		default:
			continue
		}
		l := w.tree.list(routes)
		at := l.loading()
		if at >= 0 && onError != nil {
			errorRoutes = append(errorRoutes, onError.Routes)
		}
		if at < 0 && onError != nil {
			l = w.tree.list(onError.Routes)
			at = l.loading()
		}
		if at < 0 {
			return nil, nil, errors.New("paywall stands in a named route, and requests that do not invoke it go around; put it into the site's own block")
		}
		steps = append(steps, step{list: l, at: at, gate: l.gates})
		l.gates++
	}
	return steps, errorRoutes, nil
}

// enter looks at the matchers under which the gate is reached: hosts are what
// makes its site, and with any other there is a way around it.
func (w *walker) enter(s *step) error {
	m := s.matches[s.at]
	if m.other != "" {
		return fmt.Errorf("paywall stands in a block with a matcher (%s), and other spellings of a path go around the block; put it outside and give it the matcher, such as: paywall /articles/* 0.20", m.other)
	}
	if m.hosts != nil {
		w.site.hosts = append(w.site.hosts, m.hosts)
	}
	return nil
}

// before looks at everything in one list of routes that requests pass on their
// way to the gate.
func (w *walker) before(s *step) error {
	group := s.routes[s.at].Group
	for _, i := range s.concerning(w.site.hosts) {
		if i >= s.at {
			break
		}
		route := &s.routes[i]
		ends := route.Terminal || group != "" && route.Group == group
		switch w.relate(&s.matches[i]) {
		case apart:
			continue
		case narrower:
			if ends && s.matches[i].hostOnly {
				continue // the hosts are that block's, and not this gate's
			}
		case shared, whole:
			if ends && s.matches[i].hostOnly {
				return fmt.Errorf("paywall stands after the block for %s, which already answers its requests; write that block after this one, or paywall into it", w.names(s.matches[i].hosts))
			}
		}
		if err := w.pass(s.branch(i), false); err != nil {
			return err
		}
	}
	return w.siblings(s)
}

// siblings looks at the handlers before the gate in the route that holds it.
func (w *walker) siblings(s *step) error {
	left := s.gate
	for _, h := range s.branch(s.at).handlers {
		if h.gates > left {
			return nil
		}
		left -= h.gates
		if err := w.passHandler(&h, false); err != nil {
			return err
		}
	}
	return nil
}

func (*walker) names(hosts []string) string {
	if hosts == nil {
		return "all hosts"
	}
	return strings.Join(hosts, ", ")
}

func (w *walker) relate(m *match) relation { return w.site.hosts.relate(m.hosts) }
