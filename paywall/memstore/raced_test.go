//go:build race

package memstore_test

// raced: the race detector makes all of it ten times slower.
const raced = true
