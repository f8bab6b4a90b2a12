package journal

import (
	"os"
	"strings"
	"testing"

	"github.com/tuppence/tuppence/paywall"
)

// documented are the lines that the package comment shows, put together again.
func documented(t *testing.T) (lines []string) {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for row := range strings.Lines(string(text)) {
		row = strings.TrimSuffix(row, "\n")
		if begins, ok := strings.CutPrefix(row, "//\t{"); ok {
			lines = append(lines, "{"+begins)
		} else if goes, ok := strings.CutPrefix(row, "//\t "); ok {
			lines[len(lines)-1] += goes
		}
	}
	return lines
}

// TestTheDocumentedLinesAreSome: what the package comment shows, of every kind, is
// what is written.
func TestTheDocumentedLinesAreSome(t *testing.T) {
	shown := map[paywall.Kind]bool{}
	for _, line := range documented(t) {
		line += "\n"
		prev, _, err := Hashes([]byte(line))
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		r, err := Decode([]byte(line), eur)
		if err != nil || string(encode(&r, prev)) != line {
			t.Errorf("%v: %s", err, line)
		}
		shown[r.Kind] = true
	}
	for _, r := range samples() {
		if !shown[r.Kind] {
			t.Errorf("no line of the kind %s is shown", r.Kind)
		}
	}
}
