package journal

import (
	"os"
	"strings"
	"testing"
)

// TestTheDocumentedLineIsOne: what the package comment shows is what is written.
func TestTheDocumentedLineIsOne(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n//\t{")
	block, _, _ := strings.Cut(after, "\n//\n")
	line := "{" + strings.ReplaceAll(block, "\n//\t ", "") + "\n"
	prev, _, err := chain([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Decode([]byte(line), eur)
	if err != nil || string(encode(&r, prev)) != line {
		t.Fatalf("%v: %s", err, line)
	}
	if r.Seq != 3 || r.Paid() != 200_000 {
		t.Errorf("it is %+v", r)
	}
}
