package caddymodule

import (
	"errors"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/tuppence/tuppence/paywall/pricing"
)

// resolve replaces placeholders such as {env.PRICE}; one that is unknown or empty
// is an error. Visitors have no part in what is resolved.
func resolve(s string) (string, error) {
	if !strings.Contains(s, "{") {
		return s, nil
	}
	return caddy.NewReplacer().ReplaceOrErr(s, true, true)
}

// atSource says where in a config file an error stands, as Caddy does, unless
// the error says so itself.
func atSource(source string, err error) error {
	if _, placed := errors.AsType[*pricing.RuleError](err); placed {
		return err
	}
	return &pricing.RuleError{Source: source, Err: err}
}

func withDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
