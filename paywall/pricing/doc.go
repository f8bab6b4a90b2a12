// Package pricing says what a resource costs: a table of rules, of which the
// first that matches decides.
//
// Rules are asked about the canonical path of a request and about every other
// path that a lenient site may read in the raw target. Where those disagree
// about the price there is no right answer, and the request is refused.
package pricing
