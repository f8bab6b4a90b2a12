package checkout

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

// around are the templates that stand in every page, parts those of one.
var (
	around = []string{"layout.html", "token.html", "forms.html"}
	parts  = map[string][]string{"wallet": {"settings.html", "devices.html", "passkeys.html", "tip.html"}, "receipt": {"tip.html"}}
)

func filesOf(page string) []string {
	return slices.Concat(around, parts[page], []string{page + ".html"})
}

func parsePage(page string, own map[string]string) (*template.Template, error) {
	return parseTemplates(page, filesOf(page), own)
}

// parseTemplates reads files in their order; those of own take the place of ours.
func parseTemplates(name string, files []string, own map[string]string) (*template.Template, error) {
	set := template.New(name)
	for _, file := range files {
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

// replaceTemplates takes the publisher's files. Each page that they are part of
// is checked and filled in once, so that a mistake is found at load.
func (l *Look) replaceTemplates(folder fs.FS) error {
	own, err := readTemplates(folder)
	if err != nil {
		return err
	}
	l.own = map[string]*template.Template{}
	for page, view := range views(english()) {
		if !replaced(own, filesOf(page)) {
			continue
		}
		set, err := parsePage(page, own)
		if err != nil {
			return plainError(err)
		}
		if err := check(set, "layout", view); err != nil {
			return err
		}
		l.own[page] = set
	}
	if l.boxHTML, err = parsePart("box", own, boxView{catalogue: english(), CSS: "/"}); err != nil {
		return err
	}
	l.barHTML, err = parsePart("bar", own, barView{catalogue: english(), CSS: "/"})
	return err
}

// parsePart reads a template that stands in pages of the site.
func parsePart(name string, own map[string]string, view any) (*template.Template, error) {
	files := []string{name + ".html"}
	set, err := parseTemplates(name, files, own)
	if err != nil || !replaced(own, files) {
		return set, plainError(err)
	}
	return set, check(set, name, view)
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
	if err := names(set, name, view); err != nil {
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

// views are what the templates of the pages are given, as empty as can be.
func views(c *catalogue) map[string]any {
	l := layout{catalogue: c, Title: "Title", Site: "Site", CSS: "/", Icon: "/"}
	forms := formsView{layout: l}
	return map[string]any{
		"unlock":   purchaseView{layout: l},
		"wallet":   walletView{formsView: forms},
		"stranger": forms,
		"topup":    forms,
		"erase":    forms,
		"reset":    resetView{formsView: forms},
		"receipt":  receiptView{layout: l},
		"gift":     giftView{layout: l},
		"giftlink": giftLinkView{layout: l},
		"error":    errorView{layout: l},
	}
}
