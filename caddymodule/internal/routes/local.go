package routes

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// LocalAddresses are those under which this machine alone can open a site: its
// hosts on the loopback interface, or localhost where the server listens nowhere
// else.
func (s *Site) LocalAddresses(ctx caddy.Context) (addresses []string) {
	listening := s.Server.Listen
	if len(listening) == 0 {
		return nil
	}
	listen, err := caddy.ParseNetworkAddress(listening[0])
	if err != nil {
		return nil // Caddy has refused it
	}
	hosts := slices.Clone(s.Hosts())
	if len(hosts) == 0 && isLoopback(listen.Host) {
		hosts = append(hosts, "localhost")
	}
	scheme, standard := "http", uint(caddyhttp.DefaultHTTPPort)
	if servesTLS(ctx, listening) {
		scheme, standard = "https", caddyhttp.DefaultHTTPSPort
	}
	for _, host := range hosts {
		if !isLoopback(host) {
			continue
		}
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		if listen.StartPort != standard {
			host = fmt.Sprint(host, ":", listen.StartPort)
		}
		addresses = append(addresses, scheme+"://"+host)
	}
	return addresses
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(strings.Trim(host, "[]")).IsLoopback()
}

// servesTLS reports whether the server at these addresses speaks TLS, which Caddy
// decides after the gates are provisioned.
func servesTLS(ctx caddy.Context, listen []string) bool {
	app, err := ctx.App("http")
	if err != nil {
		return false
	}
	for _, server := range app.(*caddyhttp.App).Servers {
		if slices.Equal(server.Listen, listen) {
			return len(server.TLSConnPolicies) > 0
		}
	}
	return false
}
