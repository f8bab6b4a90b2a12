package checkout

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template/parse"
	"time"

	"github.com/tuppence/tuppence/paywall"
	"github.com/tuppence/tuppence/paywall/checkout/page"
)

const templateFolder = "page/templates"

// contract is what the package's documentation says that each template is given:
// names by file, and under "" those of all pages.
func contract(t *testing.T) map[string][]string {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(doc), "All pages have\n")
	said, also := map[string][]string{}, map[string][]string{}
	file := ""
	head, other, name := regexp.MustCompile(`^//\t(\w+\.html)`), regexp.MustCompile(`as in (\w+\.html)`), regexp.MustCompile(`(?:^|\s)\.([A-Z]\w*)`)
	for line := range strings.Lines(section) {
		if m := head.FindStringSubmatch(line); m != nil {
			file = m[1]
		}
		for _, m := range other.FindAllStringSubmatch(line, -1) {
			also[file] = append(also[file], m[1])
		}
		for _, m := range name.FindAllStringSubmatch(line, -1) {
			said[file] = append(said[file], m[1])
		}
	}
	for file, others := range also {
		for _, o := range others {
			if said[o] == nil {
				t.Errorf("%s is said to be given what %s is, of which nothing is said", file, o)
			}
			said[file] = append(said[file], said[o]...)
		}
	}
	return said
}

// namedIn are the fields and methods that a template names.
func namedIn(t *testing.T, file string) []string {
	t.Helper()
	source, err := os.ReadFile(templateFolder + "/" + file)
	if err != nil {
		t.Fatal(err)
	}
	tree := parse.New(file)
	tree.Mode = parse.SkipFuncCheck
	sets := map[string]*parse.Tree{}
	if _, err := tree.Parse(string(source), "", "", sets); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, set := range sets {
		names = append(names, namesOf(reflect.ValueOf(set.Root))...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// namesOf walks over a tree, whose nodes name fields in three ways.
func namesOf(v reflect.Value) (names []string) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		switch n := v.Interface().(type) {
		case *parse.Tree:
			return nil
		case *parse.FieldNode:
			return n.Ident
		case *parse.VariableNode:
			return n.Ident[1:]
		case *parse.ChainNode:
			return append(namesOf(reflect.ValueOf(n.Node)), n.Field...)
		}
		return namesOf(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			names = append(names, namesOf(v.Index(i))...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				names = append(names, namesOf(v.Field(i))...)
			}
		}
	}
	return names
}

// has are the fields and methods of a type, and of all that it leads to.
func has(of reflect.Type, names map[string]bool, seen map[reflect.Type]bool) {
	if seen[of] {
		return
	}
	seen[of] = true
	for i := range of.NumMethod() {
		names[of.Method(i).Name] = true
	}
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice:
		has(of.Elem(), names, seen)
	case reflect.Struct:
		for i := range of.NumField() {
			if f := of.Field(i); f.IsExported() || f.Anonymous {
				names[f.Name] = true
				has(f.Type, names, seen)
			}
		}
	}
}

// TestTemplatesAreGivenWhatTheirContractSays: a publisher who follows the
// documentation has all that our own templates have, and finds nothing missing.
func TestTemplatesAreGivenWhatTheirContractSays(t *testing.T) {
	said := contract(t)
	files, err := os.ReadDir(templateFolder)
	if err != nil {
		t.Fatal(err)
	}
	given := views(page.English())
	for _, f := range files {
		file := f.Name()
		for _, name := range namedIn(t, file) {
			if !slices.Contains(said[""], name) && !slices.Contains(said[file], name) {
				t.Errorf("%s names .%s, of which doc.go says nothing", file, name)
			}
		}
		of := strings.TrimSuffix(file, ".html")
		if slices.Contains([]string{"settings", "devices", "passkeys"}, of) {
			of = "wallet"
		}
		view, ok := given[of]
		switch {
		case file == "tip.html":
			view = tipView{}
		case slices.Contains([]string{"layout.html", "forms.html", "token.html"}, file):
			continue // of all pages
		case !ok:
			t.Errorf("views has none for %s", file)
			continue
		}
		names, seen := map[string]bool{}, map[reflect.Type]bool{}
		for _, of := range []reflect.Type{reflect.TypeOf(view), reflect.TypeFor[paywall.Money](), reflect.TypeFor[time.Time]()} {
			has(of, names, seen)
		}
		for _, name := range said[file] {
			if !names[name] {
				t.Errorf("doc.go promises .%s to %s, which has none", name, file)
			}
		}
		for _, name := range said[""] {
			if !slices.Contains([]string{"box.html", "bar.html", "tip.html"}, file) && !names[name] {
				t.Errorf("doc.go promises .%s to all pages; %s has none", name, file)
			}
		}
	}
	for file := range said {
		if _, err := os.Stat(templateFolder + "/" + file); err != nil {
			t.Errorf("doc.go speaks of %s: %v", file, err)
		}
	}
}

// TestOurTemplatesNameOnlyWhatIsThere, on every page, as a publisher's must.
func TestOurTemplatesNameOnlyWhatIsThere(t *testing.T) {
	if _, err := NewLook(page.Options{Templates: os.DirFS(templateFolder)}); err != nil {
		t.Error(err)
	}
}
