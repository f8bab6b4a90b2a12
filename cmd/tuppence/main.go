// Command tuppence is Caddy with the paywall plugged in.
package main

import (
	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/tuppence/tuppence/caddymodule"
)

func main() {
	caddy.CustomBinaryName = "tuppence"
	caddycmd.Main()
}
