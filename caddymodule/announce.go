package caddymodule

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/tuppence/tuppence/caddymodule/internal/routes"
)

const (
	announceEvery = 100 * time.Millisecond
	announceAfter = 500 * time.Millisecond // Caddy saves the config and says that it serves
)

// announce logs the address of every site that only this machine can open, such
// as that of Caddyfile.example. It waits until the site is served and the ledger
// is open, and then until Caddy has said all it has to say: among Caddy's own
// lines nobody would find the address.
func (a *App) announce() {
	for !a.serves() {
		if !a.pause(announceEvery) {
			return
		}
	}
	if !a.pause(announceAfter) {
		return
	}
	for _, address := range a.localAddresses() {
		a.logger.Info("open " + address)
	}
}

// serves reports whether this is the config that runs, with an open ledger.
func (a *App) serves() bool {
	app, err := caddy.ActiveContext().AppIfConfigured("paywall")
	if err != nil || app != any(a) {
		return false
	}
	_, err = a.vault.Ledger()
	return err == nil
}

// pause reports whether the config is still wanted afterwards.
func (a *App) pause(d time.Duration) bool {
	select {
	case <-a.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (a *App) localAddresses() (addresses []string) {
	for _, gate := range a.gates {
		for _, address := range localOf(a.ctx, gate.place) {
			if !slices.Contains(addresses, address) {
				addresses = append(addresses, address)
			}
		}
	}
	return addresses
}

// localOf are the addresses under which this machine alone can open a site: its
// hosts on the loopback interface, or localhost where the server listens nowhere
// else.
func localOf(ctx caddy.Context, site *routes.Site) (addresses []string) {
	listening := site.Server.Listen
	if len(listening) == 0 {
		return nil
	}
	listen, err := caddy.ParseNetworkAddress(listening[0])
	if err != nil {
		return nil // Caddy has refused it
	}
	hosts := slices.Clone(site.Hosts())
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
