package badgerstore

import "os"

// often is how many times a proof by chance is tried: a few in every run, and
// many with TUPPENCE_LONG=1 in the environment.
func often(few, many int) int {
	if os.Getenv("TUPPENCE_LONG") != "" {
		return many
	}
	return few
}
