package caddymodule

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

const (
	sells   = "paywall /a/* 0.20\n\treverse_proxy localhost:1"
	proxied = "reverse_proxy localhost:2"
)

// block is one site block.
func block(address, body string) string { return address + " {\n\t" + body + "\n}\n" }

// TestSitesThatShareAPortLoad: what the block of another host does is none of a
// gate's business, whatever Caddy sorts first.
func TestSitesThatShareAPortLoad(t *testing.T) {
	t.Setenv("TUPPENCE_TEST_HOST", "env.example")
	for name, config := range map[string]string{
		"two that sell":               block("http://a.example", sells) + block("http://b.example", sells),
		"a longer one is proxied":     block("http://longer.example", proxied) + block("http://a.example", sells),
		"a shorter one is proxied":    block("http://a.example", proxied) + block("http://longer.example", sells),
		"one serves files":            block("http://longer.example", "root * /srv\n\tfile_server") + block("http://a.example", sells),
		"one responds":                block("http://longer.example", "respond ok") + block("http://a.example", sells),
		"one redirects":               block("http://longer.example", "redir https://a.example{uri}") + block("http://a.example", sells),
		"one runs PHP":                block("http://longer.example", "php_fastcgi localhost:9") + block("http://a.example", sells),
		"https":                       block("longer.example", proxied) + block("a.example", sells) + block("b.example", sells),
		"http and https":              block("http://a.example, https://a.example", sells) + block("http://longer.example, https://longer.example", proxied),
		"https and its redirect":      block("a.example", sells) + block(":80", sells),
		"a catch-all beside it":       block("http://a.example", sells) + block(":80", proxied),
		"a catch-all that sells":      block("http://a.example", proxied) + block("http://", sells),
		"both sell":                   block("http://a.example", sells) + block("http://", sells),
		"a wildcard beside it":        block("http://*.example", proxied) + block("http://a.example", sells),
		"a wildcard that sells":       block("http://*.example", sells) + block("http://a.example", proxied),
		"another wildcard":            block("http://*.longer.example", proxied) + block("http://*.example", sells),
		"several addresses":           block("http://a.example, http://www.a.example", sells) + block("http://longer.example, http://www.longer.example", proxied),
		"upper case":                  block("http://LONGER.example", proxied) + block("http://A.example", sells),
		"IDN":                         block("http://bücherei.example", proxied) + block("http://bücher.example", sells),
		"a host from the environment": block("http://{$TUPPENCE_TEST_HOST}", proxied) + block("http://a.example", sells),
		"a placeholder":               block("http://{env.TUPPENCE_TEST_HOST}", proxied) + block("http://a.example", sells),
		"a snippet": "(shop) {\n\tpaywall {args[0]} 0.20\n\treverse_proxy localhost:1\n}\n" +
			block("http://a.example", "import shop /a/*") + block("http://b.example", "import shop /b/*"),
		"error pages of another": block("http://longer.example", proxied+"\n\thandle_errors {\n\t\treverse_proxy localhost:3\n\t}") + block("http://a.example", sells),
		"error pages of a host that is taken away": block("http://longer.example", proxied+"\n\thandle_errors {\n\t\treverse_proxy localhost:3\n\t}") +
			block("http://*.example", sells) + block("http://", sells),
		"own error pages first": block("http://a.example", sells+"\n\thandle_errors {\n\t\trespond sorry\n\t}") +
			block(":80", proxied+"\n\thandle_errors {\n\t\treverse_proxy localhost:3\n\t}"),
		"another page at that address": block("http://longer.example", proxied+"\n\thandle_errors {\n\t\trewrite * /a/sorry\n\t\tfile_server\n\t}") + block("http://a.example", sells),
		"a wildcard with shops": block("http://*.example", `@a host a.example
	handle @a {
		paywall /a/* 0.20
		reverse_proxy localhost:1
	}
	@b host b.example B2.example
	handle @b {
		paywall /b/* 0.30
		reverse_proxy localhost:1
	}
	@c host c.example
	handle @c {
		reverse_proxy localhost:2
	}
	handle {
		respond 404
	}`) + block("http://shop.example", sells),
		"a wildcard with a shop for the rest": block("http://*.example", `@longer host longer.example
	handle @longer {
		reverse_proxy localhost:2
	}
	handle {
		paywall /a/* 0.20
		reverse_proxy localhost:1
	}`),
		"shops for all but one host": block("http://*.example", `@shops not host www.example
	handle @shops {
		paywall /a/* 0.20
		reverse_proxy localhost:1
	}
	handle {
		respond ok
	}`),
		"hosts two blocks deep": block("http://", `@all host *.example
	handle @all {
		@longer host longer.example
		handle @longer {
			reverse_proxy localhost:2
		}
		@a host a.example
		handle @a {
			paywall /a/* 0.20
			reverse_proxy localhost:1
		}
	}`),
		"hosts in a route": block("http://a.example, http://b.example", `@b host b.example
	route @b {
		reverse_proxy localhost:2
	}
	@a host a.example
	route @a {
		paywall /a/* 0.20
		reverse_proxy localhost:1
	}`),
	} {
		t.Run(name, func(t *testing.T) {
			for range 3 { // servers are loaded in no fixed order
				if err := validate(t, sitesConfig(t, config)); err != nil {
					t.Fatalf("%v\n%s", err, config)
				}
			}
		})
	}
}

// TestAGateBehindItsOwnHostsHandlersIsRefused: also when these stand in the block of
// a wildcard or a catch-all that takes its host.
func TestAGateBehindItsOwnHostsHandlersIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ config, want string }{
		"after a handler": {block("http://b.example", proxied) + block("http://a.example", "route {\n\t\treverse_proxy localhost:1\n\t\tpaywall /a/* 0.20\n\t}"), "after reverse_proxy, which already answers"},
		"two gates":       {block("http://b.example", sells) + block("http://a.example", "paywall /b/* 0.30\n\t"+sells), "one paywall directive"},
		"a gate in two routes": {block("http://a.example", "route {\n\t\tpaywall /a/* 0.20\n\t}\n\troute {\n\t\tpaywall /b/* 0.20\n\t}"),
			"one paywall directive"},
		"under a path":        {block("http://b.example", sells) + block("http://a.example", "handle /a/* {\n\t\tpaywall 0.20\n\t}"), "with a matcher (path)"},
		"under handle_path":   {block("http://a.example", "handle_path /blog/* {\n\t\tpaywall /a/* 0.20\n\t}"), "with a matcher (path)"},
		"address with a path": {block("http://a.example/blog*", sells), "with a matcher (path)"},
		"beside own handler":  {block("http://a.example", "@slow path /a/slow*\n\thandle @slow {\n\t\treverse_proxy localhost:2\n\t}\n\thandle {\n\t\tpaywall /a/* 0.20\n\t}"), "already answers"},
		"one of its own hosts": {block("http://a.example, http://b.example", "@b host b.example\n\troute {\n\t\treverse_proxy @b localhost:2\n\t\tpaywall /a/* 0.20\n\t\treverse_proxy localhost:1\n\t}"),
			"after reverse_proxy, which already answers"},
		"a handle for its host": {block("http://*.example", "@a host a.example\n\troute @a {\n\t\treverse_proxy localhost:2\n\t}\n\t@again host A.example\n\troute @again {\n\t\tpaywall /a/* 0.20\n\t}"),
			"after reverse_proxy, which already answers"},
		"above its handle":   {block("http://*.example", "paywall /a/* 0.20\n\t@a host a.example\n\thandle @a {\n\t\tpaywall /a/* 0.20\n\t}"), "one paywall directive"},
		"error pages of all": {block("http://a.example", sells) + block(":80", "respond ok\n\thandle_errors {\n\t\treverse_proxy localhost:3\n\t}"), "as they came"},
		"error page of a wildcard": {block("http://a.example", sells) + block("http://*.example", "respond ok\n\thandle_errors {\n\t\trewrite * /a/sorry\n\t\tfile_server\n\t}"),
			"/a/sorry, which has a price"},
		"invoked":           {"&(shop) {\n\tpaywall /a/* 0.20\n\treverse_proxy localhost:1\n}\n" + block("http://a.example", "invoke shop") + block("http://b.example", "invoke shop"), "in a named route"},
		"a host by a path":  {block("http://*.example", "@a {\n\t\thost a.example\n\t\tpath /a/*\n\t}\n\thandle @a {\n\t\tpaywall 0.20\n\t}"), "with a matcher (path)"},
		"a host by a regex": {block("http://*.example", "@a header_regexp Host ^a\n\thandle @a {\n\t\tpaywall 0.20\n\t}"), "with a matcher (header_regexp)"},
	} {
		t.Run(name, func(t *testing.T) {
			err := validate(t, sitesConfig(t, tc.config))
			if err == nil {
				t.Fatalf("accepted:\n%s", tc.config)
			}
			if !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "Caddyfile:") {
				t.Errorf("refused with %q, want %q with file and line", err, tc.want)
			}
		})
	}
}

// TestABlockThatTakesTheGatesHostIsRefused: Caddy's adapter sorts blocks by their
// hosts, and other configs need not.
func TestABlockThatTakesTheGatesHostIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ host, want string }{
		"a wildcard": {`"*.example"`, "after the block for *.example, which already answers"},
		"the host":   {`"A.example"`, "after the block for a.example, which already answers"},
		"any host":   {`"{http.request.host}"`, "which already answers"},
		"one of two": {`"b.example", "a.example"`, "after the block for b.example, a.example, which already answers"},
		"another":    {`"b.example"`, ""},
		"an IDN":     {`"ä.example"`, ""},
		"with port":  {`"a.example:80"`, ""}, // Caddy compares hosts without their ports
		"more dots":  {`"*.*.example"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			config := fmt.Sprintf(`{"admin": {"disabled": true}, "apps": {"http": {"servers": {"s": {"listen": [":80"], "routes": [
				{"match": [{"host": [%s]}], "terminal": true, "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": "localhost:2"}]}]},
				{"match": [{"host": ["a.example"]}], "terminal": true, "handle": [
					{"handler": "paywall", "source": "a.json", "match": [{"path": ["/a/*"]}], "rules": [{"price": "0.20"}]},
					{"handler": "reverse_proxy", "upstreams": [{"dial": "localhost:1"}]}
				]}
			]}}}}}`, tc.host)
			var parsed caddy.Config
			if err := json.Unmarshal([]byte(config), &parsed); err != nil {
				t.Fatal(err)
			}
			err := caddy.Validate(&parsed)
			if (err != nil) != (tc.want != "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func sitesConfig(t *testing.T, sites string) string {
	return fmt.Sprintf("{\n\tadmin off\n\tstorage file_system %s\n}\n%s", t.TempDir(), sites)
}
