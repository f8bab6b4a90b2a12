// Package token signs and verifies the two kinds of JSON Web Token that the
// gate and the checkout exchange: offers (a signed quote) and access tokens
// (what a purchase opens). Both are Ed25519 only and never share a "typ".
//
// A token only caches a right that the ledger owns, so everything here may be
// strict: what this package would not have written byte for byte is refused,
// and the reader's wallet brings a fresh token. golang-jwt verifies, but its
// defaults accept tokens without exp, unknown crit headers, twin claims and
// line breaks inside a signature, so its work is framed by checks of our own.
package token
