// Package teaser reads what a page says about itself, as it streams by: its
// title and its length. It never holds a page in memory and
// never trusts one: whatever it hands out is short, plain text.
package teaser
