package routes

import (
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Tree keeps what was read of a config's routes while its gates are provisioned,
// so that each gate reads its own block alone: hundreds of sites share a server.
// The zero Tree is ready; it is for one config and one goroutine.
type Tree struct {
	lists map[*caddyhttp.Route]*list // by their first route
	named map[*caddyhttp.Route]*branch

	forwarding map[*caddyhttp.Server][]forward
}

// list is one list of routes, with their matchers read and found by host.
type list struct {
	routes   caddyhttp.RouteList
	matches  []match
	byHost   map[string][]int // routes for hosts that are known by name
	others   []int            // routes for patterns, and for all hosts
	next     int              // no route before it is being loaded
	gates    int              // that were found in the route being loaded
	branches map[int]*branch  // that were read
	loaded   map[int]bool     // those of them that were loaded when they were read
}

// list reads the matchers of a list of routes, once.
func (t *Tree) list(routes caddyhttp.RouteList) *list {
	if len(routes) == 0 {
		return new(list)
	}
	if l := t.lists[&routes[0]]; l != nil {
		return l
	}
	l := &list{
		routes: routes, matches: make([]match, len(routes)), byHost: make(map[string][]int),
		branches: make(map[int]*branch), loaded: make(map[int]bool),
	}
	for i := range routes {
		m := readMatch(&routes[i])
		l.matches[i] = m
		if m.hosts == nil || slices.ContainsFunc(m.hosts, func(host string) bool { return !exact(host) }) {
			l.others = append(l.others, i)
			continue
		}
		for _, host := range m.hosts {
			l.byHost[host] = append(l.byHost[host], i)
		}
	}
	if t.lists == nil {
		t.lists = make(map[*caddyhttp.Route]*list)
	}
	t.lists[&routes[0]] = l
	return l
}

// branch reads a route, and again when it has been loaded meanwhile.
func (l *list) branch(i int) *branch {
	loaded := len(l.routes[i].Handlers) > 0
	if b := l.branches[i]; b != nil && l.loaded[i] == loaded {
		return b
	}
	route := &l.routes[i]
	b := &branch{route: route, match: l.matches[i], group: route.Group, terminal: route.Terminal, handlers: readHandlers(route)}
	l.branches[i], l.loaded[i] = b, loaded
	return b
}

// concerning are the routes that may get requests for the hosts of a gate, in order.
func (l *list) concerning(hosts hostSets) []int {
	names := hosts.exact()
	if names == nil {
		all := make([]int, len(l.routes))
		for i := range all {
			all[i] = i
		}
		return all
	}
	found := slices.Clone(l.others)
	for _, name := range names {
		found = append(found, l.byHost[name]...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// loading is the index of the route whose handlers are being loaded: the first
// that has not got its handlers yet. -1 when there is none.
func (l *list) loading() int {
	for i := l.next; i < len(l.routes); i++ {
		if len(l.routes[i].Handlers) == 0 && len(l.routes[i].HandlersRaw) > 0 {
			if i > l.next {
				l.next, l.gates = i, 0
			}
			return i
		}
	}
	return -1
}

// namedRoute reads one that "invoke" leads to, nil if there is none.
func (t *Tree) namedRoute(server *caddyhttp.Server, name string) *branch {
	route := server.NamedRoutes[name]
	if route == nil {
		return nil
	}
	if b := t.named[route]; b != nil {
		return b
	}
	if t.named == nil {
		t.named = make(map[*caddyhttp.Route]*branch)
	}
	b := readRoute(route)
	t.named[route] = &b
	return &b
}
