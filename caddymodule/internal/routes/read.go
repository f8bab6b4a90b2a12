package routes

import (
	"encoding/json"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/fileserver"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/intercept"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
)

// A branch is a route as this package sees it, loaded or not.
type branch struct {
	route    *caddyhttp.Route
	match    match
	group    string
	terminal bool
	handlers []handler
}

// match is what is known of a route's matchers.
type match struct {
	all      bool     // there is none: all requests enter
	hosts    []string // that enter, nil for all
	hostOnly bool     // nothing but the host decides
	files    []string // what a file matcher tries, nil without one
	alone    bool     // the file matcher is the only matcher
	other    string   // the name of a matcher that looks at something else than the host
}

// entersOrFails reports whether no request goes past a route: what is not one of the
// files that it tries ends with a status.
func (m *match) entersOrFails() bool {
	return m.all || m.alone && strings.HasPrefix(m.files[len(m.files)-1], "=")
}

// handler is what matters here of a handler.
type handler struct {
	name      string
	source    string             // of a gate: where it stands
	gates     int                // how many gates it is, or holds
	routes    []branch           // of a subroute
	errors    []branch           // of a subroute: where its errors lead
	invokes   string             // the named route that it leads to
	rewrite   *rewrite.Rewrite   // its own: of a rewrite, or of a proxy
	responses []responseHandlers // of a proxy or an intercept: where its answers lead
	upstreams []string           // of a proxy: the addresses that it dials
	proxy     *reverseproxy.Handler
}

// responseHandlers are routes that an answer of the site is handed to.
type responseHandlers struct {
	status []int // of the answers, nil for all
	routes []branch
}

// A Gate is the handler that this package looks for.
type Gate interface {
	caddyhttp.MiddlewareHandler

	// Place is where it stands in the config, such as "Caddyfile:12".
	Place() string
}

const gateName = "paywall"

func readRoutes(routes caddyhttp.RouteList) []branch {
	branches := make([]branch, len(routes))
	for i := range routes {
		branches[i] = readRoute(&routes[i])
	}
	return branches
}

func readRoute(route *caddyhttp.Route) branch {
	return branch{route: route, match: readMatch(route), group: route.Group, terminal: route.Terminal, handlers: readHandlers(route)}
}

func readHandlers(route *caddyhttp.Route) []handler {
	handlers := make([]handler, 0, len(route.Handlers)+len(route.HandlersRaw))
	for _, h := range route.Handlers {
		handlers = append(handlers, readLoaded(h))
	}
	for _, raw := range route.HandlersRaw {
		handlers = append(handlers, readRaw(raw))
	}
	return handlers
}

// readMatch reads the matchers of a route. Caddy loads those of a whole list of
// routes before the first handler.
func readMatch(route *caddyhttp.Route) match {
	sets := make([]map[string]any, 0, len(route.MatcherSets)+len(route.MatcherSetsRaw))
	for _, set := range route.MatcherSets {
		matchers := make(map[string]any, len(set))
		for _, m := range set {
			if _, ours := m.(*elsewhere); !ours {
				matchers[moduleName(m)] = m
			}
		}
		sets = append(sets, matchers)
	}
	for _, set := range route.MatcherSetsRaw {
		matchers := make(map[string]any, len(set))
		for name, raw := range set {
			matchers[name] = decodeMatcher(name, raw)
		}
		sets = append(sets, matchers)
	}
	return mergeSets(sets)
}

// decodeMatcher decodes the matchers that count here. What cannot be read is
// refused by Caddy when its turn comes.
func decodeMatcher(name string, raw json.RawMessage) any {
	switch name {
	case "host":
		hosts := new(caddyhttp.MatchHost)
		_ = json.Unmarshal(raw, hosts)
		return hosts
	case "file":
		file := new(fileserver.MatchFile)
		_ = json.Unmarshal(raw, file)
		return file
	case "not":
		not := new(caddyhttp.MatchNot)
		_ = json.Unmarshal(raw, not)
		return not
	}
	return nil
}

// mergeSets joins a route's matcher sets: a request enters that matches one.
func mergeSets(sets []map[string]any) match {
	m := match{all: len(sets) == 0, hostOnly: true}
	anyHost := m.all
	for _, set := range sets {
		hosts := false
		for name, matcher := range set {
			switch matcher := matcher.(type) {
			case *caddyhttp.MatchHost:
				hosts = true
				m.hosts = append(m.hosts, normalizeHosts(*matcher)...)
				continue
			case caddyhttp.MatchHost: // of a redirect to HTTPS, which Caddy makes itself
				hosts = true
				m.hosts = append(m.hosts, normalizeHosts(matcher)...)
				continue
			case *caddyhttp.MatchNot:
				if onlyHosts(matcher) {
					continue
				}
			case *fileserver.MatchFile:
				m.files = append(m.files, matcher.TryFiles...)
				m.alone = len(sets) == 1 && len(set) == 1 && len(m.files) > 0
			}
			m.hostOnly, m.other = false, name
		}
		anyHost = anyHost || !hosts
	}
	if anyHost {
		m.hosts = nil
	}
	return m
}

// onlyHosts reports whether a matcher excludes hosts and nothing else.
func onlyHosts(not *caddyhttp.MatchNot) bool {
	for _, set := range not.MatcherSets {
		for _, matcher := range set {
			if _, ok := matcher.(*caddyhttp.MatchHost); !ok {
				return false
			}
		}
	}
	for _, set := range not.MatcherSetsRaw {
		for name := range set {
			if name != "host" {
				return false
			}
		}
	}
	return true
}

func readLoaded(loaded caddyhttp.MiddlewareHandler) handler {
	h := handler{name: moduleName(loaded)}
	switch m := loaded.(type) {
	case Gate:
		h.source, h.gates = m.Place(), 1
	case *caddyhttp.Subroute:
		h.subroute(m)
	case *caddyhttp.Invoke:
		h.invokes = m.Name
	case *rewrite.Rewrite:
		h.rewrite = m
	case *intercept.Intercept:
		h.answers(m.HandleResponse)
	case *reverseproxy.Handler:
		h.proxy, h.rewrite = m, m.Rewrite
		h.answers(m.HandleResponse)
		for _, upstream := range m.Upstreams {
			h.upstreams = append(h.upstreams, upstream.Dial)
		}
	}
	return h
}

// readRaw reads a handler that is not loaded yet. What cannot be read is refused
// by Caddy when its turn comes.
func readRaw(raw json.RawMessage) handler {
	var head struct {
		Handler string `json:"handler"`
		Source  string `json:"source"`
		Name    string `json:"name"`
	}
	_ = json.Unmarshal(raw, &head)
	h := handler{name: head.Handler}
	switch head.Handler {
	case gateName:
		h.source, h.gates = head.Source, 1
	case "subroute":
		var m caddyhttp.Subroute
		_ = json.Unmarshal(raw, &m)
		h.subroute(&m)
	case "invoke":
		h.invokes = head.Name
	case "rewrite":
		h.rewrite = new(rewrite.Rewrite)
		_ = json.Unmarshal(raw, h.rewrite)
	case "intercept", "reverse_proxy":
		var m struct {
			HandleResponse []caddyhttp.ResponseHandler `json:"handle_response"`
			Rewrite        *rewrite.Rewrite            `json:"rewrite"`
			Upstreams      []struct {
				Dial string `json:"dial"`
			} `json:"upstreams"`
		}
		_ = json.Unmarshal(raw, &m)
		h.rewrite = m.Rewrite
		h.answers(m.HandleResponse)
		for _, upstream := range m.Upstreams {
			h.upstreams = append(h.upstreams, upstream.Dial)
		}
	}
	return h
}

func (h *handler) subroute(m *caddyhttp.Subroute) {
	h.routes = readRoutes(m.Routes)
	if m.Errors != nil {
		h.errors = readRoutes(m.Errors.Routes)
	}
	h.count(h.routes)
	h.count(h.errors)
}

func (h *handler) answers(responses []caddyhttp.ResponseHandler) {
	for _, response := range responses {
		r := responseHandlers{routes: readRoutes(response.Routes)}
		if response.Match != nil {
			r.status = response.Match.StatusCode
		}
		h.responses = append(h.responses, r)
		h.count(r.routes)
	}
}

func (h *handler) count(branches []branch) {
	for i := range branches {
		for j := range branches[i].handlers {
			h.gates += branches[i].handlers[j].gates
		}
	}
}

func moduleName(v any) string {
	if m, ok := v.(caddy.Module); ok {
		return m.CaddyModule().ID.Name()
	}
	return ""
}
