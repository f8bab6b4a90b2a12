package caddymodule

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/tuppence/tuppence/caddymodule/internal/command"
)

func init() {
	caddycmd.RegisterCommand(command.Paywall)
}
