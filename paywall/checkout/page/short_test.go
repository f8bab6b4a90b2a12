package page

import "testing"

// notShort leaves a test out of a run with -short, which takes two minutes and
// needs nothing but Go. In any other run what a test needs and is missing fails it.
func notShort(t testing.TB, needs string) {
	t.Helper()
	if testing.Short() {
		t.Skip("left out with -short: needs " + needs)
	}
}
