package main

import (
	"fmt"
	"path/filepath"
)

// What the proxies are told. All of Tuppence's sites run in one process: plain,
// gated and forward_auth differ by their handlers alone, and share everything
// else that costs, such as the garbage collector's pace. That pace is slower than
// in a Caddy without us, whose heap is smaller; so plain and forward_auth run there
// as well, as somebody has them who does without Tuppence.

// price is what the article costs, and the credit that a new wallet has.
const price = "0.20"

// welcomesADay is more than a run opens.
const welcomesADay = 100_000_000

// global is without the admin endpoint and autosave; a log line would be an error.
const global = `	admin off
	persist_config off
	log {
		level ERROR
	}
`

func caddyGlobal() string { return fmt.Sprintf("{\n%s}\n", global) }

func plainSite(addr, site string) string {
	return fmt.Sprintf(`
http://%s {
	bind 127.0.0.1
	reverse_proxy %s
}
`, addr, site)
}

// tuppenceGlobal lets one address open as many wallets, and buy as often, as it likes.
func tuppenceGlobal(data string) string {
	return fmt.Sprintf(`{
%s	paywall {
		currency EUR
		storage badger %s
		welcome %s {
			limit %d per day
		}
		limits 1000000
	}
}
`, global, data, price, welcomesADay)
}

func gatedSite(addr, site string) string {
	return fmt.Sprintf(`
http://%s {
	bind 127.0.0.1
	paywall /articles/* %s
	reverse_proxy %s
}
`, addr, price, site)
}

func forwardSite(addr, site, auth string) string {
	return fmt.Sprintf(`
http://%s {
	bind 127.0.0.1
	forward_auth %s {
		uri /check
	}
	reverse_proxy %s
}
`, addr, auth, site)
}

// nginxConfig is as near to Caddy's as nginx comes: one worker, connections
// kept alive on both sides, no access log.
func nginxConfig(dir, plain, gated, site, auth string) string {
	temp := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp += fmt.Sprintf("\t%s_temp_path %s;\n", kind, filepath.Join(dir, "nginx-"+kind))
	}
	const proxied = "proxy_http_version 1.1;\n\t\t\tproxy_set_header Connection \"\";"
	return fmt.Sprintf(`daemon off;
master_process off;
pid %s;
events {
}
http {
	access_log off;
	keepalive_requests 1000000000;
%s	upstream site {
		server %s;
		keepalive 64;
		keepalive_requests 1000000000;
	}
	upstream auth {
		server %s;
		keepalive 64;
		keepalive_requests 1000000000;
	}
	server {
		listen %s;
		location / {
			proxy_pass http://site;
			%s
		}
	}
	server {
		listen %s;
		location / {
			auth_request /check;
			proxy_pass http://site;
			%s
		}
		location = /check {
			internal;
			proxy_pass http://auth;
			%s
			proxy_pass_request_body off;
			proxy_set_header Content-Length "";
			proxy_set_header X-Forwarded-Uri $request_uri;
		}
	}
}
`, filepath.Join(dir, "nginx.pid"), temp, site, auth, plain, proxied, gated, proxied, proxied)
}
