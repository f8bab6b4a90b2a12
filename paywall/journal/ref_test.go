package journal

import (
	"bytes"
	"testing"
)

func TestLaterRefsCompareGreater(t *testing.T) {
	var before Ref
	for _, words := range [][3]uint32{{1, 0, 300}, {1, 300, 255}, {1, 65536, 1}, {2, 0, 1}, {256, 0, 1}, {1<<32 - 1, 1<<32 - 1, 1<<32 - 1}} {
		r := RefOf(words[0], words[1], words[2])
		if bytes.Compare(before[:], r[:]) >= 0 || r.IsZero() {
			t.Errorf("%v does not follow %v", r, before)
		}
		if a, b, c := r.Words(); [3]uint32{a, b, c} != words {
			t.Errorf("%v reads as %d, %d, %d", words, a, b, c)
		}
		before = r
	}
	if !RefOf(0, 0, 0).IsZero() {
		t.Error("no record has a place")
	}
}
