package caddymodule

import (
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
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
		for _, address := range gate.place.LocalAddresses(a.ctx) {
			if !slices.Contains(addresses, address) {
				addresses = append(addresses, address)
			}
		}
	}
	return addresses
}
