package journal

import (
	"bytes"
	"strings"
	"testing"
)

func TestALineThatDoesNotFollowIsRefused(t *testing.T) {
	records := samples()
	first, second := &records[0], &records[1]
	first.Seq, second.Seq = 1, 2
	begin := encode(first, Hash{})
	l, err := Check(Mark{}, begin)
	if err != nil || l.Seq != 1 || !l.Ref.IsZero() {
		t.Fatalf("the first line: %+v, %v", l, err)
	}
	head := l.Mark()
	next := encode(second, head.Hash)
	if l, err = Check(head, next); err != nil || l.Seq != 2 {
		t.Errorf("the second line: %+v, %v", l, err)
	}
	flipped := bytes.Clone(next)
	flipped[40] ^= 1
	second.Seq = 3
	for want, line := range map[string][]byte{
		"record 1 follows record 1": begin,
		"record 3 follows record 1": encode(second, head.Hash),
		"its bytes give":            flipped,
		"not a line":                next[:len(next)-1],
	} {
		if _, err := Check(head, line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	second.Seq = 2
	if _, err := Check(head, encode(second, sum(nil))); err == nil || !strings.Contains(err.Error(), "is chained to") {
		t.Errorf("another chain: %v", err)
	}
}
