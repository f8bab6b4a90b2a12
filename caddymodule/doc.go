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
// It is cut by role, as Caddy is: what is configured stands with its Provision in
// app.go, handler.go and a file for each part of theirs; Caddyfile syntax is in
// caddyfile_*.go, admin calls are in admin_*.go, and all else has a room in internal.
//
// The shortest use, in a Caddyfile:
//
//	news.example {
//		paywall /articles/* 0.20
//		reverse_proxy localhost:2368
//	}
package caddymodule
