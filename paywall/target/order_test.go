package target

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEachFileUsesOnlyFilesAfterIt holds the order that the package's
// documentation gives: for functions, and for all other names of the package.
func TestEachFileUsesOnlyFilesAfterIt(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	order := []string{"doc.go"}
	for _, line := range regexp.MustCompile(`(?m)^//   - (\w+\.go):`).FindAllSubmatch(doc, -1) {
		order = append(order, string(line[1]))
	}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if !slices.Contains(order, name) {
			t.Errorf("doc.go does not say where %s stands", name)
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	// The names of other packages stay unknown, which is an error that does not
	// matter here.
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Error: func(error) {}}
	pkg, _ := config.Check("target", fset, files, &info)
	placeOf := func(pos token.Pos) int { return slices.Index(order, fset.Position(pos).Filename) }
	seen := 0
	for use, object := range info.Uses {
		if object.Pkg() != pkg || !object.Pos().IsValid() {
			continue
		}
		seen++
		if placeOf(use.Pos()) > placeOf(object.Pos()) {
			t.Errorf("%s uses %s, which stands before it, in %s", fset.Position(use.Pos()), object.Name(), order[placeOf(object.Pos())])
		}
	}
	if seen < 500 {
		t.Errorf("saw only %d uses", seen)
	}
}
