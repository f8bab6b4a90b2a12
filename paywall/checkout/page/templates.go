package page

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// around are the templates that stand in every page, sections those of one.
var (
	around   = []string{"layout.html", "token.html", "forms.html"}
	sections = map[string][]string{"wallet": {"settings.html", "devices.html", "passkeys.html", "tip.html"}, "receipt": {"tip.html"}}
)

// whole reports whether a name is that of a page, with the layout around it.
func whole(name string) bool { return name != "box" && name != "bar" }

// entry is the template that a page or a part begins with.
func entry(name string) string {
	if whole(name) {
		return "layout"
	}
	return name
}

func filesOf(name string) []string {
	if whole(name) {
		return slices.Concat(around, sections[name], []string{name + ".html"})
	}
	return []string{name + ".html"}
}

// parseFiles reads the files of a page or a part in their order; those of own take the
// place of ours.
func parseFiles(name string, own map[string]string) (*template.Template, error) {
	set := template.New(name)
	for _, file := range filesOf(name) {
		source, ok := own[file]
		if !ok {
			embedded, err := embedded.ReadFile("templates/" + file)
			if err != nil {
				return nil, err
			}
			source = string(embedded)
		}
		if _, err := set.New(file).Parse(source); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// maxTemplate bounds a template's file, in bytes.
const maxTemplate = 64 << 10

// ownTemplates takes the publisher's files. Each page that they are part of is
// checked and filled in once, so that a mistake is found at load.
func ownTemplates(folder fs.FS, views Views) (map[string]*template.Template, error) {
	own, err := readTemplates(folder)
	if err != nil {
		return nil, err
	}
	sets := map[string]*template.Template{}
	for name, view := range views(English()) {
		if !replaced(own, filesOf(name)) {
			continue
		}
		set, err := parseFiles(name, own)
		if err != nil {
			return nil, plainError(err)
		}
		if err := check(set, entry(name), view); err != nil {
			return nil, err
		}
		sets[name] = set
	}
	return sets, nil
}

func replaced(own map[string]string, files []string) bool {
	return slices.ContainsFunc(files, func(file string) bool { return own[file] != "" })
}

// readTemplates reads the files of a folder, each of which must have the name of
// one of ours.
func readTemplates(folder fs.FS) (map[string]string, error) {
	files, err := fs.Glob(folder, "*.html")
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no template in the folder; put one of these there: %s", templateNames())
	}
	own := map[string]string{}
	for _, file := range files {
		if _, err := fs.Stat(embedded, "templates/"+file); err != nil {
			return nil, fmt.Errorf("%s takes the place of no template; name it like one of these: %s", file, templateNames())
		}
		f, err := folder.Open(file)
		if err != nil {
			return nil, fmt.Errorf("reading the templates: %w", err)
		}
		source, err := io.ReadAll(io.LimitReader(f, maxTemplate+1))
		if err := cmp.Or(err, f.Close()); err != nil {
			return nil, fmt.Errorf("reading the templates: %w", err)
		}
		if len(source) > maxTemplate {
			return nil, fmt.Errorf("%s is longer than %d KiB; a page must be small", file, maxTemplate>>10)
		}
		if strings.TrimSpace(string(source)) == "" {
			return nil, fmt.Errorf("%s:1: the template is empty; remove the file to have ours", file)
		}
		own[file] = string(source)
	}
	return own, checkForms(own)
}

func templateNames() string {
	files, _ := fs.Glob(embedded, "templates/*.html") // of a pattern that is well formed
	for i := range files {
		files[i] = strings.TrimPrefix(files[i], "templates/")
	}
	return strings.Join(files, ", ")
}

// check looks at everything that a template names, also where it is not filled
// in with this data, and fills it in once: html/template looks at the markup
// only then.
func check(set *template.Template, name string, view any) error {
	if err := namesIn(set, name, view); err != nil {
		return err
	}
	return plainError(set.ExecuteTemplate(io.Discard, name, view))
}

// plainError begins with the file: "template: unlock.html:3: …" and
// "html/template:unlock.html:3:5: …" say the same twice.
func plainError(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, prefix := range []string{"html/template:", "template: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return errors.New(strings.TrimSpace(text))
}
