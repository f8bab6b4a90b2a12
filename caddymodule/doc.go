// Package caddymodule puts the paywall into Caddy. It is glue only: it turns
// configuration into the library's options, keeps each vault open across
// reloads, and offers the admin API and the commands.
//
// Modules:
//
//   - paywall, an app: currency, storage, welcome credit, refunds, top-ups
//   - http.handlers.paywall: the gate in front of a site, with the checkout
//     under /.paywall/
//   - admin.api.paywall: /paywall/ on Caddy's admin endpoint
//
// The shortest use, in a Caddyfile:
//
//	news.example {
//		paywall /articles/* 0.20
//		reverse_proxy localhost:2368
//	}
package caddymodule
