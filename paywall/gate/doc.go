// Package gate decides about one request: it belongs to the site, to the
// checkout, to somebody who paid, or it is answered with an offer. It is
// middleware for any net/http server; it knows prices and keys, never balances.
//
// What it decides on is what the site gets: the client's ways to say one thing
// to the gate and another to the site are taken from every request, identity
// comes from one canonical path, and whatever is in doubt is refused. The way of
// a reader with a valid token touches no store and shares no lock.
//
// A request is judged once, when it begins. Streams that were opened go on until
// they end, whatever becomes of the purchase.
package gate
