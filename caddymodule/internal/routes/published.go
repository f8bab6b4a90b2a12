package routes

import (
	"fmt"
	"net"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// forward is a proxy of another server that sends requests on after it took a
// prefix away from their paths.
type forward struct {
	hosts  []string
	prefix string
	to     string // the address that it dials
}

// checkPrefix refuses a site that another server of the config publishes below a
// prefix which it takes away: the gate does not know the prefix, so the purchase pages
// and the way back would be at addresses that lead nowhere.
func (w *walker) checkPrefix() error {
	app, _ := w.ctx.Modules()[0].(*caddyhttp.App)
	if app == nil {
		return nil
	}
	for _, server := range app.Servers {
		if server == w.site.Server {
			continue
		}
		for _, f := range w.tree.forwards(server) {
			if w.site.hosts.relate(f.hosts) != apart && w.listensOn(f.to) {
				return fmt.Errorf("another site of this config publishes this one below %s and takes that away, so that readers would not come back to what they bought; proxy %s/* and /.paywall/* as they are, and write before paywall: uri strip_prefix %s", f.prefix, f.prefix, f.prefix)
			}
		}
	}
	return nil
}

// listensOn reports whether the gate's server is what a proxy dials.
func (w *walker) listensOn(dial string) bool {
	to, err := caddy.ParseNetworkAddress(dial)
	if err != nil {
		return false
	}
	for _, listen := range w.site.Server.Listen {
		at, err := caddy.ParseNetworkAddress(listen)
		if err == nil && at.Network == to.Network && at.StartPort <= to.StartPort && to.StartPort <= at.EndPort &&
			(at.Host == to.Host || here(at.Host) && here(to.Host)) {
			return true
		}
	}
	return false
}

// here reports whether a host of an address is this machine.
func here(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// forwards reads a server once for all gates of other servers.
func (t *Tree) forwards(server *caddyhttp.Server) []forward {
	if found, ok := t.forwarding[server]; ok {
		return found
	}
	var found []forward
	for _, b := range readRoutes(server.Routes) {
		collectForwards([]branch{b}, "", &found, b.match.hosts)
	}
	if t.forwarding == nil {
		t.forwarding = make(map[*caddyhttp.Server][]forward)
	}
	t.forwarding[server] = found
	return found
}

// collectForwards answers which prefix is gone after a list of routes.
func collectForwards(branches []branch, prefix string, found *[]forward, hosts []string) string {
	for i := range branches {
		gone := prefix
		for _, h := range branches[i].handlers {
			stripped := gone
			switch {
			case h.rewrite != nil && h.rewrite.StripPathPrefix != "":
				stripped = h.rewrite.StripPathPrefix
			case h.rewrite != nil && h.rewrite.URI != "":
				stripped = ""
			}
			if h.name == "rewrite" {
				gone = stripped
			}
			for _, to := range h.upstreams {
				if stripped != "" {
					*found = append(*found, forward{hosts, stripped, to})
				}
			}
			gone = collectForwards(h.routes, gone, found, hosts)
		}
		if branches[i].match.all {
			prefix = gone
		}
	}
	return prefix
}
