// Package checkout serves everything under /.paywall/: the purchase page, the
// reader's wallet, top-up, refund and the public keys, as pages for people and
// as JSON for programs.
//
// It knows offers and money, never price rules: all it needs to sell stands in
// the signed offer that the gate handed out. It debits only on POST, only what
// the offer says, and redirects only to the path the offer names.
//
// Every word that a reader sees stands in messages/, one file for each language;
// what programs read is English.
package checkout
