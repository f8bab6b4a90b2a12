// Package target reads a raw request target: [Canonicalizer.Parse] answers the
// canonical resource that it names, and every other path and query that a lenient
// server may read in it, or refuses it.
//
// It knows no prices. Somebody who asks about the path and about every reading, and
// gets one answer, may let the target pass as it was sent.
//
// The work goes one way. Each file uses only files after it:
//
//   - parse.go: from the bytes that were sent to a [Target]
//   - target.go: the target, how it is spelled, and the queries that sites read in it
//   - query.go: the part of a resource's name that stands in the query
//   - query_readings.go: which parameters matter, for every kind of site
//   - query_readers.go: how sites of each kind read a parameter
//   - readings.go: the paths that sites may end up with
//   - steps.go: the liberties that servers take with a path
//   - settled.go: paths that need none of this, which are nearly all
//   - scripts.go: scripts and sessions in the middle of a path
//   - bytes.go: bytes that are no UTF-8, and control characters
//   - escapes.go: how escapes are undone
//   - letters.go: kinds of letters
package target
