package target

import (
	"net/url"
	"slices"
	"strings"
)

// Bounds on what is looked at in a query.
const (
	// fewPairs are read by everybody. Sites with Lua stop after 100, those with PHP
	// and Node after 1000, and not all count alike.
	fewPairs = 100
	// maxPairs is how often the keys that matter may occur, look-alikes included,
	// and how often in a query that not everybody reads to its end.
	maxPairs      = 64
	maxAfterPairs = 8
)

// queryReading is what sites of one kind find.
type queryReading struct {
	values url.Values
	by     *queryReader
}

// readQuery is the query as the readers read it; where not all come to its end,
// also what is there before any of the keys. ok is false when that is too much.
func readQuery(query string, keys []string) (readings []queryReading, ok bool) {
	loose := make([]string, len(keys))
	for i, key := range keys {
		loose[i] = looseName(key)
	}
	pairs := pairsOf(query, loose)
	shortest := len(pairs.named)
	if strings.Count(query, "&")+strings.Count(query, ";") >= fewPairs {
		shortest = 0
	}
	if len(pairs.named) > maxPairs || len(pairs.named)-shortest > maxAfterPairs {
		return nil, false
	}
	for end := len(pairs.named); end >= shortest; end-- {
		seen := pairs
		seen.named = pairs.named[:end]
		readers := queryReaders
		if end == 0 {
			readers = readers[:2] // they differ in whether there is anything
		}
		for i := range readers {
			readings = append(readings, queryReading{queryReaders[i].read(&seen, keys, loose, i == 0), &queryReaders[i]})
		}
	}
	return readings, true
}

// pairsOf sorts the pairs of a query.
func pairsOf(query string, loose []string) (pairs queryPairs) {
	for pair := range strings.SplitSeq(query, "&") {
		switch {
		case pair == "":
		case resembles(pair, loose):
			pairs.named = append(pairs.named, pair)
		case pair[0] == '=' || strings.Contains(pair, ";") || !hasGoodEscapes(pair):
			pairs.odd = true
		default:
			pairs.good = true
		}
	}
	return pairs
}

// resembles reports whether somebody finds one of the keys in a pair.
func resembles(pair string, loose []string) bool {
	everything := &queryReaders[len(queryReaders)-1]
	for part := range strings.FieldsFuncSeq(pair, func(r rune) bool { return r == ';' || r == '?' }) {
		key, _, _ := strings.Cut(part, "=")
		for _, spelled := range []string{key, dropBadEscapes(key)} {
			if decoded, _ := everything.decode(spelled); slices.Contains(loose, looseName(decoded)) {
				return true
			}
		}
	}
	return false
}
