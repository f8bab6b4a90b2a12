// Command tuppence is Caddy with the paywall plugged in.
package main

import (
	"net"
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/tuppence/tuppence/caddymodule"
)

func main() {
	tellLoopback6()
	caddy.CustomBinaryName = "tuppence"
	caddycmd.Main()
}

// tellLoopback6 sets a variable for Caddyfiles to ::1, if this machine has it. A
// server that cannot have one of its addresses does not start, so that a config
// for every machine must not name an address which some of them lack.
func tellLoopback6() {
	const variable = "TUPPENCE_LOOPBACK6"
	if _, set := os.LookupEnv(variable); set {
		return
	}
	if listener, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		_ = listener.Close()
		_ = os.Setenv(variable, "::1")
	}
}
