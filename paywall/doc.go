// Package paywall says what is sold, to whom, and what must hold while money
// changes hands. It is the words of a pay-per-article gate: amounts, resources, offers,
// wallets, unlocks, transfers, errors. It uses the standard library only and knows neither
// Caddy, nor a database, nor a token format.
//
// The words are used alike in code, configuration and logs:
//
//   - resource: what is sold, the canonical path of an article on one site (origin)
//   - offer: a signed quote for one resource, valid for [OfferTTL]
//   - unlock: one purchase of one resource by one wallet
//   - wallet: an anonymous prepaid balance; a random id and a secret
//   - transfer: one balanced double-entry record; every change of state is one
package paywall
