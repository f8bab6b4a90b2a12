package pathtest

import (
	"math/rand/v2"
	"strings"
)

// queryBases are queries of a site that calls its posts "?p=7", shows drafts with
// "preview", and counts where its readers come from.
var queryBases = []string{
	"p=7", "p=8", "p=", "p", "preview=1", "utm_source=x", "q=50%25", "a=1", "sort", "post.id=7", "p=7&preview=1", "x=%C3%BC",
}

// Query makes a raw query: parameters of the site, bent by up to four tricks. The
// same state of rng gives the same query.
func Query(rng *rand.Rand) string {
	var parts []string
	for range 1 + rng.IntN(4) {
		parts = append(parts, queryBases[rng.IntN(len(queryBases))])
	}
	query := strings.Join(parts, []string{"&", "&", "&", ";", "&&", "&;", "?"}[rng.IntN(7)])
	for range rng.IntN(5) {
		query = queryTricks[rng.IntN(len(queryTricks))](rng, query)
	}
	return query
}

var queryTricks = []trick{
	escapeOne("%%%02X"), escapeOne("%%%02x"), escapeOne("%%25%02x"), escapeOne("%%u00%02x"),
	insert("%", "%zz", "%u", ";", "&", "=", "+", "%20", "%00", "%ff", "[]", "[x]", "[", "]", "?", ".", "%26", "%3D", "%3B", "\u00a0", "%E2%80%8B", "&&", "%25", "%2"),
	swap("p", "P", "%70", "%50", "%2570", "p[]", "p[x]", "[p]", "p%00", "p.", "+p", "%u0070", "p%", "%p", "p%5B%5D"),
	swap("&", ";", "&amp;", "&%", "%26", "&;", ";&", "&?"),
	front("&", ";", "?", "%", "x;", "x=;", "=&", "+", "%00", "?x&"),
	back("&", ";", "%", "&%zz", ";p=7", "&p=8", "&P=7", "&p[]=8", "%00", "&p=%ff", "&=", "+"),
	func(_ *rand.Rand, s string) string { return strings.ToUpper(s) },
	func(rng *rand.Rand, s string) string { // more pairs than some sites read
		if rng.IntN(4) > 0 {
			return s
		}
		return strings.Repeat("y&", []int{99, 100, 99, 1000}[rng.IntN(4)]) + s
	},
}

// insert puts something anywhere.
func insert(what ...string) trick {
	return func(rng *rand.Rand, s string) string {
		i := rng.IntN(len(s) + 1)
		return s[:i] + what[rng.IntN(len(what))] + s[i:]
	}
}
