// Package routes reads Caddy's route tree as it stands while a gate is being
// provisioned: what comes before the gate, what stands around it, and where the
// config leads requests to where no gate stands, for the hosts that the gate
// serves. What the blocks of other hosts do is no concern of it.
//
// Caddy provisions a server's routes one after the other. Those that come before
// the gate are loaded; the route that holds the gate, and all that follow, still
// have their handlers as JSON. Named routes are loaded last.
package routes
