// Package withhold keeps what opens articles from others than the gate: the addresses
// of gifts from access logs, wallets and tokens from those whom a proxy before the
// gate asks.
package withhold
