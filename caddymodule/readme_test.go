package caddymodule

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeHasTheParsersSyntax: what the parsers say of themselves and what
// the README teaches are the same block.
func TestReadmeHasTheParsersSyntax(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, indent := range map[string]string{"caddyfile.go": "", "caddyfile_global.go": "\t"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, after, ok := strings.Cut(string(source), "Syntax:\n//\n")
		if !ok {
			t.Fatalf("%s has no syntax block", file)
		}
		block, _, _ := strings.Cut(after, "//\n")
		block = strings.ReplaceAll(block, "//\t", indent)
		if !strings.Contains(string(readme), block) {
			t.Errorf("the README lacks the syntax of %s:\n%s", file, block)
		}
	}
}
